import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok, onceKey } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

export const routerQuery = (site: string) =>
  queryOptions({
    queryKey: keys.router(site),
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/sites/{id}/router', { params: { path: { id: site } }, signal })),
  });

/** How far the adoption of a router is. */
export const adoptionQuery = (site: string) =>
  queryOptions({
    queryKey: keys.adoption(site),
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/sites/{id}/adoption', { params: { path: { id: site } }, signal })),
  });

/** What the router differs in from what is configured, read from it now. */
export const planQuery = (site: string) =>
  queryOptions({
    queryKey: [...keys.router(site), 'plan'],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/sites/{id}/router/plan', { params: { path: { id: site } }, signal })),
    staleTime: 0,
  });

function useRouterChanged(site: string) {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: keys.router(site) });
    void client.invalidateQueries({ queryKey: keys.adoption(site) });
    void client.invalidateQueries({ queryKey: keys.jobs });
  };
}

/** Makes the line that is pasted into the router; an older one ends. */
export function useBeginAdoption(site: string) {
  const onSuccess = useRouterChanged(site);
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/sites/{id}/adoption', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
    onSuccess,
  });
}

export function useSetRepair(site: string) {
  const onSuccess = useRouterChanged(site);
  return useMutation({
    mutationFn: (repair: Schemas['Repair']) =>
      ok(api.PATCH('/api/v1/sites/{id}/router', { params: { path: { id: site } }, body: { repair } })),
    onSuccess,
  });
}

export function useSetAccess(site: string) {
  const onSuccess = useRouterChanged(site);
  return useMutation({
    mutationFn: (body: Schemas['SetAccess']) =>
      ok(api.PUT('/api/v1/sites/{id}/router/access', { params: { path: { id: site } }, body })),
    onSuccess,
  });
}

/** Brings the router to what is configured; answers the job. */
export function useConfigureRouter(site: string) {
  const onSuccess = useRouterChanged(site);
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/sites/{id}/router/configuration', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
    onSuccess,
  });
}

/** Takes everything of ours off the router and forgets it; `force` forgets one that cannot be reached. */
export function useReleaseRouter(site: string) {
  const onSuccess = useRouterChanged(site);
  return useMutation({
    mutationFn: (force: boolean) =>
      ok(api.DELETE('/api/v1/sites/{id}/router', { params: { path: { id: site }, query: { force } } })),
    onSuccess,
  });
}
