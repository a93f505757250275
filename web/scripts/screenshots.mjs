// `npm run screenshots [-- NAME ...]`: pictures of every page against a real server, in light, dark and phone width, into
// screenshots/. Fails when axe finds something wrong on a page, or a page writes an error to the console.
// HOLDFAST_BINARY and CHROMIUM say where the programs are, if not at their usual places.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { furnish } from './gallery/estate.mjs';
import { pages } from './gallery/pages.mjs';
import { Gallery, owner } from './gallery/server.mjs';

const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1360, height: 850 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1360, height: 850 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.some((part) => name.includes(part));

const browser = await chromium.launch({
  executablePath: firstThere(
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ),
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
});
const gallery = await Gallery.start(
  firstThere(process.env.HOLDFAST_BINARY, '../target/debug/holdfast', '../target/release/holdfast'),
);
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
  await page.getByRole('heading', { name: 'Sites' }).waitFor();
  for (const [name, address, before] of all.filter(([name]) => isWanted(name))) {
    await shoot(page, look, name, address, before);
  }
  await context.close();
}

async function shoot(page, look, name, address, before) {
  const errors = [];
  const heard = (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  };
  const thrown = (error) => errors.push(error.stack ?? String(error));
  page.on('console', heard);
  page.on('pageerror', thrown);
  await page.goto(`${gallery.url}${address}`);
  await page.getByRole('heading').first().waitFor();
  await page.waitForLoadState('load');
  await page.waitForFunction(() => !document.querySelector('[role="status"][aria-label="Loading"]'));
  await before?.(page);
  // Transitions of dialogs and menus.
  await page.waitForTimeout(400);
  await page.screenshot({ path: `screenshots/${name}-${look.name}.png` });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  page.off('console', heard);
  page.off('pageerror', thrown);
  for (const { id, help, nodes } of violations) {
    errors.push(
      `axe ${id}: ${help}\n    ${nodes
        .slice(0, 4)
        .map(
          ({ html, failureSummary }) => `${html.slice(0, 200)} -- ${failureSummary?.split('\n')[1]?.trim()}`,
        )
        .join('\n    ')}`,
    );
  }
  for (const error of errors) console.log(`${name} (${look.name}): ${error}`);
  wrong += errors.length;
}

function firstThere(...paths) {
  const found = paths.find((path) => path && existsSync(path));
  if (!found) throw new Error(`none of these is there: ${paths.filter(Boolean).join(', ')}`);
  return found;
}
