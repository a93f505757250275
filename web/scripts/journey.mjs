// `npm run journey`: the first day of a site, in a real browser against the real binary and the lab: of a site with stock
// OpenVPN clients by mouse and by keyboard alone, and of one whose router is a MikroTik. Fails when something does not happen, when axe finds
// something wrong on a page on the way, or when a page writes an error to the console.
// HOLDFAST_BINARY and CHROMIUM say where the programs are, if not at their usual places.
import { mkdirSync } from 'node:fs';
import { complaints, holdfast, launch, violations } from './browser.mjs';
import { Keyboard, Mouse } from './journey/hands.mjs';
import { Lab } from './journey/lab.mjs';
import { ofClients, ofMikrotik } from './journey/story.mjs';

/** For each thing that is waited for. */
const patience = 30_000;

const journeys = [
  { client: 'stock', by: { mouse: Mouse, keyboard: Keyboard }, chapters: ofClients },
  { client: 'adopted', by: { mouse: Mouse, keyboard: Keyboard }, chapters: ofMikrotik },
];

const browser = await launch();
let failed = false;
try {
  for (const journey of journeys) failed ||= !(await inLab(journey));
} finally {
  await browser.close();
}
process.exitCode = failed ? 1 : 0;

/** The journeys in one lab; whether everything went well. */
async function inLab({ client, by, chapters }) {
  const lab = await Lab.open(holdfast(), client);
  try {
    for (const [name, Hands] of Object.entries(by)) {
      console.log(`${client}, by ${name}:`);
      if (!(await travel(lab, chapters, `By ${name}`, Hands))) return false;
    }
    return true;
  } finally {
    await lab.close();
  }
}

/** One journey with these hands; whether everything went well. */
async function travel(lab, chapters, site, Hands) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const { heard } = complaints(page);
  const tell = (text) => console.log(`  ${text}`);
  const isMikrotik = chapters === ofMikrotik;
  const hands = new Hands(page);
  const stage = { page, lab, site, isMikrotik, tell, hands, keyboard: new Keyboard(page) };
  for (const [about, happen] of chapters) {
    const began = Date.now();
    try {
      await happen(stage);
      const wrong = [...heard, ...(await violations(page))];
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    } catch (error) {
      mkdirSync('screenshots', { recursive: true });
      await page.screenshot({ path: 'screenshots/journey-failed.png' });
      console.log(`FAILED: ${about} (${page.url()}, web/screenshots/journey-failed.png)\n${error.stack}`);
      console.log(`The server said last:\n${lab.log()}`);
      await context.close();
      return false;
    }
    console.log(`  ${about} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
  await context.close();
  return true;
}
