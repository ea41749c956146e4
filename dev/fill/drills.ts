import type { Insertable } from 'kysely';
import type { User } from '../../src/auth/users.ts';
import type {
  BackupRow,
  DatabaseRow,
  DrillFailure,
  DrillRow,
  RestoreRow,
  RunRow,
} from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { NOTHING_REPLACED } from '../../src/restores/in-place.ts';
import { databaseLane, drillLane } from '../../src/runs/lanes.ts';
import type { Services } from '../../src/services-port.ts';
import { inParts } from './in-parts.ts';

const DAY_MS = 86_400_000;
/** Of all completed backups: each tenth was restored in a drill, and one of four hundred by somebody who needed it. */
const DRILLED = 10;
const RESTORED = 400;

type Drill = Insertable<DrillRow>;
type Restore = Insertable<RestoreRow>;
type Backup = Pick<BackupRow, 'id' | 'database_id' | 'created_at' | 'size'>;

interface Made {
  /** How many restores people asked for. */
  asked: number;
  readonly drills: Drill[];
  readonly restores: Restore[];
  readonly runs: Insertable<RunRow>[];
}

/**
 * Drills of the completed backups, most of them proven, some failed, a few skipped; restores that people asked for, into something new
 * and in place; what the drills said of each database.
 */
export async function fillDrills(
  { db, now }: Services,
  fill: { readonly databases: readonly DatabaseRow[]; readonly admin: User; readonly random: () => number },
): Promise<void> {
  const { databases, admin, random } = fill;
  const byId = new Map(databases.map((database) => [database.id, database]));
  const backups = await db
    .selectFrom('backups')
    .select(['id', 'database_id', 'created_at', 'size'])
    .where('status', '=', 'completed')
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const made: Made = { asked: 0, drills: [], restores: [], runs: [] };
  for (const [number, backup] of backups.entries()) {
    const database = byId.get(backup.database_id);
    if (database === undefined) continue;
    const at = new Date(Math.min(Date.parse(backup.created_at) + random() * DAY_MS, now().getTime() - 1));
    if (number % DRILLED === 3) addDrill(made, { backup, database, at, random });
    if (number % RESTORED === 1) addRestore(made, { backup, database, at, random, admin });
  }
  await write(db, async (trx) => {
    for (const rows of inParts(made.runs)) await trx.insertInto('runs').values(rows).execute();
    for (const rows of inParts(made.restores)) await trx.insertInto('restores').values(rows).execute();
    for (const rows of inParts(made.drills)) await trx.insertInto('drills').values(rows).execute();
    for (const rows of inParts(statesOf(made.drills))) {
      await trx.insertInto('drill_states').values(rows).execute();
    }
    await trx
      .updateTable('backups')
      .from('drills')
      .set((eb) => ({
        verification: 'drill',
        verified_at: eb.ref('drills.ended_at'),
        restored_proven_at: eb.ref('drills.ended_at'),
        restored_ms: eb.ref('drills.restore_ms'),
      }))
      .whereRef('drills.backup_id', '=', 'backups.id')
      .where('drills.outcome', '=', 'proven')
      .execute();
  });
}

interface Wish {
  readonly backup: Backup;
  readonly database: DatabaseRow;
  readonly at: Date;
  readonly random: () => number;
}

/** Of a hundred: 90 proven, 4 failed, 2 cancelled, 4 skipped, which have no run. */
function addDrill(made: Made, { backup, database, at, random }: Wish): void {
  const chance = random();
  const id = newId();
  const times = timesOf(at, random);
  const isSkipped = chance >= 0.96;
  const drill: Drill = {
    ...{ id, database_id: database.id, backup_id: isSkipped ? null : backup.id, due_at: times.created_at },
    ...{ outcome: 'proven', failure: null, says: null, restore_ms: times.ms, bytes: backup.size * 3 },
    ...{ created_at: times.created_at, ended_at: times.ended_at },
  };
  const noResult = { restore_ms: null, bytes: null };
  if (isSkipped) {
    const says = 'Its server has a blackout from 22:00 to 06:00: nothing is begun there by schedule.';
    made.drills.push({ ...drill, ...noResult, outcome: 'skipped', says });
    return;
  }
  const restore = restoreOf({ id, backup, database, times });
  if (chance < 0.9) made.drills.push(drill);
  else if (chance < 0.94) made.drills.push({ ...drill, ...noResult, ...failed(random) });
  else made.drills.push({ ...drill, ...noResult, outcome: 'cancelled' });
  const isProven = chance < 0.9;
  made.restores.push({ ...restore, is_drill: 1, state: 'removed', checks: CHECKS, counts: COUNTS });
  const state = isProven ? 'completed' : chance < 0.94 ? 'failed' : 'cancelled';
  const of = { id, backup, database, times, state } as const;
  made.runs.push({ ...runOf(of), kind: 'drill', lane: drillLane(database.id), is_background: 1 });
}

function failed(random: () => number): Partial<Drill> {
  const failure = (['extension', 'role', 'version', 'other'] as const satisfies readonly DrillFailure[])[
    Math.floor(random() * 4)
  ];
  const says = 'pg_restore: error: could not execute query: ERROR: extension "postgis" is not available';
  return { outcome: 'failed', failure: failure ?? 'other', says };
}

/** Of ten: seven made something new, two took the place of what was there, which one of them keeps, one left what it had made. */
function addRestore(
  made: Made,
  { backup, database, at, random, admin }: Wish & { readonly admin: User },
): void {
  const kind = made.asked % 10;
  made.asked += 1;
  const id = newId();
  const times = timesOf(at, random);
  const restore = { ...restoreOf({ id, backup, database, times }), asked_by_id: admin.id, checks: CHECKS };
  const isLeft = kind === 1;
  if (isLeft) {
    const error = 'ssh: connect to host 127.10.0.1 port 9: Connection refused';
    made.restores.push({ ...restore, state: 'left', removal_tries: 3, removal_error: error, counts: null });
  } else if (kind === 2 || kind === 3) {
    const isDropped = kind === 3;
    made.restores.push({
      ...{ ...restore, state: 'done', counts: COUNTS, in_place: 1, new_name: database.name },
      ...{ kept_name: `${database.name}_before`, replaced_id: '16384' },
      ...{ kept_state: isDropped ? 'dropped' : 'kept', kept_dropped_at: isDropped ? times.ended_at : null },
    });
  } else {
    made.restores.push({ ...restore, state: 'done', counts: COUNTS });
  }
  const state = isLeft ? 'failed' : 'completed';
  made.runs.push({
    ...runOf({ id, backup, database, times, state }),
    ...{ kind: 'restore', lane: databaseLane(database.id), is_background: null },
  });
}

function timesOf(at: Date, random: () => number) {
  const ms = 2000 + Math.floor(random() ** 4 * 3_600_000);
  return { created_at: at.toISOString(), ended_at: new Date(at.getTime() + ms).toISOString(), ms };
}

interface Restored {
  readonly id: string;
  readonly backup: Backup;
  readonly database: DatabaseRow;
  readonly times: ReturnType<typeof timesOf>;
}

/** Every row of a statement has the same columns. */
function restoreOf({ id, backup, database, times }: Restored): Restore {
  const { host, port, database_name, options, environment_id, server_id, type: engine } = database;
  return {
    ...NOTHING_REPLACED,
    ...{ id, backup_id: backup.id, database_id: database.id, environment_id, server_id, engine },
    ...{ host, port, database_name, options, new_name: `${database_name ?? 'app'}_drill`, is_name_ours: 1 },
    ...{ load_options: null, is_drill: null, token: newId(), credentials: null, loaded_ms: times.ms },
    ...{ removal_tries: 0, removal_error: null, asked_by_id: null },
    ...{ state: 'done', created_at: times.created_at, ended_at: times.ended_at },
  };
}

function runOf({
  id,
  backup,
  database,
  times,
  state,
}: Restored & { readonly state: 'completed' | 'failed' | 'cancelled' }): Omit<
  Insertable<RunRow>,
  'kind' | 'lane'
> {
  const error =
    state === 'failed' ? JSON.stringify({ message: 'It could not be loaded.', step: 'load' }) : null;
  return {
    ...{ id, subject_id: backup.id, server_id: database.server_id, state, input: null, step: 'finish' },
    ...{ progress: state === 'completed' ? 100 : 60, detail: null, error, attempts: 1, in_repair: 0 },
    ...{ created_at: times.created_at, started_at: times.created_at, ended_at: times.ended_at },
    ...{ cancel_requested_at: null, claimed_by: null, lease_until: null },
  };
}

const CHECKS = JSON.stringify([
  { name: 'Version', ok: true, says: 'PostgreSQL 16.4, as the dump.' },
  { name: 'Room', ok: true, says: '812 GiB are free; the database had 3.1 GiB.' },
]);
const COUNTS = JSON.stringify(
  Array.from({ length: 12 }, (_, number) => ({
    schema: 'public',
    name: `table_${number}`,
    expected: number * 1000,
    rows: number * 1000,
  })),
);

/** What the newest drill of each database left known. */
function statesOf(drills: readonly Drill[]) {
  const of = Map.groupBy(drills, (drill) => drill.database_id);
  return [...of].map(([database_id, all]) => {
    const proven = all.findLast(({ outcome }) => outcome === 'proven');
    const last = all.findLast(({ outcome }) => outcome === 'proven' || outcome === 'failed');
    const failure = last?.outcome === 'failed' ? last : undefined;
    return {
      ...{ database_id, settled_as: null, due_at: null, run_at: null },
      ...{ proven_at: proven?.ended_at ?? null, proven_backup_id: proven?.backup_id ?? null },
      ...{ restore_ms: proven?.restore_ms ?? null, bytes: proven?.bytes ?? null },
      ...{ failed_at: failure?.ended_at ?? null, failed_drill_id: failure?.id ?? null },
      ...{ failure: failure?.failure ?? null, says: failure?.says ?? null },
    };
  });
}
