import { describe, expect, it } from 'vitest';
import type { LinkState, Tunnel } from '../api/types';
import { providersOf } from './providers';

const tunnel = (site: string, provider: string | null, state: LinkState) =>
  ({ site_id: site, provider, state }) as Tunnel;

describe('providers', () => {
  it('are counted over all tunnels that name them', () => {
    const found = providersOf([
      tunnel('a', 'North', 'online'),
      tunnel('b', 'South', 'offline'),
      tunnel('b', 'North', 'degraded'),
      tunnel('b', 'North', 'offline'),
      tunnel('c', null, 'online'),
    ]);
    expect(found).toEqual([
      { name: 'North', tunnels: 3, sites: 2, up: 2, offline: 1 },
      { name: 'South', tunnels: 1, sites: 1, up: 0, offline: 1 },
    ]);
  });
});
