import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './error';

/** How often a request that did not arrive is sent again before a person is told. */
const retries = 2;

/**
 * The cache of answers. Live events keep it true (live/apply.ts), so nothing in it grows old by itself.
 * `onLoggedOut` is called when an answer says that the session has ended.
 */
export function newCache(onLoggedOut: () => void): QueryClient {
  const watch = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) onLoggedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: watch }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, mutation) => {
        // Logging in answers 401 to a wrong password.
        if (mutation.meta?.before !== 'log-in') watch(error);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: (failures, error) => failures < retries && isPassing(error),
      },
    },
  });
}

/** Whether sending it again may help. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 0 || error.code === 'unavailable';
}
