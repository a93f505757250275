// `npm run memory`: whether pages that stay open keep what they no longer need. Each page gets an hour's worth of live
// events in a minute, and is measured after forced garbage collections on the way: memory of scripts, nodes of the
// document, listeners. Fails when any of them has grown by more than noise since the first tenth of the hour.
//
// The events are made up around a real server, so what they announce does not become true: lists that grow because
// there is more to show are not measured, and what is read again because of an event is as long as before.
import { complaints, holdfast, launch } from './browser.mjs';
import { furnish } from './gallery/estate.mjs';
import { Gallery, owner } from './gallery/server.mjs';
import { Tap } from './memory/tap.mjs';

/** An hour takes so long, in milliseconds. */
const hour = 60_000;
const steps = 600;
const samples = 10;

/** What may be noise. A leak of one kilobyte for each second of the hour would be 3.2 MB between the samples. */
const most = { heap: 500_000, nodes: 400, listeners: 100 };

/** What the compiler learns while a page runs is kept as well, and would be most of what is measured. */
const noCompiler = '--js-flags=--no-opt --no-maglev --no-sparkplug';

const browser = await launch([noCompiler]);
const gallery = await Gallery.start(holdfast());
const tap = await Tap.open(gallery.url);
let failed = false;
try {
  const { office } = await furnish(gallery);
  const { data: site } = await gallery.ask('GET', `/sites/${office}`);
  const page = await browser.newPage();
  const { heard } = complaints(page);
  await page.goto(`${tap.url}/login`);
  await page.getByLabel('E-mail address').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Sites', exact: true }).waitFor();
  for (const address of ['/sites', `/sites/${office}`, `/sites/${office}/failover`, '/tunnels', '/faults']) {
    if (!(await stayOn(page, address, site))) failed = true;
  }
  for (const complaint of heard) console.log(complaint);
  if (heard.length > 0) failed = true;
} finally {
  await browser.close();
  tap.close();
  gallery.stop();
}
process.exitCode = failed ? 1 : 0;

/** Keeps a page open for an hour of events; whether it stayed as large as it was. */
async function stayOn(page, address, site) {
  await page.goto(`${tap.url}${address}`);
  await page.getByRole('heading').first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.enable');
  const measured = [];
  let told = 0;
  for (let step = 1; step <= steps; step += 1) {
    const due = Date.now() + hour / steps;
    for (const event of eventsOf(step, site)) {
      tap.tell(event);
      told += 1;
    }
    if (step % (steps / samples) === 0) measured.push(await measure(devtools));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
  }
  await devtools.detach();
  console.log(`${address.replace(site.id, 'SITE')}, after each tenth of an hour with ${told} events:`);
  return Object.entries(most)
    .map((limit) => judge(measured, ...limit))
    .every(Boolean);
}

/** What happens in six seconds of the hour: measurements of every tunnel each second, and now and then a change. */
function eventsOf(step, { id: site, status }) {
  const tunnels = status.tunnels.map(({ id }) => id);
  const events = Array.from({ length: 6 }, () =>
    tunnels.map((tunnel) => ({
      ...{ kind: 'health', site, tunnel, loss: 0, rtt_ms: 10 + Math.random() * 5 },
      jitter_ms: Math.random(),
    })),
  ).flat();
  const tunnel = tunnels[step % tunnels.length];
  const isDown = Math.floor(step / tunnels.length) % 2 === 0;
  const state = isDown ? 'offline' : 'online';
  events.push({ kind: 'link-state', site, tunnel, state, cause: `made up for the ${step}th time` });
  if (step % 5 === 0) events.push({ kind: 'role', site, tunnel, role: 'standby', cause: 'made up' });
  if (step % 20 === 0) {
    const news = {
      site,
      tunnel,
      type: 'link-offline',
      severity: 'major',
      cause: 'made up',
      fault: `f${step}`,
    };
    events.push({ kind: 'fault-opened', ...news }, { kind: 'fault-closed', ...news });
  }
  if (step % 60 === 0) events.push({ kind: 'site', site, edit: 'changed' });
  return events;
}

async function measure(devtools) {
  // The second one takes what the first one's finalizers have let go.
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
  return { heap: usedSize, nodes, listeners: jsEventListeners };
}

function judge(measured, what, limit) {
  const values = measured.map((sample) => sample[what]);
  const grown = values.at(-1) - values[0];
  const isFine = grown <= limit;
  const shown = what === 'heap' ? values.map((value) => `${(value / 1e6).toFixed(2)} MB`) : values;
  console.log(`  ${what}: ${shown.join(', ')}${isFine ? '' : `: GREW by ${grown}, more than ${limit}`}`);
  return isFine;
}
