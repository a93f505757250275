import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { keys } from '../api/keys';
import type { FailoverStatus, LiveEvent, TunnelStatus } from '../api/types';
import { patchFleet } from '../tunnels/fleet';
import { SitesFeed } from './sites-feed';

/** The latest measurements of a tunnel. */
export type Pulse = Extract<LiveEvent, { kind: 'health' }>;

/** Events come in bursts; what they make stale is read again once for all of them. */
const gather = 150;

/**
 * Brings live events into the cache of answers: what an event carries is patched in at once, what it only announces is
 * marked stale and, if it is on screen, read again.
 */
export class CacheFeed {
  private stale = new Map<string, QueryKey>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly sites: SitesFeed;

  constructor(private readonly client: QueryClient) {
    this.sites = new SitesFeed(client);
  }

  /** Everything may have changed. */
  reset(): void {
    this.stale.clear();
    void this.client.invalidateQueries();
  }

  event(event: LiveEvent): void {
    patch(this.client, event);
    if ('site' in event && event.site && event.kind !== 'health') this.sites.changed(event.site);
    for (const key of touched(event)) this.stale.set(JSON.stringify(key), key);
    this.timer ??= setTimeout(() => this.flush(), gather);
  }

  close(): void {
    clearTimeout(this.timer);
    this.sites.close();
  }

  private flush(): void {
    const stale = [...this.stale.values()];
    this.stale.clear();
    this.timer = undefined;
    for (const queryKey of stale) void this.client.invalidateQueries({ queryKey });
  }
}

/** Writes what an event carries into the answers that are cached. */
export function patch(client: QueryClient, event: LiveEvent): void {
  switch (event.kind) {
    case 'link-state':
    case 'role':
    case 'routes':
      client.setQueryData<FailoverStatus>(
        keys.failover(event.site),
        (status) => status && patched(status, event),
      );
      patchFleet(client, event);
      return;
    case 'health': {
      const key = keys.pulse(event.tunnel);
      // Only where somebody looks, because a fleet has thousands of pulses.
      if (client.getQueryCache().find({ queryKey: key })) client.setQueryData<Pulse>(key, event);
      readTraffic(client, event.tunnel);
      return;
    }
    default:
      return;
  }
}

/** Traffic is counted minute by minute, and nothing tells of it: the pulse of its tunnel sets the pace. */
const minute = 60_000;

function readTraffic(client: QueryClient, tunnel: string): void {
  const queryKey = keys.traffic(tunnel);
  const state = client.getQueryState(queryKey);
  if (state?.fetchStatus !== 'idle') return;
  const asked = Math.max(state.dataUpdatedAt, state.errorUpdatedAt);
  if (Date.now() - asked >= minute) void client.invalidateQueries({ queryKey });
}

type LinkNews = Extract<LiveEvent, { kind: 'link-state' | 'role' | 'routes' }>;

/** How failover stands after an event. */
export function patched(status: FailoverStatus, event: LinkNews): FailoverStatus {
  const tunnels = status.tunnels.map((tunnel) => (tunnel.id === event.tunnel ? told(tunnel, event) : tunnel));
  const active = tunnels.find((tunnel) => tunnel.role === 'active');
  return { ...status, tunnels, active: active?.id ?? null };
}

function told(tunnel: TunnelStatus, event: LinkNews): TunnelStatus {
  switch (event.kind) {
    case 'link-state':
      return { ...tunnel, state: event.state, cause: event.cause, since: event.at };
    case 'role':
      return { ...tunnel, role: event.role ?? null };
    case 'routes':
      return { ...tunnel, place: event.place ?? null, routes: event.routes };
  }
}

/** The answers that an event makes stale. */
export function touched(event: LiveEvent): QueryKey[] {
  switch (event.kind) {
    case 'link-state':
    case 'role':
      return [
        keys.failover(event.site),
        keys.siteTunnels(event.site),
        keys.tunnel(event.tunnel),
        keys.states(event.tunnel),
        keys.site(event.site),
        keys.lab,
      ];
    case 'routes':
      return [keys.failover(event.site)];
    case 'fault-opened':
    case 'fault-updated':
    case 'fault-closed':
      return [keys.faults, keys.fault(event.fault), keys.site(event.site)];
    case 'job':
      return [keys.jobs, keys.job(event.job), keys.jobLog(event.job), ...ofSite(event.site)];
    case 'site':
      return ofSite(event.site);
    case 'tunnel':
      return [keys.tunnel(event.tunnel), keys.fleet, ...ofSite(event.site)];
    case 'router':
      return [keys.router(event.site), keys.adoption(event.site)];
    case 'priority':
      return [keys.priority(event.site), keys.failover(event.site), keys.siteTunnels(event.site), keys.fleet];
    case 'health':
      return [];
    case 'controller':
      return [];
    default:
      return unknown(event);
  }
}

function ofSite(site: string | null | undefined): QueryKey[] {
  if (!site) return [];
  return [
    keys.site(site),
    keys.failover(site),
    keys.priority(site),
    keys.siteTunnels(site),
    keys.router(site),
    keys.adoption(site),
  ];
}

/** A newer server tells of things that this page does not know: it reads everything again when it is loaded anew. */
function unknown(_event: never): QueryKey[] {
  return [];
}
