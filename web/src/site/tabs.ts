/** The pages of a site, in the order of their tabs. */
export const siteTabs = [{ to: '/sites/$site', label: 'Overview' }] as const;
