import { Stack, Text } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Schemas } from '../../api/types';
import { EmptyState } from '../../ui/notes';
import { OlderRows } from '../../ui/OlderRows';
import { Ago, Time } from '../../ui/Time';
import { type Column, VirtualTable } from '../../ui/VirtualTable';
import { AuditFilters } from './AuditFilters';
import { auditQuery } from './audit';

type Entry = Schemas['AuditEntry'];

export function AuditPage() {
  const filter = useSearch({ from: '/inside/settings/audit' });
  const audit = useInfiniteQuery(auditQuery(filter));
  return (
    <Stack gap="md">
      <AuditFilters filter={filter} onReload={() => void audit.refetch()} isReading={audit.isRefetching} />
      <OlderRows
        of={audit}
        what="entries"
        empty={
          <EmptyState icon={IconHistory} title="No entry matches">
            Every change is written here with who made it, from where and when.
          </EmptyState>
        }
      >
        {(found) => <VirtualTable label="Audit log" columns={columns} rows={found} keyOf={({ id }) => id} />}
      </OlderRows>
    </Stack>
  );
}

const columns: Column<Entry>[] = [
  {
    title: 'What',
    cell: (entry) => (
      <>
        <Text size="sm" fw={600} lineClamp={1}>
          {entry.action}
        </Text>
        <Text size="xs" c="dimmed" hiddenFrom="sm">
          <Ago at={entry.at} />
        </Text>
      </>
    ),
  },
  {
    title: 'Who',
    cell: (entry) => (
      <>
        <Text size="sm" lineClamp={1}>
          {entry.actor.name}
        </Text>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {[entry.actor.kind, entry.remote].filter(Boolean).join(' from ')}
        </Text>
      </>
    ),
  },
  {
    title: 'When',
    from: 'sm',
    width: 190,
    cell: (entry) => (
      <Text size="sm" span className="tabular">
        <Time at={entry.at} />
      </Text>
    ),
  },
  {
    title: 'Detail',
    from: 'md',
    cell: (entry) => (
      <Text size="xs" ff="monospace" lineClamp={2} title={detail(entry.detail)}>
        {detail(entry.detail)}
      </Text>
    ),
  },
];

/** The changed fields with their values. */
function detail(fields: Entry['detail']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
