// `npm run journey`: the first day of a site, in a real browser against the real binary and a lab with stock OpenVPN
// clients: once with the mouse, once with the keyboard alone. Fails when something does not happen, when axe finds
// something wrong on a page on the way, or when a page writes an error to the console.
// HOLDFAST_BINARY and CHROMIUM say where the programs are, if not at their usual places.
import { mkdirSync } from 'node:fs';
import { complaints, holdfast, launch, violations } from './browser.mjs';
import { Keyboard, Mouse } from './journey/hands.mjs';
import { Lab } from './journey/lab.mjs';
import { chapters } from './journey/story.mjs';

/** For each thing that is waited for. */
const patience = 30_000;

const browser = await launch();
const lab = await Lab.open(holdfast());
let failed = false;
try {
  for (const [name, hands] of Object.entries({ mouse: Mouse, keyboard: Keyboard })) {
    failed ||= !(await travel(name, hands));
  }
} finally {
  await browser.close();
  await lab.close();
}
process.exitCode = failed ? 1 : 0;

/** One journey with these hands; whether everything went well. */
async function travel(name, Hands) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const { heard } = complaints(page);
  const tell = (text) => console.log(`  ${text}`);
  const stage = { page, lab, tell, hands: new Hands(page), keyboard: new Keyboard(page), site: `By ${name}` };
  console.log(`with the ${name}:`);
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
      await context.close();
      return false;
    }
    console.log(`  ${about} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
  await context.close();
  return true;
}
