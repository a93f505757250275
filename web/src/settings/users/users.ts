import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, onceKey, pageLimit } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

export const usersQuery = queryOptions({
  queryKey: keys.users,
  queryFn: ({ signal }) =>
    everyPage((after) =>
      ok(api.GET('/api/v1/users', { params: { query: { limit: pageLimit, after } }, signal })),
    ),
});

function useUsersChanged() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: keys.users });
}

export function useCreateUser() {
  const onSuccess = useUsersChanged();
  return useMutation({
    mutationFn: (body: Schemas['NewUser']) =>
      ok(api.POST('/api/v1/users', { body, params: { header: { 'Idempotency-Key': onceKey() } } })),
    onSuccess,
  });
}

export function useChangeUser(id: string) {
  const onSuccess = useUsersChanged();
  return useMutation({
    mutationFn: (body: Schemas['ChangeUser']) =>
      ok(api.PATCH('/api/v1/users/{id}', { params: { path: { id } }, body })),
    onSuccess,
  });
}

export function useRemoveUser(id: string) {
  const onSuccess = useUsersChanged();
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } })),
    onSuccess,
  });
}
