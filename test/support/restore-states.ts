import type { DatabaseRow, Db, RestoreRow, RunRow } from '../../src/db/schema.ts';
import { databaseLane } from '../../src/runs/lanes.ts';
import { restoreRow } from './restore-row.ts';

const ODD = `neu_"ü" <b> 🐘`;
const COUNTS = [
  { schema: 'public', name: `orders "ü" <b> ${'w'.repeat(50)}`, expected: 12_345, rows: 12_345 },
  { schema: 'öffentlich', name: 'users', expected: null, rows: 2 },
];
const FEWER = [
  { schema: 'public', name: 'users', expected: 3, rows: 2 },
  { schema: 'public', name: 'only in the dump', expected: 3, rows: null },
];
const CHECKS = [
  { name: 'Version', ok: true, says: 'PostgreSQL 16.4, as the dump.' },
  { name: 'Room', ok: false, says: '1 GiB is free; the database had 3.1 GiB.' },
];
const FAILED = {
  message: `It could not be loaded. “${ODD}” is there and could not be removed.`,
  why: 'It could not be loaded.',
  step: 'load',
  stderr: 'pg_restore: error: could not execute query: ERROR: extension "postgis" is not available\n'.repeat(
    3,
  ),
};

/** What the page of a restore has to tell apart, by the word that its id is. */
const STATES: Readonly<
  Record<string, { readonly row: Partial<RestoreRow>; readonly run: Partial<RunRow> & Pick<RunRow, 'state'> }>
> = {
  waiting: { row: {}, run: { state: 'pending' } },
  loading: {
    row: { state: 'loading', checks: JSON.stringify(CHECKS) },
    run: { state: 'running', step: 'load', detail: JSON.stringify({ bytes: 25_000_000, total: 80_000_000 }) },
  },
  done: {
    row: {
      ...{ state: 'done', load_options: JSON.stringify({ made: '4711' }), loaded_ms: 61_000 },
      ...{ counts: JSON.stringify(COUNTS), checks: JSON.stringify(CHECKS) },
    },
    run: { state: 'completed' },
  },
  'by-hand': { row: { state: 'done', engine: 'mysql', new_name: 'by_hand' }, run: { state: 'completed' } },
  left: {
    row: {
      ...{ state: 'left', removal_tries: 3, removal_error: 'Connection refused' },
      counts: JSON.stringify(FEWER),
    },
    run: { state: 'failed', error: JSON.stringify(FAILED) },
  },
  cleaned: { row: { state: 'removed' }, run: { state: 'failed', error: JSON.stringify(FAILED) } },
  cancelled: {
    row: {},
    run: { state: 'cancelled', error: JSON.stringify({ message: 'It was cancelled.' }) },
  },
  uncertain: { row: { state: 'making' }, run: { state: 'uncertain' } },
  kept: {
    row: {
      ...{ state: 'done', in_place: 1, counts: JSON.stringify(COUNTS), replaced_id: '16384' },
      ...{ kept_name: `shop "ü" <b>_before_${'9'.repeat(14)}`, kept_state: 'kept' },
    },
    run: { state: 'completed' },
  },
};

/** Restores of that backup in each of those states, none of which anybody works on. Gives their ids, such as `state-left`. */
export async function addRestores(
  db: Db,
  database: Pick<DatabaseRow, 'id' | 'environment_id' | 'server_id' | 'host' | 'port' | 'database_name'>,
  backupId: string,
): Promise<readonly string[]> {
  const at = new Date().toISOString();
  for (const [word, { row, run }] of Object.entries(STATES)) {
    const id = `state-${word}`;
    const isOver = !['pending', 'running', 'uncertain'].includes(run.state);
    await db
      .insertInto('runs')
      .values({
        ...{ id, kind: 'restore', subject_id: backupId, lane: databaseLane(database.id), server_id: null },
        ...{ progress: 40, attempts: 1, in_repair: 0, created_at: at, ended_at: isOver ? at : null },
        ...(run.state === 'pending' ? {} : { started_at: at }),
        ...(run.state === 'running' || run.state === 'uncertain' ? leaseFrom(at) : {}),
        ...run,
      })
      .execute();
    const { environment_id, server_id, host, port, database_name } = database;
    await db
      .insertInto('restores')
      .values(
        restoreRow({
          ...{ id, backup_id: backupId, database_id: database.id, environment_id, server_id, host, port },
          ...{ database_name, new_name: ODD, created_at: at, ended_at: isOver ? at : null },
          ...row,
        }),
      )
      .execute();
  }
  return Object.keys(STATES).map((word) => `state-${word}`);
}

const leaseFrom = (at: string) => ({
  claimed_by: 'another process',
  lease_until: new Date(Date.parse(at) + 3_600_000).toISOString(),
});
