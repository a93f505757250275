/** Every page of the gallery: its name, its address, and what is done before its picture is taken. */
export function pages({ office, warehouse, branch, fault, job }) {
  return [
    ['sites', '/sites'],
    ['sites-new', '/sites', (page) => page.getByRole('button', { name: 'New site' }).click()],
    ['sites-none-found', '/sites?text=nowhere'],
    ['site-overview', `/sites/${office}`],
    ['site-on-backup', `/sites/${warehouse}`],
    ['failover', `/sites/${office}/failover`],
    [
      'failover-draft',
      `/sites/${office}/failover`,
      (page) => page.getByRole('button', { name: 'Move LTE up' }).click(),
    ],
    [
      'failover-settings',
      `/sites/${office}/failover`,
      (page) => page.getByRole('button', { name: 'Settings of Fibre' }).click(),
    ],
    [
      'failover-override',
      `/sites/${office}/failover`,
      async (page) => {
        await page.getByRole('button', { name: 'Actions for LTE' }).click();
        await page.getByRole('menuitem', { name: 'Prefer, avoid or switch off' }).click();
      },
    ],
    [
      'failover-deactivate',
      `/sites/${office}/failover`,
      (page) => page.getByRole('button', { name: 'Deactivate failover' }).click(),
    ],
    ['failover-off', `/sites/${branch}/failover`],
    ['health', `/sites/${office}/health?range=15m`],
    ['tunnels', '/tunnels'],
    ['faults', '/faults'],
    ['fault', `/faults/${fault}`],
    ['jobs', '/jobs'],
    ['job', `/jobs/${job}`],
    ['settings-account', '/settings/account'],
    ['settings-organization', '/settings/organization'],
    ['settings-users', '/settings/users'],
    ['settings-tokens', '/settings/tokens'],
    ['settings-providers', '/settings/providers'],
    ['settings-audit', '/settings/audit'],
    ['not-found', '/nowhere'],
  ];
}
