// `npm run screenshots [-- NAME ...]`: pictures of every page against a real server, in light, dark and phone width, into
// screenshots/. Fails when axe finds something wrong on a page, or a page writes an error to the console.
// HOLDFAST_BINARY and CHROMIUM say where the programs are, if not at their usual places.
import { mkdirSync } from 'node:fs';
import { complaints, holdfast, launch, violations } from './browser.mjs';
import { furnish } from './gallery/estate.mjs';
import { pages } from './gallery/pages.mjs';
import { Gallery, owner } from './gallery/server.mjs';

const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1360, height: 850 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1360, height: 850 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.some((part) => name.includes(part));

const browser = await launch();
const gallery = await Gallery.start(holdfast());
let wrong = 0;
try {
  const ids = await furnish(gallery);
  mkdirSync('screenshots', { recursive: true });
  for (const look of looks) {
    await outside(look);
    await inside(look, pages(ids));
  }
} finally {
  await browser.close();
  gallery.stop();
}
console.log(wrong === 0 ? 'nothing is wrong on any page' : `${wrong} things are wrong`);
process.exitCode = wrong === 0 ? 0 : 1;

/** The pages before the log-in, each with a browser that knows nobody. */
async function outside(look) {
  for (const [name, address] of [
    ['login', '/login'],
    ['setup', gallery.setUpLink.replace(gallery.url, '')],
  ]) {
    if (!isWanted(name)) continue;
    const context = await browser.newContext(look);
    await shoot(await context.newPage(), look, name, address);
    await context.close();
  }
}

async function inside(look, all) {
  const context = await browser.newContext(look);
  const page = await context.newPage();
  await page.goto(`${gallery.url}/login`);
  await page.getByLabel('E-mail address').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Sites', exact: true }).waitFor();
  for (const [name, address, before] of all.filter(([name]) => isWanted(name))) {
    await shoot(page, look, name, address, before);
  }
  await context.close();
}

async function shoot(page, look, name, address, before) {
  const { heard, stop } = complaints(page);
  await page.goto(`${gallery.url}${address}`);
  await page.getByRole('heading').first().waitFor();
  await page.waitForLoadState('load');
  await page.waitForFunction(() => !document.querySelector('[role="status"][aria-label="Loading"]'));
  await before?.(page);
  // Transitions of dialogs and menus.
  await page.waitForTimeout(400);
  await page.screenshot({ path: `screenshots/${name}-${look.name}.png` });
  const errors = [...heard, ...(await violations(page))];
  stop();
  for (const error of errors) console.log(`${name} (${look.name}): ${error}`);
  wrong += errors.length;
}
