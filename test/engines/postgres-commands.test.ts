import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { load, runOn } from './restoring.ts';

const folder = mkdtempSync(join(tmpdir(), 'commands-'));
const canary = join(folder, 'canary');
let server: TestPostgres;

beforeAll(async () => {
  server = await sharedPostgres();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function plan() {
  return restorePostgres({
    ...{ host: '127.0.0.1', port: server.port, databaseName: null, ...server.superuser },
    ...{
      options: postgres.options.parse({}),
      newName: ownName('new'),
      token: ownName('c').replaceAll(/\W/g, ''),
    },
    ...{ format: 'plain', serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
  });
}

/** psql reads each byte as its encoding has it, which a dump may change by any expression: 0x83 hides the quote behind it then. */
const HIDDEN = Buffer.from(
  `SELECT set_config('client_' || 'encoding', 'SJIS', false);\nCREATE VIEW v AS SELECT '\x83' || '\n\\! touch ${canary}\n';\n`,
  'latin1',
);

it.each([
  ['alone', HIDDEN],
  ['behind a pair of its own', Buffer.concat([Buffer.from('\\restrict abc\n\\unrestrict abc\n'), HIDDEN])],
])('a command that only psql sees as one does not run: %s', async (_, dump) => {
  await expect(load(plan(), dump)).rejects.toThrow();
  expect(existsSync(canary)).toBe(false);
});

it('a dump with the pair that pg_dump writes is restored', async () => {
  const made = plan();
  await load(made, Buffer.from('\\restrict abc\nCREATE TABLE "ü" (a int);\n\\unrestrict abc\n'));
  const counted = made.count.read(await runOn(made, made.count.command));
  expect(counted.map(({ name }) => name)).toEqual(['ü']);
  await runOn(made, made.remove);
});
