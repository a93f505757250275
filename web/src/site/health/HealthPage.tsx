import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconChartLine, IconDownload } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { FailoverStatus } from '../../api/types';
import { faultsQuery } from '../../faults/faults';
import { useClock } from '../../ui/clock';
import { save } from '../../ui/download';
import { Answer, EmptyState, ErrorNote, Loading } from '../../ui/notes';
import { Time } from '../../ui/Time';
import { failoverQuery } from '../failover';
import { type RangeName, ranges, type Window, windowOf } from './range';
import { csv } from './series';
import { TunnelHealth } from './TunnelHealth';

const points = 600;

/** What the tunnels of a site measured. */
export function HealthPage() {
  const { site } = useParams({ from: '/inside/sites/$site' });
  const failover = useQuery(failoverQuery(site));
  return (
    <Answer of={failover}>
      {(status) =>
        status.tunnels.length > 0 ? (
          <Measured site={site} status={status} />
        ) : (
          <EmptyState icon={IconChartLine} title="Nothing is measured yet">
            When failover is on and a tunnel is connected, its latency, jitter and loss are drawn here.
          </EmptyState>
        )
      }
    </Answer>
  );
}

function Measured({ site, status }: { site: string; status: FailoverStatus }) {
  const search = useSearch({ from: '/inside/sites/$site/health' });
  const navigate = useNavigate({ from: '/sites/$site/health' });
  // A new minute of measurements is there a moment after it ends.
  const minute = useClock((now) => Math.floor(now / 60_000));
  const window = useMemo(() => windowOf(search, (minute + 1) * 60_000), [search, minute]);
  const axis = useMemo(
    () => ({ from: Date.parse(window.from) / 1000, to: Date.parse(window.to) / 1000 }),
    [window],
  );
  const zoom = (from: number, to: number) =>
    navigate({
      search: {
        range: search.range,
        from: new Date(from * 1000).toISOString(),
        to: new Date(to * 1000).toISOString(),
      },
      resetScroll: false,
    });
  const health = useQueries({
    queries: status.tunnels.map(({ id }) => ({
      queryKey: [...keys.health(id), window.from, window.to],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ok(
          api.GET('/api/v1/tunnels/{id}/health', {
            params: { path: { id }, query: { from: window.from, to: window.to, points } },
            signal,
          }),
        ),
      placeholderData: keepPreviousData,
      gcTime: 30_000,
    })),
  });
  const { data: log } = useInfiniteQuery(faultsQuery({ site, from: window.from, to: window.to }));
  const faults = useMemo(() => log?.pages.flatMap((page) => page.items) ?? [], [log]);
  const measured = status.tunnels.flatMap((tunnel, index) => {
    const series = health[index]?.data;
    return series ? [{ tunnel, series }] : [];
  });

  return (
    <Stack gap="md">
      <Group gap="sm">
        <SegmentedControl
          aria-label="Range"
          value={search.range ?? '1h'}
          data={Object.entries(ranges).map(([value, { label }]) => ({ value, label }))}
          onChange={(value) =>
            navigate({ search: { range: value as RangeName, at: search.at }, resetScroll: false })
          }
        />
        <Shown
          window={window}
          onReset={() => navigate({ search: { range: search.range }, resetScroll: false })}
        />
        <Button
          ml="auto"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() =>
            save(
              'health.csv',
              csv(measured.map(({ tunnel, series }) => ({ name: tunnel.name, series }))),
              'text/csv',
            )
          }
        >
          CSV
        </Button>
      </Group>
      <ErrorNote error={health.find(({ error }) => error)?.error} />
      {measured.length === 0 && health.some(({ isPending }) => isPending) && <Loading />}
      {measured.map(({ tunnel, series }) => (
        <TunnelHealth
          key={tunnel.id}
          tunnel={tunnel}
          series={series}
          faults={faults.filter((fault) => fault.tunnel_id === tunnel.id)}
          window={axis}
          onZoom={zoom}
        />
      ))}
      <Text size="xs" c="dimmed">
        Drag over a plot to zoom in. Grey: nothing was measured. Red background: a fault of the tunnel.
      </Text>
    </Stack>
  );
}

function Shown({ window, onReset }: { window: Window; onReset: () => void }) {
  if (window.isLive) return null;
  return (
    <>
      <Text size="sm">
        <Time at={window.from} /> to <Time at={window.to} />
      </Text>
      <Button size="xs" variant="subtle" onClick={onReset}>
        Back to now
      </Button>
    </>
  );
}
