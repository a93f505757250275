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
