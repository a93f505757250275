import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { keys } from '../api/keys';

/** How failover of a site stands; live events keep it true. */
export const failoverQuery = (id: string) =>
  queryOptions({
    queryKey: keys.failover(id),
    queryFn: ({ signal }) => ok(api.GET('/api/v1/sites/{id}/failover', { params: { path: { id } }, signal })),
  });
