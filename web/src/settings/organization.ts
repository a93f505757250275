import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { keys } from '../api/keys';

export const organizationQuery = queryOptions({
  queryKey: keys.organization,
  queryFn: ({ signal }) => ok(api.GET('/api/v1/organization', { signal })),
});

export function useRenameOrganization() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => ok(api.PATCH('/api/v1/organization', { body: { name } })),
    onSuccess: (organization) => {
      client.setQueryData(keys.organization, organization);
      void client.invalidateQueries({ queryKey: keys.session });
    },
  });
}
