/**
 * Writes docs/compatibility.md.
 *
 *   node scripts/compatibility.mjs [REPORT]
 *
 * REPORT is a vitest JSON report that holds the storage suites, such as the one that `npm test` leaves in
 * .cache/vitest.json; without it the suites are run now. Fails, and writes nothing, when a case of them did not pass.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROVIDERS } from '../src/object-stores/providers.ts';
import { compatibilityPage } from './compatibility-report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const suites = ['profile-contracts', 'profile-smoke', 'profiles', 'rgw', 'swift', 'interop', 'faults'];
const files = suites.map((name) => `test/object-stores/s3/${name}.test.ts`);

const given = process.argv[2];
/** @type {import('./compatibility-report.mjs').Report} */
const report = JSON.parse(readFileSync(given ?? run(), 'utf8'));
const wanted = report.testResults.filter(({ name }) => files.some((file) => name.endsWith(file)));
const failed = wanted.flatMap((file) => file.assertionResults).filter(({ status }) => status !== 'passed');
if (wanted.length < files.length || failed.length > 0) {
  console.error(
    wanted.length < files.length
      ? `The report holds ${wanted.length} of the ${files.length} suites: ${files.join(', ')}`
      : `These did not pass, so the page is not written:\n${failed.map(({ title }) => `  ${title}`).join('\n')}`,
  );
  process.exit(1);
}
writeFileSync(
  join(root, 'docs/compatibility.md'),
  compatibilityPage(
    { testResults: files.flatMap((file) => wanted.filter(({ name }) => name.endsWith(file))) },
    PROVIDERS,
  ),
);
console.log('docs/compatibility.md is written.');

function run() {
  const target = join(root, '.cache/compatibility.json');
  mkdirSync(join(root, '.cache'), { recursive: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${target}`];
  spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', ...reporters, ...files], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return target;
}
