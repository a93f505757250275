import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

/** The latest measurements of a tunnel. */
export interface Measurements {
  rtt_ms?: number | null;
  jitter_ms?: number | null;
  /** Share of probes without an answer, 0 to 1. */
  loss?: number | null;
}

/** How far back to look for the first; a metered link that waits is probed every ten seconds. */
const lookBack = 60_000;

/** Asked for once; from then on live events bring it. */
export const pulseQuery = (tunnel: string) =>
  queryOptions({
    queryKey: keys.pulse(tunnel),
    queryFn: async ({ signal }): Promise<Measurements> => {
      const from = new Date(Date.now() - lookBack).toISOString();
      const request = api.GET('/api/v1/tunnels/{id}/health', {
        params: { path: { id: tunnel }, query: { from, points: 60 } },
        signal,
      });
      return latest(await ok(request));
    },
  });

/** Bits per second, as the router counted them. */
export interface Traffic {
  rx: number;
  tx: number;
}

/** Traffic is counted minute by minute, and told a little later. */
const trafficLookBack = 3 * 60_000;

/** What a tunnel's line carried in the latest minute that is known; null where its router is not asked. */
export const trafficQuery = (tunnel: string) =>
  queryOptions({
    queryKey: keys.traffic(tunnel),
    queryFn: async ({ signal }) => {
      const from = new Date(Date.now() - trafficLookBack).toISOString();
      const request = api.GET('/api/v1/tunnels/{id}/health', {
        params: { path: { id: tunnel }, query: { from, points: 3 } },
        signal,
      });
      return latestTraffic(await ok(request));
    },
  });

/** The last traffic of a series. */
export function latestTraffic({ rx_bits_per_s, tx_bits_per_s }: Schemas['HealthSeries']): Traffic | null {
  const index = rx_bits_per_s.findLastIndex((value) => value !== null);
  const [rx, tx] = [rx_bits_per_s[index], tx_bits_per_s[index]];
  return typeof rx === 'number' && typeof tx === 'number' ? { rx, tx } : null;
}

/** The last measurements of a series. */
export function latest(series: Schemas['HealthSeries']): Measurements {
  const loss = last(series.loss_percent);
  return {
    rtt_ms: last(series.rtt_avg_ms),
    jitter_ms: last(series.jitter_ms),
    loss: loss === null ? null : loss / 100,
  };
}

function last(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
