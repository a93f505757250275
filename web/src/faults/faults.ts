import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok, onceKey } from '../api/client';
import { keys } from '../api/keys';
import type { FaultFilter } from './filter';

const pageLength = 100;

export const faultsQuery = (filter: FaultFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.faults, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/faults', {
          params: { query: { limit: pageLength, after: pageParam, ...filter } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const faultQuery = (id: string) =>
  queryOptions({
    queryKey: keys.fault(id),
    queryFn: ({ signal }) => ok(api.GET('/api/v1/faults/{id}', { params: { path: { id } }, signal })),
  });

export function useComment(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (text: string) =>
      ok(
        api.POST('/api/v1/faults/{id}/comments', {
          params: { path: { id }, header: { 'Idempotency-Key': onceKey() } },
          body: { text },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.fault(id) }),
  });
}

export function useCloseFault(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      ok(
        api.POST('/api/v1/faults/{id}/closure', {
          params: { path: { id }, header: { 'Idempotency-Key': onceKey() } },
          body: { reason },
        }),
      ),
    onSuccess: (fault) => {
      client.setQueryData(keys.fault(id), fault);
      void client.invalidateQueries({ queryKey: keys.faults });
    },
  });
}
