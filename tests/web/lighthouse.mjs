// Measures a page as Lighthouse does for telephones, and prints its scores and metrics as JSON.
// node measure.js URL CHROME
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import lighthouse from 'lighthouse';

const [url, chrome, ...flags] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'lighthouse-'));
const browser = spawn(
  chrome,
  [...flags, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`],
  // A process group, because Debian's program is a script that starts the browser.
  { detached: true },
);
const port = await new Promise((resolve, reject) => {
  let said = '';
  browser.on('exit', () => reject(new Error(said)));
  browser.stderr.on('data', (data) => {
    said += data;
    const found = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said);
    if (found) resolve(Number(found[1]));
  });
});
try {
  const { lhr } = await lighthouse(url, { port, logLevel: 'error' });
  const failed = Object.values(lhr.audits)
    .filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative')
    .map(({ id, displayValue }) => `${id} ${displayValue ?? ''}`.trim());
  console.log(
    JSON.stringify({
      scores: Object.fromEntries(
        Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]),
      ),
      benchmarkIndex: lhr.environment.benchmarkIndex,
      tbt: lhr.audits['total-blocking-time'].numericValue,
      lcp: lhr.audits['largest-contentful-paint'].numericValue,
      cls: lhr.audits['cumulative-layout-shift'].numericValue,
      failed,
    }),
  );
} finally {
  browser.removeAllListeners('exit');
  const ended = new Promise((resolve) => browser.on('exit', resolve));
  process.kill(-browser.pid);
  await ended;
  rmSync(profile, { recursive: true, force: true });
}
