import { Alert, Grid, Paper, Stack, Text, Title } from '@mantine/core';
import { IconWaveSine } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { sentence } from '../api/error';
import type { Schemas } from '../api/types';
import { useMay } from '../session/session';
import { Facts } from '../ui/Facts';
import { TextLink } from '../ui/links';
import { Answer } from '../ui/notes';
import { Page } from '../ui/Page';
import { StateBadge } from '../ui/StateBadge';
import { faultTypes, severities } from '../ui/states';
import { Time } from '../ui/Time';
import { CloseFault } from './CloseFault';
import { Comments } from './Comments';
import { FaultDuration } from './FaultDuration';
import { faultQuery } from './faults';

export function FaultPage() {
  const { fault: id } = useParams({ from: '/inside/faults/$fault' });
  const fault = useQuery(faultQuery(id));
  return <Answer of={fault}>{(data) => <Shown fault={data} />}</Answer>;
}

function Shown({ fault }: { fault: Schemas['FaultDetail'] }) {
  const mayClose = useMay('operator') && fault.state === 'open';
  return (
    <Page
      title={faultTypes[fault.type]}
      above={
        <Text size="sm">
          <TextLink to="/faults">Faults</TextLink> ·{' '}
          <TextLink to="/sites/$site" params={{ site: fault.site_id }}>
            {fault.site_name}
          </TextLink>
          {fault.tunnel_name && ` · ${fault.tunnel_name}`}
        </Text>
      }
      actions={mayClose && <CloseFault fault={fault.id} />}
    >
      {fault.type === 'link-flapping' && <FlappingNote />}
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <Paper withBorder p="md">
              <Text fw={600}>{sentence(fault.cause)}</Text>
              {fault.end_cause && (
                <Text size="sm" mt="xs">
                  It ended: {fault.end_cause}
                </Text>
              )}
            </Paper>
            <Comments fault={fault} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Paper withBorder p="md" component="section">
            <Title order={2} size="h5" mb="sm">
              Facts
            </Title>
            <Facts
              facts={[
                ['Severity', <StateBadge key="severity" look={severities[fault.severity]} />],
                ['Lasted', <FaultDuration key="lasted" fault={fault} />],
                ['Began', <Time key="began" at={fault.started_at} />],
                ['Ended', fault.ended_at && <Time key="ended" at={fault.ended_at} />],
                ['Closed by', fault.closed_by],
              ]}
            />
            {fault.tunnel_id && <HealthLink fault={fault} />}
          </Paper>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function HealthLink({ fault }: { fault: Schemas['FaultDetail'] }) {
  return (
    <TextLink
      size="sm"
      mt="md"
      display="block"
      to="/sites/$site/health"
      params={{ site: fault.site_id }}
      search={{ at: fault.started_at }}
    >
      Measurements around that moment
    </TextLink>
  );
}

function FlappingNote() {
  return (
    <Alert color="orange" icon={<IconWaveSine aria-hidden />} title="A link that comes and goes">
      After each failure it must stay clean for longer before it may carry traffic again, from one minute up
      to an hour. Look for a loose plug, a marginal radio link, or a modem that restarts.
    </Alert>
  );
}
