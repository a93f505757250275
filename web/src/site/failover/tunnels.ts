import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, okResponse, onceKey, pageLimit } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas, Tunnel } from '../../api/types';

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

/** Makes one more tunnel at the end of the order, which knows nothing yet. */
export function useAddTunnel(site: string) {
  const onSuccess = useFailoverChanged(site);
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/sites/{id}/tunnels', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
          body: {},
        }),
      ),
    onSuccess,
  });
}

/** Changes settings, if nobody has changed them since this version was read. */
export function useConfigureTunnel({ id, site_id, version }: Tunnel) {
  const onSettled = useFailoverChanged(site_id);
  return useMutation({
    mutationFn: (body: Schemas['ConfigureTunnel']) =>
      ok(
        api.PATCH('/api/v1/tunnels/{id}', {
          params: { path: { id }, header: { 'If-Match': `"${version}"` } },
          body,
        }),
      ),
    onSettled,
  });
}

export function useRemoveTunnel({ id, site_id }: Tunnel) {
  const onSuccess = useFailoverChanged(site_id);
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/tunnels/{id}', { params: { path: { id } } })),
    onSuccess,
  });
}

/** Prefers, avoids or switches off a tunnel whatever its priority. */
export function useOverride({ id, site_id }: Tunnel) {
  const onSuccess = useFailoverChanged(site_id);
  return useMutation({
    mutationFn: (body: Schemas['SetOverride']) =>
      ok(api.PUT('/api/v1/tunnels/{id}/override', { params: { path: { id } }, body })),
    onSuccess,
  });
}

export function useReleaseOverride({ id, site_id }: Tunnel) {
  const onSuccess = useFailoverChanged(site_id);
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/tunnels/{id}/override', { params: { path: { id } } })),
    onSuccess,
  });
}

/** Asks what deactivating failover would remove; the answer confirms it once. */
export function useAnnounceDeactivation(site: string) {
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/sites/{id}/failover/deactivation', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
  });
}

export function useDeactivate(site: string) {
  const onSuccess = useFailoverChanged(site);
  return useMutation({
    mutationFn: (confirmation: string) =>
      ok(
        api.DELETE('/api/v1/sites/{id}/failover', {
          params: { path: { id: site }, query: { confirmation } },
        }),
      ),
    onSuccess,
  });
}
