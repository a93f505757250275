// Fails when the script that the first page loads is larger than we allow ourselves: `npm run check:size`, after a build.
import { existsSync, readFileSync, statSync } from 'node:fs';

const most = 300 * 1024;

const index = readFileSync('dist/index.html', 'utf8');
const first = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path);
if (first.length === 0) throw new Error('dist/index.html names no script: run `npm run build` first');

// A site's page needs what is loaded for it beside the first chunk.
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));
const wanted = new Set(first);
const add = (key) => {
  const chunk = manifest[key];
  if (wanted.has(chunk.file) && !chunk.isEntry) return;
  wanted.add(chunk.file);
  for (const next of chunk.imports ?? []) add(next);
};
for (const page of ['src/site/SiteLayout.tsx', 'src/site/overview/OverviewPage.tsx']) add(page);

let total = 0;
for (const path of wanted) {
  const packed = `dist/${path}.gz`;
  total += statSync(existsSync(packed) ? packed : `dist/${path}`).size;
}
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
console.log(`a site's page loads ${kilobytes(total)} of script, compressed (at most ${kilobytes(most)})`);
if (total > most) process.exit(1);
