import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { FaultDuration } from '../../faults/FaultDuration';
import { faultsQuery } from '../../faults/faults';
import { TextLink } from '../../ui/links';
import { Answer } from '../../ui/notes';
import { StateBadge } from '../../ui/StateBadge';
import { faultTypes, severities } from '../../ui/states';

/** What is wrong with a site now. */
export function OpenFaults({ site }: { site: string }) {
  const faults = useInfiniteQuery(faultsQuery({ site, state: 'open' }));
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">
        Open faults
      </Title>
      <Answer of={{ ...faults, data: faults.data?.pages.flatMap((page) => page.items) }}>
        {(open) => (
          <Stack gap="sm">
            {open.map((fault) => (
              <div key={fault.id}>
                <Group gap="xs">
                  <StateBadge look={severities[fault.severity]} />
                  <TextLink to="/faults/$fault" params={{ fault: fault.id }} fw={600} size="sm">
                    {faultTypes[fault.type]}
                    {fault.tunnel_name && `: ${fault.tunnel_name}`}
                  </TextLink>
                  <FaultDuration fault={fault} />
                </Group>
                <Text size="sm">{fault.cause}</Text>
              </div>
            ))}
          </Stack>
        )}
      </Answer>
    </Paper>
  );
}
