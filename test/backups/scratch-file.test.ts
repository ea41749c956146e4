import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackupRunContext } from '../../src/backups/context.ts';
import { withScratchFile } from '../../src/backups/scratch-file.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLog } from '../../src/log.ts';
import type { OpenedServer } from '../../src/servers/server-access.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

let folder: string;
let db: Db;
let backup: BackupRow;
const now = () => new Date('2026-11-29T10:00:00.000Z');
const log = createLog('error', () => {}, now);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scratch ü + '));
  db = await openTestDatabase();
  backup = await insertBackup(db, now(), { status: 'in_progress', outcome: null });
});
afterEach(async () => {
  await db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const rows = () => db.selectFrom('leftovers').select(['kind', 'endpoint', 'key', 'backup_id']).execute();

function run<T>(use: (scratch: string) => Promise<T>, checkPath = async (_path: string) => {}) {
  const file = join(folder, 'app.db');
  const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
  const options = sqlite.options.parse({ filePath: file, backupFormat: 'binary' });
  const source: OpenedServer = {
    host: openLocalHost({ label: 'this machine', log }),
    checkPath,
    address: null,
    pinnedFingerprint: () => null,
  };
  // The parts of the services that it uses.
  const services = { db, log, now } as BackupRunContext;
  const dump = sqlite.dump({ ...nothing, options });
  return withScratchFile(services, source, { backup, database: { server_id: null }, dump, file }, (planned) =>
    use(/^scratch='([^']+)'\n/.exec(planned.command.script)?.[1] ?? ''),
  );
}

it('records the file before the command that makes it runs, and strikes it off when that ended well', async () => {
  const answer = await run(async (scratch) => {
    expect(dirname(dirname(scratch))).toBe(folder);
    expect(await rows()).toEqual([
      { kind: 'file', endpoint: 'host:local', key: scratch, backup_id: backup.id },
    ]);
    return 'stored';
  });
  expect(answer).toBe('stored');
  expect(await rows()).toEqual([]);
});

it('removes what a failed run left, and strikes it off', async () => {
  let left = '';
  const running = run(async (scratch) => {
    left = scratch;
    mkdirSync(dirname(scratch));
    for (const end of ['', '-journal', '-wal', '-shm']) writeFileSync(scratch + end, 'x');
    throw new Error('the storage said no');
  });
  await expect(running).rejects.toThrow('the storage said no');
  expect(existsSync(dirname(left))).toBe(false);
  expect(await rows()).toEqual([]);
});

it('keeps the record of what can not be removed', async () => {
  const running = run(async (scratch) => {
    mkdirSync(dirname(scratch));
    writeFileSync(join(dirname(scratch), 'of somebody else'), 'x');
    throw new Error('the storage said no');
  });
  await expect(running).rejects.toThrow('the storage said no');
  expect(await rows()).toHaveLength(1);
});

it('makes none where it may not be', async () => {
  const refused = run(
    async () => 'stored',
    async () => {
      throw new Error('not there');
    },
  );
  await expect(refused).rejects.toThrow('not there');
  expect(await rows()).toEqual([]);
});
