import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';
import { Answer, EmptyState } from '../../ui/notes';
import { Ago, Time } from '../../ui/Time';
import { type Column, VirtualTable } from '../../ui/VirtualTable';
import type { AuditFilter } from './filter';

type Entry = Schemas['AuditEntry'];

const pageLength = 100;
const subjects = ['site', 'tunnel', 'user', 'token', 'organization', 'fault', 'job', 'router'];

export function AuditPage() {
  const filter = useSearch({ from: '/inside/settings/audit' });
  const audit = useInfiniteQuery({
    queryKey: [...keys.audit, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/audit', {
          params: { query: { limit: pageLength, after: pageParam, ...filter } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
  });
  const rows = useMemo(() => audit.data?.pages.flatMap((page) => page.items), [audit.data]);

  return (
    <Stack gap="md">
      <Filters filter={filter} onReload={() => void audit.refetch()} isReading={audit.isRefetching} />
      <Answer of={{ ...audit, data: rows }}>
        {(found) =>
          found.length > 0 ? (
            <>
              <VirtualTable label="Audit log" columns={columns} rows={found} keyOf={({ id }) => id} />
              {audit.hasNextPage && (
                <Button
                  variant="default"
                  onClick={() => audit.fetchNextPage()}
                  loading={audit.isFetchingNextPage}
                >
                  Show older entries
                </Button>
              )}
            </>
          ) : (
            <EmptyState icon={IconHistory} title="No entry matches">
              Every change is written here with who made it, from where and when.
            </EmptyState>
          )
        }
      </Answer>
    </Stack>
  );
}

interface FiltersProps {
  filter: AuditFilter;
  onReload: () => void;
  isReading: boolean;
}

function Filters({ filter, onReload, isReading }: FiltersProps) {
  const navigate = useNavigate({ from: '/settings/audit' });
  return (
    <Group gap="sm">
      <Select
        aria-label="What was changed"
        placeholder="Everything"
        clearable
        clearButtonProps={{ 'aria-label': 'Everything' }}
        value={filter.subject_kind ?? null}
        data={subjects}
        onChange={(kind) => navigate({ search: kind ? { subject_kind: kind } : {}, replace: true })}
      />
      <Button variant="default" onClick={onReload} loading={isReading}>
        Read again
      </Button>
    </Group>
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
