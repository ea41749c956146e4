import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import type { EngineTarget } from '../../src/engines/engine.ts';
import { main } from '../../src/engines/sqlite/node/dump.ts';
import type { SqliteOptions } from '../../src/engines/sqlite/options.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { quote } from '../../src/hosts/quote.ts';
import { buildSqliteDump } from '../support/sqlite-dump.ts';
import { runInShell, type ShellOptions } from './shell.ts';
import { hostileFiles } from './sqlite-hostile-files.ts';

/** Whoever may write to an SQLite file must not get commands run by looking at it or backing it up, nor files read. */

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'a-secret-of-the-host';
const place = {
  canary: join(folder, 'canary'),
  secretFile: join(folder, 'secret'),
  secretArchive: join(folder, 'secret.zip'),
};
writeFileSync(place.secretFile, SECRET);
execFileSync('sqlite3', [
  ':memory:',
  `SELECT writefile('${place.secretArchive}', (SELECT zipfile('name', '${SECRET}')))`,
]);

const dump = await buildSqliteDump('hostile');
afterAll(() => dump.remove());

const PROGRAMS = [
  ...['sh', 'head', 'tail', 'tr', 'wc', 'touch', 'grep'],
  ...['cat', 'df', 'id', 'ls', 'mkdir', 'rm', 'rmdir'],
];

/** A machine with this sqlite3 script, or none. */
function machine(name: string, sqlite3?: string): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const program of PROGRAMS) symlinkSync(`/usr/bin/${program}`, join(bin, program));
  if (sqlite3 !== undefined) {
    writeFileSync(join(bin, 'sqlite3'), sqlite3);
    chmodSync(join(bin, 'sqlite3'), 0o755);
  }
  return bin;
}

/** Knows neither -safe (3.37) nor trusted_schema (3.31), which SQLite then takes in silence. */
const OLD = `#!/bin/sh
case " $* " in *' -safe '*) echo 'sqlite3: Error: unknown option: -safe' >&2; exit 1 ;; esac
for word; do
  shift
  case $word in *trusted_schema*) word='SELECT 1 WHERE 0' ;; esac
  set -- "$@" "$word"
done
exec /usr/bin/sqlite3 "$@"
`;

const machines: readonly [string, ShellOptions][] = [
  ['sqlite3', {}],
  ['an old sqlite3', { shell: ['/bin/sh'], env: { PATH: machine('old', OLD) } }],
];
const ours: ShellOptions = {
  shell: ['/bin/sh'],
  env: { PATH: machine('bare'), BRIDGEPORT_SQLITE_DUMP: dump.command },
};

function target(filePath: string, backupFormat: 'plain' | 'binary'): EngineTarget<SqliteOptions> {
  const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
  return { ...nothing, options: sqlite.options.parse({ filePath, backupFormat }) };
}

let copies = 0;
const newFolder = () => join(folder, `.bridgeport-${++copies}`);

/** Our own command in this process; it is the same function that the program calls. */
async function runOurs(args: readonly string[]) {
  const out = new PassThrough();
  const printed = buffer(out);
  const stderr = await main(args, out).then(() => '', String);
  out.end();
  return { machine: `our own command ${args[0]}`, stdout: await printed, stderr };
}

describe.each(Object.entries(hostileFiles(place)))('%s', (name, fill) => {
  const path = join(folder, `${name.replaceAll(/\W/g, '-')}.db`);
  const db = new Database(path);
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
  fill(db);
  db.close();

  it('gets nothing done', async () => {
    rmSync(place.canary, { force: true });
    const plain = target(path, 'plain');
    const binary = target(path, 'binary');
    const commands = [sqlite.look(plain), sqlite.dump(plain), sqlite.dump(binary)].map(
      (plan) => plan.command,
    );
    const runs = machines.flatMap(([machine, options]) =>
      commands.map(async ({ script }) => {
        const scratch = join(newFolder(), 'scratch-copy');
        const command = { script: `scratch=${quote(scratch)}\n${script}` };
        return { machine, ...(await runInShell(command, options)) };
      }),
    );
    const probed = runInShell(sqlite.look(plain).command, ours).then((ended) => ({
      machine: 'our own command',
      ...ended,
    }));
    // What else it does with a file is done here, without a process each time.
    const here = [[path], ['--size', path], ['--copy', path, newFolder()]].map(runOurs);
    for (const { machine, stdout, stderr } of await Promise.all([...runs, probed, ...here])) {
      expect(`${stdout}${stderr}`, machine).not.toMatch(/cannot open shared object|invalid ELF/);
      for (const form of [SECRET, Buffer.from(SECRET).toString('hex')]) {
        expect(`${stdout}${stderr}`, machine).not.toContain(form);
      }
    }
    expect(existsSync(place.canary)).toBe(false);
  });
});
