import { type InfiniteData, infiniteQueryOptions, type QueryClient } from '@tanstack/react-query';
import { api, ok, pageLimit } from '../api/client';
import { keys } from '../api/keys';
import type { LinkState, LiveEvent, Schemas, Tunnel } from '../api/types';

type FleetPage = Schemas['Page_Tunnel'];

/** Which tunnels of the fleet are wanted, as the address bar has it. */
export interface FleetFilter {
  text?: string;
  state?: LinkState;
  provider?: string;
}

export const fleetQuery = (filter: FleetFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.fleet, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/tunnels', {
          params: { query: { limit: pageLimit, after: pageParam, ...filter } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

type News = Extract<LiveEvent, { kind: 'link-state' | 'role' | 'routes' }>;

/** Writes what an event says of a tunnel into every list of tunnels that is cached. */
export function patchFleet(client: QueryClient, event: News): void {
  if (event.kind === 'routes') return;
  client.setQueriesData<InfiniteData<FleetPage>>({ queryKey: keys.fleet }, (data) => {
    if (!data?.pages.some((page) => page.items.some(({ id }) => id === event.tunnel))) return data;
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.map((tunnel) => (tunnel.id === event.tunnel ? told(tunnel, event) : tunnel)),
    }));
    return { ...data, pages };
  });
}

function told(tunnel: Tunnel, event: Exclude<News, { kind: 'routes' }>): Tunnel {
  return event.kind === 'link-state'
    ? { ...tunnel, state: event.state, cause: event.cause, since: event.at }
    : { ...tunnel, role: event.role ?? null };
}
