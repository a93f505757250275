// `npm run speed`: how long somebody waits, against a real server with 2,000 sites: from the first byte of a site's page
// until it can be used, with nothing cached; and for the next frame while the list of all sites is scrolled from top to
// bottom. Fails above what we promise.
import { holdfast, launch } from './browser.mjs';
import { Gallery, owner } from './gallery/server.mjs';

const sites = 2_000;
/** In milliseconds. */
const most = {
  'first page of a site': 1_000,
  'longest frame while scrolling': 1_000,
  'list of all sites': 3_000,
};

const browser = await launch();
const gallery = await Gallery.start(holdfast());
let failed = false;
try {
  const ids = await make(sites);
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 } });
  const page = await context.newPage();
  await page.goto(`${gallery.url}/login`);
  await page.getByLabel('E-mail address').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Sites', exact: true }).waitFor();
  const state = await context.storageState();
  await context.close();

  judge('first page of a site', await median(5, () => firstPage(state, ids[0])));
  const [opened, frame] = await scroll(state);
  judge('list of all sites', opened);
  judge('longest frame while scrolling', frame);
} finally {
  await browser.close();
  gallery.stop();
}
process.exitCode = failed ? 1 : 0;

/** Sites whose failover is on, so that each has two tunnels. */
async function make(count) {
  const ids = [];
  const one = async (number) => {
    const { data } = await gallery.ask('POST', '/sites', { name: `Site ${String(number).padStart(4, '0')}` });
    await gallery.ask('POST', `/sites/${data.id}/failover`, {});
    ids.push(data.id);
  };
  for (let first = 0; first < count; first += 8) {
    await Promise.all(Array.from({ length: Math.min(8, count - first) }, (_, index) => one(first + index)));
  }
  return ids;
}

/** From the request until the tabs of the site answer, in a browser that has never been here. */
async function firstPage(storageState, id) {
  const context = await browser.newContext({ storageState, viewport: { width: 1360, height: 850 } });
  const page = await context.newPage();
  const began = Date.now();
  await page.goto(`${gallery.url}/sites/${id}`, { waitUntil: 'commit' });
  await page.getByRole('img', { name: /No tunnel carries traffic/ }).waitFor();
  await page.getByRole('heading', { name: 'Router' }).waitFor();
  const took = Date.now() - began;
  await context.close();
  return took;
}

/** How long the whole list takes to open, and the longest that no frame was drawn while it is scrolled through. */
async function scroll(storageState) {
  const context = await browser.newContext({ storageState, viewport: { width: 1360, height: 850 } });
  const page = await context.newPage();
  const began = Date.now();
  await page.goto(`${gallery.url}/sites`, { waitUntil: 'commit' });
  await page.getByText(`${sites} sites`).waitFor();
  const opened = Date.now() - began;
  const longest = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const end = document.documentElement.scrollHeight - window.innerHeight;
        let [last, gap] = [performance.now(), 0];
        const step = (now) => {
          gap = Math.max(gap, now - last);
          last = now;
          if (window.scrollY >= end - 1) return resolve(gap);
          // Three screens in a frame: faster than anybody can.
          window.scrollBy(0, window.innerHeight * 3);
          requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
  );
  await page.getByText(`Site ${String(sites - 1).padStart(4, '0')}`).waitFor();
  await context.close();
  return [opened, longest];
}

async function median(times, measure) {
  const values = [];
  for (let count = 0; count < times; count += 1) values.push(await measure());
  return values.sort((a, b) => a - b)[Math.floor(times / 2)];
}

function judge(what, took) {
  const isFine = took <= most[what];
  console.log(`${what}: ${Math.round(took)} ms (at most ${most[what]})${isFine ? '' : ': TOO SLOW'}`);
  if (!isFine) failed = true;
}
