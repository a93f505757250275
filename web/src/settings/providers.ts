import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, pageLimit } from '../api/client';
import { keys } from '../api/keys';
import type { LinkState, Tunnel } from '../api/types';

/** An ISP, as tunnels name it. */
export interface Provider {
  name: string;
  tunnels: number;
  sites: number;
  /** Tunnels that carry packets now, however well. */
  up: number;
  offline: number;
}

const isUp: Record<LinkState, boolean> = {
  online: true,
  degraded: true,
  recovering: true,
  offline: false,
  'never-seen': false,
  unconfigured: false,
  off: false,
  unknown: false,
};

/** The providers of these tunnels, those with most tunnels first. */
export function providersOf(tunnels: readonly Tunnel[]): Provider[] {
  const byName = new Map<string, Tunnel[]>();
  for (const tunnel of tunnels) {
    if (!tunnel.provider) continue;
    const known = byName.get(tunnel.provider);
    if (known) known.push(tunnel);
    else byName.set(tunnel.provider, [tunnel]);
  }
  return [...byName]
    .map(([name, of]) => ({
      name,
      tunnels: of.length,
      sites: new Set(of.map(({ site_id }) => site_id)).size,
      up: of.filter(({ state }) => isUp[state]).length,
      offline: of.filter(({ state }) => state === 'offline').length,
    }))
    .sort((a, b) => b.tunnels - a.tunnels || a.name.localeCompare(b.name));
}

/** The tunnels that name a provider, or any; there is no other list of providers. */
export const tunnelsOf = (provider: string | undefined, signal?: AbortSignal) =>
  everyPage((after) =>
    ok(
      api.GET('/api/v1/tunnels', {
        params: { query: { limit: pageLimit, after, provider } },
        ...(signal && { signal }),
      }),
    ),
  );

/**
 * Gives a provider another name, tunnel by tunnel. Where that is refused in between, the tunnels before have the new name,
 * and another try goes on with the rest.
 */
export function useRenameProvider(from: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (provider: string) => {
      for (const { id } of await tunnelsOf(from)) {
        await ok(api.PATCH('/api/v1/tunnels/{id}', { params: { path: { id } }, body: { provider } }));
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}
