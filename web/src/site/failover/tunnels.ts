import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, okResponse, onceKey, pageLimit } from '../../api/client';
import { keys } from '../../api/keys';

/** The tunnels of a site with all their settings, in the stored order. */
export const siteTunnelsQuery = (site: string) =>
  queryOptions({
    queryKey: keys.siteTunnels(site),
    queryFn: ({ signal }) =>
      everyPage((after) =>
        ok(
          api.GET('/api/v1/sites/{id}/tunnels', {
            params: { path: { id: site }, query: { limit: pageLimit, after } },
            signal,
          }),
        ),
      ),
  });

/** The stored order, and the condition under which it may be replaced. */
export const priorityQuery = (site: string) =>
  queryOptions({
    queryKey: keys.priority(site),
    queryFn: async ({ signal }) => {
      const request = api.GET('/api/v1/sites/{id}/priority', { params: { path: { id: site } }, signal });
      const { data, response } = await okResponse(request);
      return { ...data, condition: response.headers.get('etag') ?? '*' };
    },
  });

function useFailoverChanged(site: string) {
  const client = useQueryClient();
  return () => {
    for (const key of [keys.site, keys.failover, keys.priority, keys.siteTunnels]) {
      void client.invalidateQueries({ queryKey: key(site) });
    }
    void client.invalidateQueries({ queryKey: keys.jobs });
  };
}

/** Enables failover; a site without tunnels gets two that know nothing yet. */
export function useEnableFailover(site: string) {
  const onSuccess = useFailoverChanged(site);
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/sites/{id}/failover', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
    onSuccess,
  });
}

/** Stores an order, under the condition that nobody has stored one since; answers the job that follows it. */
export function useSetPriority(site: string) {
  const changed = useFailoverChanged(site);
  return useMutation({
    mutationFn: ({ tunnels, condition }: { tunnels: string[]; condition: string }) =>
      ok(
        api.PUT('/api/v1/sites/{id}/priority', {
          params: { path: { id: site }, header: { 'If-Match': condition } },
          body: { tunnels },
        }),
      ),
    // Also when it was refused: what made it stale is to be shown.
    onSettled: changed,
  });
}
