/**
 * Attacks the app for long: kills at random instants, fuzzed requests, hostile SQLite files.
 *
 *   npm run attack -- [--kills N] [--requests N] [--files N] [--seed N]
 *
 * Needs what the tests need (Debian's radosgw, ceph-mon, ceph-osd, sshd, sqlite3, curl) and root. Prints its figures and
 * `N passed, N failed`; ends with status 1 where something did not hold. Not part of `npm test`.
 */
import { buildChildApp, removeChildApp } from '../support/child-process.ts';
import { attackWithFiles } from './files.ts';
import { attackWithKills } from './kills.ts';
import { readOptions } from './options.ts';
import { attackWithRequests } from './requests.ts';
import { createRandom, createVerdict } from './verdict.ts';

const options = readOptions(process.argv.slice(2));
console.log(`attack: ${JSON.stringify(options)}`);
const verdict = createVerdict();
const program = await buildChildApp();
try {
  const ground = { program, verdict, random: createRandom(options.seed) };
  if (options.files > 0) await attackWithFiles(ground, options.files);
  if (options.requests > 0) await attackWithRequests(ground, options.requests);
  if (options.kills > 0) await attackWithKills(ground, options.kills);
} finally {
  await removeChildApp(program);
}
console.log(`${verdict.passed} passed, ${verdict.failed} failed`);
process.exitCode = verdict.failed === 0 ? 0 : 1;
