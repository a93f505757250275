import { queryOptions } from '@tanstack/react-query';
import { api, ok, pageLimit } from '../../api/client';
import { keys } from '../../api/keys';
import type { LinkState, Schemas } from '../../api/types';

type StateChange = Schemas['StateChange'];

/** The latest changes of a tunnel's state, the newest first. */
export const statesQuery = (tunnel: string) =>
  queryOptions({
    queryKey: keys.states(tunnel),
    queryFn: ({ signal }) =>
      ok(
        api.GET('/api/v1/tunnels/{id}/states', {
          params: { path: { id: tunnel }, query: { limit: pageLimit } },
          signal,
        }),
      ),
  });

/** How long a tunnel was in one state, in parts of the whole strip. */
export interface Segment {
  state: LinkState;
  cause: string;
  at: string;
  start: number;
  length: number;
}

/** The states of a stretch of time, the oldest first. `changes` are the newest first, as the API has them. */
export function segments(changes: readonly StateChange[], from: number, to: number): Segment[] {
  const share = (at: number) => Math.min(1, Math.max(0, (at - from) / (to - from)));
  return changes
    .map(({ state, cause, at }, index) => {
      const next = changes[index - 1];
      const start = share(Date.parse(at));
      return { state, cause, at, start, length: (next ? share(Date.parse(next.at)) : 1) - start };
    })
    .filter(({ length }) => length > 0)
    .reverse();
}

/** The share of a stretch of time in which packets were carried; undefined when nothing is known of it. */
export function availability(parts: readonly Segment[]): number | undefined {
  const known = parts.filter(
    ({ state }) => !['unknown', 'unconfigured', 'never-seen', 'off'].includes(state),
  );
  const whole = known.reduce((sum, { length }) => sum + length, 0);
  const up = known.filter(({ state }) => state !== 'offline').reduce((sum, { length }) => sum + length, 0);
  return whole > 0 ? up / whole : undefined;
}
