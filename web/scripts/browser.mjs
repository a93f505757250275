// What every script that looks at the dashboard in a real browser needs.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

/** Debian's Chromium, or what CHROMIUM names. `more` are arguments for it. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: firstThere(
      process.env.CHROMIUM,
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
    ),
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', ...more],
  });
}

/** The path of `holdfast`: HOLDFAST_BINARY, or where cargo puts it. */
export const holdfast = () =>
  firstThere(process.env.HOLDFAST_BINARY, '../target/debug/holdfast', '../target/release/holdfast');

/** Gathers what a page complains about; `stop` ends that. */
export function complaints(page) {
  const heard = [];
  const said = (message) => {
    if (message.type() === 'error' || message.type() === 'warning') heard.push(message.text());
  };
  const thrown = (error) => heard.push(error.stack ?? String(error));
  page.on('console', said);
  page.on('pageerror', thrown);
  const stop = () => {
    page.off('console', said);
    page.off('pageerror', thrown);
  };
  return { heard, stop };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong on a page, one text each. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map(({ id, help, nodes }) => {
    const places = nodes
      .slice(0, 4)
      .map(
        ({ html, failureSummary }) => `${html.slice(0, 200)} -- ${failureSummary?.split('\n')[1]?.trim()}`,
      );
    return `axe ${id}: ${help}\n    ${places.join('\n    ')}`;
  });
}

function firstThere(...paths) {
  const found = paths.find((path) => path && existsSync(path));
  if (!found) throw new Error(`none of these is there: ${paths.filter(Boolean).join(', ')}`);
  return found;
}
