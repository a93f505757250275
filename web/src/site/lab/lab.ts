import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

/** What the server itself is. */
export const serverQuery = queryOptions({
  queryKey: keys.server,
  queryFn: ({ signal }) => ok(api.GET('/api/v1/health', { signal })),
});

/** How the lines of the lab are; only of a server that runs in one. */
export const labQuery = queryOptions({
  queryKey: keys.lab,
  queryFn: ({ signal }) => ok(api.GET('/api/v1/lab', { signal })),
});

/** Breaks or repairs the line of an ISP. */
export function useSetLine(isp: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (state: Schemas['LineState']) =>
      ok(api.PUT('/api/v1/lab/lines/{isp}', { params: { path: { isp } }, body: { state } })),
    onSuccess: (lab) => client.setQueryData(keys.lab, lab),
  });
}
