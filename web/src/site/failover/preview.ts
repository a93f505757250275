import { queryOptions } from '@tanstack/react-query';
import { api, ok, onceKey } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

/** What an order of a site's tunnels would mean, were it confirmed. */
export const previewQuery = (site: string, tunnels: string[]) =>
  queryOptions({
    queryKey: [...keys.priority(site), 'preview', tunnels],
    queryFn: ({ signal }) =>
      ok(
        api.POST('/api/v1/sites/{id}/priority/preview', {
          params: { path: { id: site }, header: { 'Idempotency-Key': onceKey() } },
          body: { tunnels },
          signal,
        }),
      ),
    staleTime: 0,
    gcTime: 0,
  });

/** As many routes are listed one by one; of more only the first and the last. */
const listed = 4;

/** The routes of one tunnel, in a line. */
export function routesInWords(routes: readonly Schemas['Route'][]): string {
  const nets = routes.map(({ network, prefix }) => `${network}/${prefix}`);
  const gateway = routes[0]?.gateway;
  if (!gateway) return 'no routes while it has no gateway';
  const which =
    nets.length > listed ? `${nets[0]} to ${nets.at(-1)} (${nets.length} routes)` : nets.join(', ');
  return `${which} by way of ${gateway}`;
}

/** What would be done to the router, in a line. */
export function planInWords(plan: Schemas['RouterPlan'] | null | undefined): string {
  if (!plan) return 'The controller changes the routes; nothing is configured on the router.';
  const count = plan.steps.length;
  if (count === 0) return 'The controller changes the routes; the router itself stays as it is.';
  return count === 1 ? 'One change is made on the router.' : `${count} changes are made on the router.`;
}
