const press = (name) => (page) => page.getByRole('button', { name }).click();

const pick = (menu, name) => async (page) => {
  await press(menu)(page);
  await page.getByRole('menuitem', { name }).click();
};

/** Every page of the gallery: its name, its address, and what is done before its picture is taken. */
export function pages({ office, warehouse, branch, fault, job }) {
  return [
    ['sites', '/sites'],
    ['sites-new', '/sites', press('New site')],
    ['sites-none-found', '/sites?text=nowhere'],
    ['site-overview', `/sites/${office}`],
    ['site-on-backup', `/sites/${warehouse}`],
    ['router-adoption', `/sites/${branch}`, press(/Adopt the router|Make a new line/)],
    ['router-plan', `/sites/${office}`, pick('Actions for the router', 'Compare with what is configured')],
    ['router-access', `/sites/${office}`, pick('Actions for the router', 'How it is reached')],
    ['failover', `/sites/${office}/failover`],
    [
      'failover-draft',
      `/sites/${office}/failover`,
      async (page) => {
        await press('Move LTE up')(page);
        const preview = page.getByRole('region', { name: 'What will change' });
        await preview.getByRole('button', { name: 'Show the commands' }).click();
        await preview.scrollIntoViewIfNeeded();
      },
    ],
    ['failover-settings', `/sites/${office}/failover`, press('Settings of Fibre')],
    [
      'failover-interfaces',
      `/sites/${office}/failover`,
      async (page) => {
        await press('Settings of Fibre')(page);
        await page.getByRole('combobox', { name: 'Interface' }).click();
        await page.getByRole('option', { name: /ether1/ }).waitFor();
      },
    ],
    [
      'failover-gateways',
      `/sites/${office}/failover`,
      async (page) => {
        await press('Settings of Fibre')(page);
        await press('Look up eligible gateways')(page);
        await page.getByRole('button', { name: /^Use / }).first().waitFor();
      },
    ],
    [
      'failover-override',
      `/sites/${office}/failover`,
      pick('Actions for LTE', 'Prefer, avoid or switch off'),
    ],
    ['failover-deactivate', `/sites/${office}/failover`, press('Deactivate failover')],
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
