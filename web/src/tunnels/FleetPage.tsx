import { Text, Tooltip } from '@mantine/core';
import { IconRoute } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { Tunnel } from '../api/types';
import { sitesQuery } from '../sites/sites';
import { Choice, FilterBar } from '../ui/filters';
import { TextLink } from '../ui/links';
import { Answer, EmptyState } from '../ui/notes';
import { Page } from '../ui/Page';
import { SearchField } from '../ui/SearchField';
import { StateBadge } from '../ui/StateBadge';
import { connectionTypes, linkStates, options } from '../ui/states';
import { Ago } from '../ui/Time';
import { type Column, VirtualTable } from '../ui/VirtualTable';
import { type FleetFilter, fleetQuery } from './fleet';

/** The WAN tunnels of all sites. */
export function FleetPage() {
  const filter = useSearch({ from: '/inside/tunnels' });
  const fleet = useInfiniteQuery(fleetQuery(filter));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = fleet;
  const readOn = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const tunnels = useMemo(() => fleet.data?.pages.flatMap((page) => page.items), [fleet.data]);
  const columns = useColumns();
  const isFiltered = Object.keys(filter).length > 0;

  return (
    <Page title="WAN tunnels" about="Every internet connection of every site.">
      <Filters filter={filter} />
      <Answer of={{ ...fleet, data: tunnels }}>
        {(rows) =>
          rows.length > 0 ? (
            <VirtualTable
              label="WAN tunnels"
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              onEnd={readOn}
            />
          ) : (
            <EmptyState icon={IconRoute} title={isFiltered ? 'No tunnel matches' : 'No WAN tunnels yet'}>
              {isFiltered
                ? 'Change the search, or clear the filters.'
                : 'Each internet connection of a site gets a tunnel when failover is enabled on the site.'}
            </EmptyState>
          )
        }
      </Answer>
    </Page>
  );
}

function Filters({ filter }: { filter: FleetFilter }) {
  const navigate = useNavigate({ from: '/tunnels' });
  const change = (part: Partial<FleetFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true, resetScroll: false });
  return (
    <FilterBar filter={filter} onClear={() => navigate({ search: {}, replace: true })}>
      <SearchField
        label="Search name, provider, gateway"
        value={filter.text}
        onChange={(text) => change({ text })}
      />
      <Choice
        label="State"
        all="Any state"
        width={180}
        value={filter.state}
        data={options(linkStates)}
        onChange={(state) => change({ state })}
      />
      {filter.provider && (
        <Text size="sm">
          Provider <b>{filter.provider}</b>
        </Text>
      )}
    </FilterBar>
  );
}

function useColumns(): Column<Tunnel>[] {
  const { data: sites } = useQuery(sitesQuery);
  return useMemo(() => {
    const names = new Map(sites?.map(({ id, name }) => [id, name]));
    return columnsWith((id) => names.get(id) ?? '…');
  }, [sites]);
}

function columnsWith(siteName: (id: string) => string): Column<Tunnel>[] {
  return [
    {
      title: 'Tunnel',
      cell: (tunnel) => (
        <>
          <Text size="sm" fw={600} lineClamp={1}>
            {tunnel.name}
          </Text>
          <TextLink to="/sites/$site" params={{ site: tunnel.site_id }} size="xs" lineClamp={1}>
            {siteName(tunnel.site_id)}
          </TextLink>
        </>
      ),
    },
    {
      title: 'State',
      width: 150,
      cell: (tunnel) => (
        <Tooltip label={tunnel.cause}>
          <span>
            <StateBadge look={linkStates[tunnel.state]} />
          </span>
        </Tooltip>
      ),
    },
    {
      title: 'Since',
      from: 'md',
      width: 130,
      cell: (tunnel) => (
        <Text size="sm" span>
          <Ago at={tunnel.since} />
        </Text>
      ),
    },
    { title: 'Role', from: 'sm', width: 100, cell: (tunnel) => <Plain>{tunnel.role ?? '–'}</Plain> },
    {
      title: 'Connection',
      from: 'sm',
      cell: (tunnel) => (
        <Plain>
          {[tunnel.provider, tunnel.connection_type && connectionTypes[tunnel.connection_type]]
            .filter(Boolean)
            .join(', ') || '–'}
        </Plain>
      ),
    },
    {
      title: 'Interface and gateway',
      from: 'lg',
      cell: (tunnel) => (
        <Plain>{[tunnel.interface, tunnel.gateway].filter(Boolean).join(' · ') || '–'}</Plain>
      ),
    },
  ];
}

function Plain({ children }: { children: string }) {
  return (
    <Text size="sm" lineClamp={1}>
      {children}
    </Text>
  );
}
