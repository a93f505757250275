import { Button, List, Text } from '@mantine/core';
import { IconArrowsShuffle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useMay } from '../../session/session';
import { Answer, EmptyState, ErrorNote } from '../../ui/notes';
import { failoverQuery } from '../failover';
import { Ladder } from './Ladder';
import { useEnableFailover } from './tunnels';

/** The WAN tunnels of a site in the order in which they carry its traffic. */
export function FailoverPage() {
  const { site } = useParams({ from: '/inside/sites/$site' });
  const failover = useQuery(failoverQuery(site));
  return (
    <Answer of={failover}>
      {(status) => (status.enabled ? <Ladder site={site} status={status} /> : <Enable site={site} />)}
    </Answer>
  );
}

function Enable({ site }: { site: string }) {
  const enable = useEnableFailover(site);
  const mayEnable = useMay('operator');
  return (
    <EmptyState
      icon={IconArrowsShuffle}
      title="Failover is off"
      action={
        <>
          <ErrorNote error={enable.error} />
          {mayEnable && (
            <Button onClick={() => enable.mutate()} loading={enable.isPending}>
              Enable failover
            </Button>
          )}
        </>
      }
    >
      <Text mb="xs">
        With failover on, the router keeps a tunnel through each of its internet connections. Holdfast watches
        them, and traffic leaves straight through the best one that works.
      </Text>
      <List size="sm" ta="left">
        <List.Item>Two WAN tunnels are made, which know nothing yet.</List.Item>
        <List.Item>You say for each which interface and gateway it uses.</List.Item>
        <List.Item>Nothing changes on the router until then.</List.Item>
      </List>
    </EmptyState>
  );
}
