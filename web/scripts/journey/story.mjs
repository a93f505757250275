// The first day of a site, as its operator lives it: from the log-in until failover is deactivated again.
import { expect } from './expect.mjs';

/** What the story calls each ISP of the lab, and how it describes it. */
const links = {
  starlink: { name: 'Starlink', type: 'Satellite' },
  lte: { name: 'LTE', type: 'LTE' },
  fibre: { name: 'Fibre', type: 'Fibre' },
};

/** A dead primary is to be seen by then. */
const seenWithin = 2_000;

/** The chapters in their order, each with what it is about: of a site whose router has any OpenVPN clients. */
export const ofClients = [
  ['log in', logIn],
  ['make a site', makeSite],
  ['enable failover: two tunnels', enable],
  ['configure both', configureBoth],
  ['add a third', addThird],
  ['put it first, and confirm', putFirst],
  ['connect the router with the downloaded profiles', connect],
  ['lose the primary', losePrimary],
  ['get it back', getBack],
  ['reorder without a mouse', reorder],
  ['deactivate failover', deactivate],
];

/** Of one whose router is a MikroTik: it is asked where the others are told, and dials by itself. */
export const ofMikrotik = [
  ['log in', logIn],
  ['make a site', makeSite],
  ['adopt its router: paste a line', adopt],
  ['enable failover: two tunnels', enable],
  ['configure both with what the router knows', configureBoth],
  ['add a third', addThird],
  ['put it first, and confirm', putFirst],
  ['wait until the router has connected', connected],
  ['lose the primary', losePrimary],
  ['get it back', getBack],
  ['reorder without a mouse', reorder],
  ['deactivate failover', deactivate],
  ['release the router', release],
];

async function logIn({ page, hands, lab }) {
  await page.goto(`${lab.url}/login`);
  await hands.fill(page.getByLabel('E-mail address'), lab.email);
  await hands.fill(page.getByRole('textbox', { name: 'Password' }), lab.password);
  await hands.press(page.getByRole('button', { name: 'Log in' }));
  await page.getByRole('heading', { name: 'Sites', exact: true }).waitFor();
}

async function makeSite({ page, hands, site }) {
  await hands.press(page.getByRole('button', { name: 'New site' }).first());
  await hands.fill(page.getByLabel('Name'), site);
  await hands.fill(page.getByLabel('Hold after a failure'), '3');
  await hands.press(page.getByRole('button', { name: 'Make the site' }));
  await page.getByRole('heading', { name: site, level: 1 }).waitFor();
}

async function adopt({ page, hands, lab, tell }) {
  await hands.press(page.getByRole('button', { name: 'Adopt the router' }));
  const line = await page.getByLabel('The line to paste').textContent();
  const printed = lab.paste(line);
  for (const text of (await printed).trim().split('\n')) tell(`| ${text}`);
  const router = page.locator('section', { has: page.getByRole('heading', { name: 'Router', exact: true }) });
  await router.getByText('Online', { exact: true }).waitFor();
}

async function enable({ page, hands }) {
  await hands.tab('WAN Failover');
  await hands.press(page.getByRole('button', { name: 'Enable failover' }));
  for (const name of ['WAN 1', 'WAN 2'])
    await page.getByRole('button', { name: `Move ${name} up` }).waitFor();
}

async function configureBoth(stage) {
  await configure(stage, 'WAN 1', 'starlink');
  await configure(stage, 'WAN 2', 'lte');
}

async function addThird(stage) {
  const { page, hands } = stage;
  await hands.press(page.getByRole('button', { name: 'Add a WAN tunnel' }));
  // The first such name that is free again.
  await configure(stage, 'WAN 1', 'fibre');
}

async function putFirst({ page, hands, isMikrotik }) {
  await hands.drag(handle(page, 'Fibre'), handle(page, 'Starlink'));
  await expect('the draft has Fibre first', () => isFirst(page, 'Fibre'));
  if (isMikrotik) {
    const preview = page.getByRole('region', { name: 'What will change' });
    await hands.press(preview.getByRole('button', { name: 'Show the commands' }));
    await preview.getByText('/interface/ovpn-client').first().waitFor();
  }
  await hands.press(page.getByRole('button', { name: 'Confirm Priority' }));
  await page.getByRole('status', { name: 'Progress' }).getByText('Succeeded', { exact: true }).waitFor();
}

async function connect({ page, hands, lab }) {
  for (const [isp, { name }] of Object.entries(links)) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      hands.menu(`Actions for ${name}`, 'Download the OpenVPN profile'),
    ]);
    const profile = lab.path(`${name}.ovpn`);
    await download.saveAs(profile);
    await lab.connect(isp, profile);
  }
  await connected({ page });
}

async function connected({ page }) {
  for (const { name } of Object.values(links))
    await row(page, name).getByText('Online', { exact: true }).waitFor();
  await row(page, 'Fibre').getByText('Active', { exact: true }).waitFor();
}

/** The page must tell by itself: it is marked, and a page that was loaded again has lost the mark. */
async function losePrimary({ page, hands, tell }) {
  await hands.tab('Overview');
  await activeLink(page, 'Fibre').waitFor();
  await page.evaluate(() => Object.assign(globalThis, { loadedOnce: true }));
  const cut = button(page, 'fibre', 'Uplink cut');
  await hands.press(cut);
  const since = Date.now();
  const told = {
    offline: page
      .getByRole('listitem')
      .filter({ has: page.getByText('Fibre', { exact: true }) })
      .getByText('Offline', { exact: true }),
    'new active link': activeLink(page, 'Starlink'),
    fault: page.getByRole('link', { name: 'Link offline: Fibre' }),
  };
  for (const [what, where] of Object.entries(told)) {
    await where.waitFor();
    const after = Date.now() - since;
    tell(`${what} after ${after} ms`);
    if (after > seenWithin) throw new Error(`the page shows it (${what}) only after ${after} ms`);
  }
  if (!(await page.evaluate(() => globalThis.loadedOnce))) throw new Error('the page was loaded again');
}

async function getBack({ page, hands }) {
  await hands.press(button(page, 'fibre', 'Working'));
  await page.getByRole('link', { name: 'Link offline: Fibre' }).waitFor({ state: 'detached' });
  await activeLink(page, 'Fibre').waitFor();
}

async function reorder({ page, keyboard }) {
  await keyboard.tab('WAN Failover');
  await keyboard.drag(handle(page, 'Starlink'), handle(page, 'Fibre'));
  await expect('the draft has Starlink first', () => isFirst(page, 'Starlink'));
  await keyboard.press(page.getByRole('button', { name: 'Confirm Priority' }));
  await page.getByRole('status', { name: 'Progress' }).getByText('Succeeded', { exact: true }).waitFor();
  await row(page, 'Starlink').getByText('Active', { exact: true }).waitFor();
}

async function deactivate({ page, hands }) {
  await hands.press(page.getByRole('button', { name: 'Deactivate failover' }));
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Fibre, wan1').waitFor();
  await hands.press(dialog.getByRole('button', { name: 'Deactivate failover' }));
  await page.getByRole('heading', { name: 'Deactivation of failover' }).waitFor();
  await page.getByRole('definition').getByText('Succeeded', { exact: true }).waitFor();
}

async function release({ page, hands, site }) {
  await hands.press(page.getByRole('link', { name: site }));
  await hands.menu('Actions for the router', 'Release the router');
  const dialog = page.getByRole('dialog');
  await hands.press(dialog.getByRole('button', { name: 'Release the router' }));
  await page.getByRole('heading', { name: 'Release of the router' }).waitFor();
  await page.getByRole('definition').getByText('Succeeded', { exact: true }).waitFor();
}

/** Tells a tunnel everything about the ISP that it is for. */
async function configure(stage, blank, isp) {
  const { page, hands } = stage;
  const { name, type } = links[isp];
  await hands.press(page.getByRole('button', { name: `Settings of ${blank}` }));
  const dialog = page.getByRole('dialog');
  await hands.fill(dialog.getByLabel('Name'), name);
  await (stage.isMikrotik ? pickWay(stage, dialog, isp) : typeWay(stage, dialog, isp));
  await hands.choose(dialog.getByRole('combobox', { name: 'Connection type' }), type);
  await hands.press(dialog.getByRole('button', { name: 'Probing and targets' }));
  await hands.choose(dialog.getByRole('combobox', { name: 'Probing' }), 'Fast: notices in half a second');
  await hands.press(dialog.getByRole('button', { name: 'Save' }));
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: `Settings of ${name}` }).waitFor();
}

async function typeWay({ hands, lab }, dialog, isp) {
  await hands.fill(dialog.getByRole('combobox', { name: 'Interface' }), lab.isps[isp].interface);
  await hands.fill(dialog.getByLabel('Gateway', { exact: true }), lab.isps[isp].gateway);
}

/** Interface and gateway out of what the router has, asked at this moment. */
async function pickWay({ hands, lab }, dialog, isp) {
  const { interface: wanted, gateway } = lab.isps[isp];
  const field = dialog.getByRole('combobox', { name: 'Interface' });
  await hands.choose(field, new RegExp(`^${wanted} .*link up`));
  await hands.press(dialog.getByRole('button', { name: 'Look up eligible gateways' }));
  await hands.press(dialog.getByRole('button', { name: `Use ${gateway}` }));
}

const handle = (page, name) => page.getByRole('button', { name: `Move ${name}`, exact: true });

const row = (page, name) => page.getByRole('listitem').filter({ has: handle(page, name) });

/** The drawing of the way that the traffic takes, which says the same in words. */
const activeLink = (page, name) => page.getByRole('img', { name: `Traffic leaves through ${name}` });

const button = (page, isp, name) => page.getByRole('group', { name: isp }).getByRole('button', { name });

async function isFirst(page, name) {
  return (await page.getByRole('button', { name: `Move ${name} up` }).count()) === 1
    ? page.getByRole('button', { name: `Move ${name} up` }).isDisabled()
    : false;
}
