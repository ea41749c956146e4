import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { openTestApp } from '../support/app.ts';

/** An installation of the version before runs had a table: pending, running, uncertain, deleted backups and others. */
const BEFORE = new URL('./before-0008.sqlite.gz', import.meta.url);
const MIGRATE_AND_DIE = fileURLToPath(new URL('./migrate-and-die.ts', import.meta.url));
const MOVED = ['step', 'progress', 'claimed_by', 'lease_until', 'cancel_requested_at'] as const;

type Row = Readonly<Record<string, unknown>>;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upgrade-'));
  file = join(folder, 'bridgeport.sqlite');
  writeFileSync(file, gunzipSync(readFileSync(BEFORE)));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function rowsOf(db: Db, table: string): Promise<readonly Row[]> {
  return (await sql.raw<Row>(`select * from ${table} order by 1, 2, 3`).execute(db)).rows;
}

async function everything(db: Db): Promise<Readonly<Record<string, readonly Row[]>>> {
  const tables = (await db.introspection.getTables()).map(({ name }) => name).sort();
  return Object.fromEntries(await Promise.all(tables.map(async (name) => [name, await rowsOf(db, name)])));
}

async function read<T>(action: (db: Db) => Promise<T>): Promise<T> {
  const db = openDatabase(file);
  try {
    return await action(db);
  } finally {
    await db.destroy();
  }
}

/** Later migrations have tests of their own. */
const upTo8 = Object.fromEntries(Object.entries(migrations).filter(([name]) => name <= '0008_runs'));
const upgrade = () => read((db) => migrate(db, { file: null, now: () => new Date(), migrations: upTo8 }));

function without(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name)));
}

/** Every row of before is there, whole, with what moved in the run that has the backup's id. */
async function expectAllFound(before: Readonly<Record<string, readonly Row[]>>): Promise<void> {
  const after = await read(everything);
  for (const [table, rows] of Object.entries(before)) {
    const kept = table === 'backups' ? rows.map((row) => without(row, MOVED)) : rows;
    expect([table, after[table]]).toEqual([table, kept]);
  }
  const runs = new Map(after['runs']?.map((run) => [run['id'], run as unknown as RunRow]));
  const backups = before['backups'] ?? [];
  expect(runs.size).toBe(backups.length);
  for (const backup of backups) {
    const run = runs.get(String(backup['id']));
    expect(run).toMatchObject(Object.fromEntries(MOVED.map((name) => [name, backup[name]])));
    const { status, outcome } = backup;
    const waiting = status === 'pending' ? 'pending' : 'running';
    expect(run).toMatchObject({
      ...{ kind: 'backup', subject_id: backup['id'], lane: `database:${backup['database_id']}` },
      state: outcome ?? waiting,
      ...{
        created_at: backup['created_at'],
        started_at: backup['started_at'],
        ended_at: backup['completed_at'],
      },
    });
  }
}

describe('the upgrade to runs', () => {
  it('keeps every row, and moves what is the run’s', async () => {
    const before = await read(everything);
    const outcomes = before['backups']?.map(({ status, outcome }) => `${status} ${outcome}`);
    expect([...new Set(outcomes)].sort()).toEqual([
      ...[
        'completed completed',
        'failed cancelled',
        'failed failed',
        'failed interrupted',
        'failed uncertain',
      ],
      ...['in_progress null', 'pending null'],
    ]);
    expect(before['backups']?.filter((backup) => backup['deleted_at'] !== null)).toHaveLength(2);
    expect(before['storage_probes']).toHaveLength(1);
    expect(before['leftovers']?.length).toBeGreaterThan(1);
    await upgrade();
    await expectAllFound(before);
  });

  it.each([1, 2, 5, 8, 17, 18])('killed after its statement %i, begins again', async (statement) => {
    const before = await read(everything);
    const died = spawnSync(process.execPath, [MIGRATE_AND_DIE, file, String(statement)], {
      encoding: 'utf8',
    });
    expect([died.signal, died.stderr]).toEqual(['SIGKILL', '']);
    expect(await read(everything)).toEqual(before);
    await upgrade();
    await expectAllFound(before);
  });

  it('leaves the same answers to who asks for backups', async () => {
    const db = openDatabase(file);
    await migrate(db, { file: null, now: () => new Date() });
    const app = await openTestApp({ db });
    try {
      const rows = await db
        .selectFrom('backups')
        .select(['id', 'status'])
        .where('deleted_at', 'is', null)
        .execute();
      for (const { id, status } of rows) {
        const { body } = await app.call('GET', `/api/backups/${id}`);
        expect(body.backup).toMatchObject({ id, status });
        if (status === 'completed') expect(body.backup).toMatchObject({ progress: 100, step: null });
        expect((await app.call('GET', `/api/runs/${id}`)).body.run.id).toBe(id);
      }
      const { body } = await app.call('GET', '/api/runs?limit=1000');
      expect([body.runs.length, body.more]).toEqual([rows.length, false]);
    } finally {
      await app.close();
    }
  });
});
