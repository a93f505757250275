import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, onceKey, pageLimit } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

export const tokensQuery = queryOptions({
  queryKey: keys.tokens,
  queryFn: ({ signal }) =>
    everyPage((after) =>
      ok(api.GET('/api/v1/tokens', { params: { query: { limit: pageLimit, after } }, signal })),
    ),
});

export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas['NewToken']) =>
      ok(api.POST('/api/v1/tokens', { body, params: { header: { 'Idempotency-Key': onceKey() } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
}

export function useRevokeToken(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
}
