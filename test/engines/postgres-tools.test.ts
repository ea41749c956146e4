import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FIND_PG_DUMP } from '../../src/engines/postgres/tools.ts';
import { runInShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'pg-tools-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Programs that only say their version, as a host with several major versions has them. */
function install(path: string, version: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho 'pg_dump (PostgreSQL) ${version}'\n`);
  chmodSync(path, 0o755);
}
install(join(folder, 'lib/9.6/bin/pg_dump'), '9.6.24');
install(join(folder, 'lib/13/bin/pg_dump'), '13.22 (Debian 13.22-1)');
install(join(folder, 'lib/15/bin/pg_dump'), '15.18');
install(join(folder, 'lib/17/bin/pg_dump'), '17beta1');
install(join(folder, 'path/pg_dump'), '15.18');

async function found(serverMajor: number, shell: readonly string[]): Promise<string> {
  const script = `${FIND_PG_DUMP.replaceAll('/usr/lib/postgresql', join(folder, 'lib'))}
find_pg_dump ${serverMajor} || exit
echo "$chosen $pg_dump"`;
  const { stdout } = await runInShell(
    { script },
    { shell, env: { PATH: `${join(folder, 'path')}:/usr/bin:/bin` } },
  );
  return stdout.toString().trim().replace(folder, '');
}

describe.each([['dash'], ['bash'], ['busybox sh']])('in %s, pg_dump', (shell) => {
  it.each([
    [0, '17 /lib/17/bin/pg_dump'],
    [1, '9 /lib/9.6/bin/pg_dump'],
    [9, '9 /lib/9.6/bin/pg_dump'],
    [12, '13 /lib/13/bin/pg_dump'],
    [13, '13 /lib/13/bin/pg_dump'],
    [14, '15 /lib/15/bin/pg_dump'],
    [16, '17 /lib/17/bin/pg_dump'],
    [18, '17 /lib/17/bin/pg_dump'],
  ])('for a server of major version %i is %s', async (server, expected) => {
    expect(await found(server, shell.split(' '))).toBe(expected);
  });
});
