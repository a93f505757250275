import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { AuditFilter } from './filter';

const pageLength = 100;

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.audit, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/audit', {
          params: { query: { limit: pageLength, after: pageParam, ...filter } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    // No event tells of an entry.
    staleTime: 0,
  });
