import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keys } from '../api/keys';
import type { FailoverStatus, LiveEvent } from '../api/types';
import { CacheFeed, patched } from './apply';

const at = '2026-11-23T10:00:00Z';
const status: FailoverStatus = {
  site_id: 'office',
  enabled: true,
  active: 'fibre',
  tunnels: [
    {
      id: 'fibre',
      name: 'Fibre',
      rank: 0,
      state: 'online',
      cause: '',
      since: at,
      role: 'active',
      place: null,
      routes: [],
    },
    {
      id: 'lte',
      name: 'LTE',
      rank: 1,
      state: 'online',
      cause: '',
      since: at,
      role: 'standby',
      place: null,
      routes: [],
    },
  ],
};
const link = { site: 'office', tunnel: 'fibre', at };

describe('patched', () => {
  it('shows the new state, its cause and since when', () => {
    const event = {
      ...link,
      at: '2026-11-23T10:05:00Z',
      kind: 'link-state',
      state: 'offline',
      cause: 'silent',
    } as const;
    const fibre = patched(status, event).tunnels[0];
    expect(fibre).toMatchObject({ state: 'offline', cause: 'silent', since: '2026-11-23T10:05:00Z' });
  });

  it('knows the active tunnel from the roles', () => {
    const left = patched(status, { ...link, kind: 'role', role: null, cause: '' });
    expect(left.active).toBeNull();
    const moved = patched(left, { ...link, tunnel: 'lte', kind: 'role', role: 'active', cause: '' });
    expect(moved.active).toBe('lte');
  });
});

describe('CacheFeed', () => {
  let client: QueryClient;
  let feed: CacheFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    client = new QueryClient();
    feed = new CacheFeed(client);
  });
  afterEach(() => vi.useRealTimers());

  const isStale = (key: readonly string[]) => client.getQueryState(key)?.isInvalidated;

  it('patches at once and reads again after the burst', () => {
    client.setQueryData(keys.failover('office'), status);
    client.setQueryData(keys.site('office'), {});
    feed.event({ ...link, kind: 'link-state', state: 'offline', cause: 'silent' });
    expect(client.getQueryData<FailoverStatus>(keys.failover('office'))?.tunnels[0]?.state).toBe('offline');
    expect(isStale(keys.site('office'))).toBe(false);
    vi.advanceTimersByTime(200);
    expect(isStale(keys.site('office'))).toBe(true);
  });

  it('leaves other sites alone', () => {
    client.setQueryData(keys.failover('branch'), status);
    feed.event({ kind: 'priority', site: 'office', version: 2, order: ['lte', 'fibre'], at });
    vi.advanceTimersByTime(200);
    expect(isStale(keys.failover('branch'))).toBe(false);
  });

  it('reads everything again after a gap', () => {
    client.setQueryData(keys.users, []);
    feed.reset();
    expect(isStale(keys.users)).toBe(true);
  });

  it('has the traffic of a tunnel read again once a minute', () => {
    const pulse = { ...link, kind: 'health', rtt_ms: 12, jitter_ms: 1, loss: 0 } as const satisfies LiveEvent;
    client.setQueryData(keys.traffic('fibre'), { rx: 1, tx: 1 });
    vi.advanceTimersByTime(59_000);
    feed.event(pulse);
    expect(isStale(keys.traffic('fibre'))).toBe(false);
    vi.advanceTimersByTime(1_000);
    feed.event(pulse);
    expect(isStale(keys.traffic('fibre'))).toBe(true);
  });

  it('keeps measurements only of tunnels that somebody looks at', () => {
    const pulse = { ...link, kind: 'health', rtt_ms: 12, jitter_ms: 1, loss: 0 } as const satisfies LiveEvent;
    feed.event(pulse);
    expect(client.getQueryData(keys.pulse('fibre'))).toBeUndefined();
    client.setQueryData(keys.pulse('fibre'), null);
    feed.event(pulse);
    expect(client.getQueryData(keys.pulse('fibre'))).toMatchObject({ rtt_ms: 12 });
  });
});
