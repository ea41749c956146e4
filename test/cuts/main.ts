/**
 * Cuts dumps of every engine and format at random bytes and at borders of statements, has their source fail, stall and change
 * there, and restores them; and changes stored dumps and manifests in every other way:
 *
 *   npm run cuts -- [--cuts N] [--mutations N] [--mebibytes N] [--seed N] [--from N]
 *
 * Needs what the tests need. Prints what was left as it was beside what the stock pipelines left, as docs/verification.md has it;
 * `--from` leaves out so many kinds of dump;
 * ends with status 1 where something did not hold.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, createVerdict } from '../attack/verdict.ts';
import { readNumbers } from '../crash/numbers.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { type CutsOf, cutSubject } from './cuts.ts';
import { mutate } from './mutate.ts';
import { mariadbSubjects, postgresSubjects, sqliteSubjects } from './subjects.ts';

const usual = { cuts: 50, mutations: 20, mebibytes: 1, seed: Date.now() % 1_000_000, from: 0 };
const options = readNumbers(process.argv.slice(2), usual);
console.log(`cuts: ${JSON.stringify(options)}`);
const TABLE =
  '| Dump | all as before | stock pipeline | ended with status 0 | never ended | left tables | status 0 and tables |\n|---|---:|---|---:|---:|---:|---:|';
const verdict = createVerdict();
const random = createRandom(options.seed);
const folder = await mkdtemp(join(tmpdir(), 'cuts ü '));
const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
try {
  const subjects = [
    ...(await postgresSubjects(postgres, folder, options.mebibytes)),
    ...(await mariadbSubjects(mariadb, folder, options.mebibytes)),
    ...(await sqliteSubjects(folder)),
  ].slice(options.from);
  const rows: CutsOf[] = [];
  for (const subject of subjects) {
    rows.push(await cutSubject(subject, { cuts: options.cuts, random, folder, verdict }));
    console.log(lineOf(rows.at(-1)));
  }
  console.log(`\n${TABLE}\n${rows.map(lineOf).join('\n')}\n`);
  const caught = await mutate(subjects, { times: options.mutations, random });
  console.log('| Change | tried | caught |\n|---|---:|---:|');
  for (const [kind, one] of Object.entries(caught)) {
    verdict.check(`${kind}: all are caught`, one.caught === one.tried, one);
    console.log(`| ${kind} | ${one.tried} | ${one.caught} |`);
  }
} finally {
  await Promise.all([postgres.stop(), mariadb.stop()]);
  await rm(folder, { recursive: true, force: true });
}
console.log(`${verdict.passed} passed, ${verdict.failed} failed`);
process.exitCode = verdict.failed === 0 ? 0 : 1;

function lineOf(row: CutsOf | undefined): string {
  if (row === undefined) return '';
  const { subject, tried, asBefore, stockTried, stockStatusZero, stockLied, stockLeftTables, stockEndless } =
    row;
  return `| ${subject.name} | ${asBefore} of ${tried} | \`${subject.stock}\` | ${stockStatusZero} of ${stockTried} | ${stockEndless} | ${stockLeftTables} | ${stockLied} |`;
}
