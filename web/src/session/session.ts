import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { ApiError } from '../api/error';
import { keys } from '../api/keys';
import type { Schemas, UserRole, WhoAmI } from '../api/types';

/** Who is logged in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: async ({ signal }): Promise<WhoAmI | null> => {
    try {
      return await ok(api.GET('/api/v1/session', { signal }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** Whether the first account is still to be made. */
export const setUpQuery = queryOptions({
  queryKey: keys.setUp,
  queryFn: ({ signal }) => ok(api.GET('/api/v1/setup', { signal })),
});

/** Who is logged in, on pages that only somebody who is gets to see. */
export function useMe(): WhoAmI {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new ApiError(401, { code: 'unauthenticated', message: 'Log in first.' });
  return data;
}

const rank: Record<UserRole, number> = { viewer: 0, operator: 1, owner: 2 };

/** Whether a role is enough for what takes at least `least`. */
export function isEnough(role: UserRole, least: UserRole): boolean {
  return rank[role] >= rank[least];
}

/** Whether who is logged in may do what takes at least this role. */
export function useMay(least: UserRole): boolean {
  return isEnough(useMe().role, least);
}

export function useLogIn() {
  const client = useQueryClient();
  return useMutation({
    meta: { before: 'log-in' },
    mutationFn: (body: Schemas['LogIn']) => ok(api.POST('/api/v1/session', { body })),
    onSuccess: (me) => startAs(client, me),
  });
}

export function useSetUp() {
  const client = useQueryClient();
  return useMutation({
    meta: { before: 'log-in' },
    mutationFn: (body: Schemas['SetUp']) => ok(api.POST('/api/v1/setup', { body })),
    onSuccess: (me) => startAs(client, me),
  });
}

export function useLogOut() {
  return useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/session')),
    // The page is loaded anew, so that nothing of what was read stays in it.
    onSuccess: () => window.location.assign('/login'),
  });
}

/** Nothing that somebody else has read is left. */
function startAs(client: ReturnType<typeof useQueryClient>, me: WhoAmI): void {
  client.clear();
  client.setQueryData(keys.session, me);
}
