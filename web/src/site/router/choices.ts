import { queryOptions } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { keys } from '../../api/keys';
import type { Schemas } from '../../api/types';

export type RouterInterface = Schemas['RouterInterface'];
export type GatewayCandidate = Schemas['GatewayCandidate'];

/** The interfaces of a site's router, read from it now. */
export const interfacesQuery = (site: string) =>
  queryOptions({
    queryKey: [...keys.router(site), 'interfaces'],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/sites/{id}/router/interfaces', { params: { path: { id: site } }, signal })),
    staleTime: 0,
  });

/** The gateways that an interface may have, looked up on the router now. */
export const gatewaysQuery = (site: string, of: string) =>
  queryOptions({
    queryKey: [...keys.router(site), 'gateways', of],
    queryFn: ({ signal }) =>
      ok(
        api.GET('/api/v1/sites/{id}/router/gateways', {
          params: { path: { id: site }, query: { interface: of } },
          signal,
        }),
      ),
    staleTime: 0,
  });

/** Whether a router was adopted: then it can be asked, though it may not answer. */
export function isAdopted(state: Schemas['RouterState'] | undefined): boolean {
  return state === 'online' || state === 'away';
}

/** From what on the router a gateway is known. */
export const gatewaySources: Record<Schemas['GatewaySource'], string> = {
  dhcp: 'DHCP',
  pppoe: 'PPPoE',
  lte: 'Modem',
  route: 'Route',
  'point-to-point': 'Other end',
  neighbor: 'Neighbour',
  arp: 'ARP',
};

/** What an interface is and how it is, in words. `users` names the tunnels. */
export function interfaceInWords(found: RouterInterface, users: ReadonlyMap<string, string>): string {
  const user = found.used_by ? (users.get(found.used_by) ?? 'another tunnel') : undefined;
  return [
    found.kind,
    found.disabled ? 'switched off' : found.running ? 'link up' : 'no link',
    ...found.addresses,
    user && `used by ${user}`,
    found.comment,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** The interfaces to offer for what was typed: all of them once it is the name of one. */
export function offered(found: readonly RouterInterface[], typed: string): RouterInterface[] {
  const wanted = typed.trim().toLowerCase();
  if (found.some(({ name }) => name.toLowerCase() === wanted)) return [...found];
  return found.filter(({ name, comment }) => `${name} ${comment}`.toLowerCase().includes(wanted));
}

/** Whether a gateway answers, in words. */
export function reachability({ reachable, rtt_ms: rtt }: GatewayCandidate): string {
  if (reachable === false) return 'does not answer';
  if (!reachable) return 'was not asked';
  return typeof rtt === 'number' ? `answers in ${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms` : 'answers';
}
