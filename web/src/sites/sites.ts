import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, pageLimit } from '../api/client';
import { keys } from '../api/keys';
import type { Schemas } from '../api/types';

/** Every site: a few thousand rows are read in a second, and then searching them is instant. */
export const sitesQuery = queryOptions({
  queryKey: keys.sites,
  queryFn: ({ signal }) =>
    everyPage((after) =>
      ok(api.GET('/api/v1/sites', { params: { query: { limit: pageLimit, after } }, signal })),
    ),
});

export const siteQuery = (id: string) =>
  queryOptions({
    queryKey: keys.site(id),
    queryFn: ({ signal }) => ok(api.GET('/api/v1/sites/{id}', { params: { path: { id } }, signal })),
  });

/** Reads again what shows a site, for changes that do not wait for the live event that tells of them. */
function useSiteChanged() {
  const client = useQueryClient();
  return (id: string) => {
    void client.invalidateQueries({ queryKey: keys.site(id) });
    void client.invalidateQueries({ queryKey: keys.sites });
  };
}

export function useCreateSite() {
  const changed = useSiteChanged();
  return useMutation({
    mutationFn: ({ key, body }: { key: string; body: Schemas['NewSite'] }) =>
      ok(api.POST('/api/v1/sites', { body, params: { header: { 'Idempotency-Key': key } } })),
    onSuccess: (site) => changed(site.id),
  });
}

export function useChangeSite(id: string) {
  const changed = useSiteChanged();
  return useMutation({
    mutationFn: (body: Schemas['ChangeSite']) =>
      ok(api.PATCH('/api/v1/sites/{id}', { params: { path: { id } }, body })),
    onSuccess: () => changed(id),
  });
}

export function useRemoveSite(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/sites/{id}', { params: { path: { id } } })),
    onSuccess: () => {
      client.removeQueries({ queryKey: keys.site(id) });
      void client.invalidateQueries({ queryKey: keys.sites });
    },
  });
}
