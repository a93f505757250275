import { Grid, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { FailoverStatus, Site } from '../../api/types';
import { siteQuery } from '../../sites/sites';
import { Facts } from '../../ui/Facts';
import { Answer } from '../../ui/notes';
import { StateBadge } from '../../ui/StateBadge';
import { linkStates } from '../../ui/states';
import { Ago, Time } from '../../ui/Time';
import { duration } from '../../ui/time';
import { failoverQuery } from '../failover';
import { RouterCard } from '../router/RouterCard';
import { OpenFaults } from './OpenFaults';
import { PathDiagram } from './PathDiagram';

export function OverviewPage() {
  const { site: id } = useParams({ from: '/inside/sites/$site' });
  const site = useQuery(siteQuery(id));
  const failover = useQuery(failoverQuery(id));
  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Stack gap="md">
          <Paper withBorder p="md" component="section">
            <Title order={2} size="h5" mb="xs">
              Path of the traffic
            </Title>
            <Answer of={failover}>{(status) => <Path status={status} />}</Answer>
          </Paper>
          {site.data && site.data.status.open_faults > 0 && <OpenFaults site={id} />}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack gap="md">
          <RouterCard site={id} />
          {site.data && <SiteFacts site={site.data} />}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Path({ status }: { status: FailoverStatus }) {
  if (!status.enabled || status.tunnels.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Failover is off: the router sends traffic as it did before. Once it is on, the way that traffic takes
        is drawn here, and what stands in the way of the others.
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      <PathDiagram status={status} />
      <Stack component="ul" gap={6} p={0} m={0} style={{ listStyle: 'none' }}>
        {status.tunnels.map((tunnel) => (
          <Text key={tunnel.id} component="li" size="sm">
            <StateBadge look={linkStates[tunnel.state]} mr={8} />
            <b>{tunnel.name}</b>: {tunnel.cause}{' '}
            <Text span c="dimmed" size="sm">
              · <Ago at={tunnel.since} />
            </Text>
          </Text>
        ))}
      </Stack>
    </Stack>
  );
}

function SiteFacts({ site }: { site: Site }) {
  const { status } = site;
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">
        Site
      </Title>
      <Facts
        facts={[
          ['Active link', status.tunnels.find(({ id }) => id === status.active)?.name ?? 'none'],
          ['On backup since', status.on_backup_since && <Ago key="backup" at={status.on_backup_since} />],
          ['WAN tunnels', status.tunnels.length],
          ['Hold after a failure', duration(site.hold_s)],
          ['Made', <Time key="made" at={site.created_at} />],
        ]}
      />
    </Paper>
  );
}
