import { Alert, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { Facts } from '../../ui/Facts';
import { Answer } from '../../ui/notes';
import { StateBadge } from '../../ui/StateBadge';
import { routerStates } from '../../ui/states';
import { Ago } from '../../ui/Time';
import { Adoption } from './Adoption';
import { Drift } from './Drift';
import { RouterMenu } from './RouterMenu';
import { routerQuery } from './router';

type Router = Schemas['Router'];

/** The router of a site: what is known of it, or how it is adopted. */
export function RouterCard({ site }: { site: string }) {
  const router = useQuery(routerQuery(site));
  const mayChange = useMay('operator');
  const isThere = router.data?.state === 'online' || router.data?.state === 'away';
  return (
    <Paper withBorder p="md" component="section">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h5">
          Router
        </Title>
        <Group gap="xs">
          {router.data && <StateBadge look={routerStates[router.data.state]} />}
          {isThere && mayChange && router.data && <RouterMenu site={site} router={router.data} />}
        </Group>
      </Group>
      <Answer of={router}>
        {(data) =>
          data.state === 'none' || data.state === 'pending' ? (
            <Adoption site={site} isPending={data.state === 'pending'} />
          ) : (
            <Known site={site} router={data} />
          )
        }
      </Answer>
    </Paper>
  );
}

function Known({ site, router }: { site: string; router: Router }) {
  return (
    <Stack gap="md">
      {router.problems.map((problem) => (
        <Alert key={problem} color="orange">
          {problem}
        </Alert>
      ))}
      <Facts
        facts={[
          ['Identity', router.identity],
          ['Board', router.board],
          ['RouterOS', router.version],
          ['Serial number', router.serial],
          ['Reached through', reachedThrough(router)],
          ['Last heard of', router.last_seen_at && <Ago key="seen" at={router.last_seen_at} />],
          ['Adopted', router.adopted_at && <Ago key="adopted" at={router.adopted_at} />],
          ['Routes', modes[router.mode]],
        ]}
      />
      {router.mode === 'local' && router.mode_reason && (
        <Text size="xs" c="dimmed">
          {router.mode_reason}
        </Text>
      )}
      {(router.drift ?? 0) > 0 && <Drift site={site} steps={router.drift ?? 0} repair={router.repair} />}
    </Stack>
  );
}

const modes: Record<Router['mode'], string> = {
  pushed: 'pushed by the controller',
  local: 'on the router, switched by its tunnels',
};

function reachedThrough({ via, access }: Router): string {
  if (via === 'management') return 'its management tunnel';
  if (via === 'direct') return 'its own address';
  if (via) return `the tunnel ${via}`;
  // No connection is open now: it is opened when somebody asks.
  return access === 'direct' ? 'its own address' : 'its tunnels';
}
