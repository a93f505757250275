/** The pages of a site, in the order of their tabs. */
export const siteTabs = [
  { to: '/sites/$site', label: 'Overview' },
  { to: '/sites/$site/failover', label: 'WAN Failover' },
  { to: '/sites/$site/health', label: 'Health' },
] as const;

/** The tab that an address belongs to: the first when it names none. */
export function tabOf(path: string): (typeof siteTabs)[number] {
  const part = path.split('/')[3] ?? '';
  return siteTabs.find(({ to }) => (to.split('/')[3] ?? '') === part) ?? siteTabs[0];
}
