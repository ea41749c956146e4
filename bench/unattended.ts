import { join } from 'node:path';
import { migrate } from '../src/db/node/migrate.ts';
import { openDatabase } from '../src/db/node/open.ts';
import type { Db } from '../src/db/schema.ts';
import { write } from '../src/db/write.ts';
import { type PlannedBackup, plan, planInTurns } from '../src/retention/plan.ts';
import { previewRetention } from '../src/retention/retention-actions.ts';
import { listDue } from '../src/schedules/due.ts';
import { upcomingSlots } from '../src/schedules/upcoming.ts';
import { median } from './figures.ts';
import { newFolder } from './storage.ts';

/** What schedules and retention cost where there is much of both: milliseconds of CPU time, medians. */
export interface UnattendedFigures {
  readonly planMs: number;
  /** The longest piece of a plan that lets others have their turn. */
  readonly planBlockMs: number;
  readonly dueMs: number;
  readonly previewMs: number;
  readonly upcomingMs: number;
}

const PLANNED = 100_000;
const SCHEDULES = 10_000;
const DATABASES = 1_000;
const BACKUPS_EACH = 100;
const ROUNDS = 15;
const NOW = new Date('2026-02-25T10:00:30.000Z');
const HOUR_MS = 3_600_000;
const RULES = { keepLast: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3, minFloor: 2, maxTotalBytes: 1e15 };
const BOUNDS = { planMs: 200, planBlockMs: 50, dueMs: 20, previewMs: 30, upcomingMs: 30 } as const;

export async function benchUnattended(): Promise<UnattendedFigures> {
  const backups = manyBackups(PLANNED);
  const planMs = await cpuOf(async () => void plan(RULES, backups, NOW, 'Europe/Berlin'));
  const planBlockMs = await longestBlock(() => planInTurns(RULES, backups, NOW, 'Europe/Berlin'));
  const dueMs = await withDatabase(SCHEDULES, 0, (db) => cpuOf(() => listDue(db, NOW)));
  const context = (db: Db) => ({
    ...{ db, now: () => NOW },
    runs: { wake: () => undefined, cancel: () => false, progress: () => null },
  });
  const [previewMs, upcomingMs] = await withDatabase(DATABASES, BACKUPS_EACH, async (db) => [
    await cpuOf(() => previewRetention(context(db), 'd7', null)),
    await cpuOf(() => upcomingSlots({ db, now: () => NOW }, { hours: 24, environmentId: null, limit: 200 })),
  ]);
  return { planMs, planBlockMs, dueMs, previewMs: previewMs ?? 0, upcomingMs: upcomingMs ?? 0 };
}

/** What the figures say against what is wanted, a sentence each. */
export function missedUnattended(figures: UnattendedFigures): readonly string[] {
  const names = Object.keys(BOUNDS) as readonly (keyof typeof BOUNDS)[];
  return names
    .filter((name) => figures[name] > BOUNDS[name])
    .map((name) => `${name}: ${figures[name].toFixed(1)}, at most ${BOUNDS[name]} are wanted`);
}

function manyBackups(count: number): readonly PlannedBackup[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `b${index}`,
    createdAt: new Date(NOW.getTime() - index * HOUR_MS).toISOString(),
    size: 1_000_000,
    type: 'scheduled' as const,
    isPinned: index % 1000 === 0,
    isGood: index % 50 !== 0,
    retained: null,
    inUse: null,
  }));
}

/** The median over some rounds, after some that warm up. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let round = -5; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) took.push((user + system) / 1000);
  }
  return median(took);
}

/** CPU time between two turns of a timer, at the most, over some rounds; the median of these. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  const longest: number[] = [];
  for (let round = -5; round < ROUNDS; round += 1) {
    let [most, last, isOver] = [0, process.cpuUsage(), false];
    const look = () => {
      const { user, system } = process.cpuUsage(last);
      most = Math.max(most, (user + system) / 1000);
      last = process.cpuUsage();
      if (!isOver) setTimeout(look);
    };
    setTimeout(look);
    await work();
    isOver = true;
    if (round >= 0) longest.push(most);
  }
  return median(longest);
}

/** Each with a schedule of its own, a hundredth of them due. */
async function withDatabase<T>(
  databases: number,
  backupsEach: number,
  use: (db: Db) => Promise<T>,
): Promise<T> {
  const db = openDatabase(join(await newFolder(), 'unattended.sqlite'));
  try {
    await migrate(db, { file: null, now: () => NOW });
    await fill(db, databases, backupsEach);
    return await use(db);
  } finally {
    await db.destroy();
  }
}

async function fill(db: Db, databases: number, backupsEach: number): Promise<void> {
  const at = { created_at: '2025-01-01T00:00:00.000Z', updated_at: '2025-01-01T00:00:00.000Z' };
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York'];
  await write(db, async (trx) => {
    await trx
      .insertInto('environments')
      .values({ id: 'e', name: 'e', ssh_user: 'root', ...FLAGS, ...at })
      .execute();
    for (let index = 0; index < databases; index += 1) {
      const id = `d${index}`;
      const cron = `${index % 60} ${index % 24} * * *`;
      await trx
        .insertInto('databases')
        .values({ id, environment_id: 'e', name: `database ${index}`, ...DATABASE, ...at })
        .execute();
      await trx
        .insertInto('schedules')
        .values({ id: `s${index}`, database_id: id, cron_expression: cron, ...SCHEDULE, ...at })
        .execute();
      const due = new Date(NOW.getTime() + ((index % 100) - 0.5) * 60_000).toISOString();
      await trx
        .insertInto('database_schedules')
        .values({
          ...{ database_id: id, schedule_id: `s${index}`, settled_as: '', interval_minutes: 1440 },
          ...{ time_zone: zones[index % 3] ?? 'UTC', is_paused: 0, due_at: due, run_at: due },
          anchored_at: NOW.toISOString(),
        })
        .execute();
      for (let backup = 0; backup < backupsEach; backup += 1) {
        const createdAt = new Date(NOW.getTime() - backup * 6 * HOUR_MS).toISOString();
        await trx
          .insertInto('backups')
          .values({ id: `${id}-${backup}`, database_id: id, created_at: createdAt, ...BACKUP })
          .execute();
      }
    }
  });
}

const FLAGS = {
  allow_backup_download: 0,
  default_monitoring_enabled: 0,
  default_collection_interval_sec: 300,
} as const;
const DATABASE = {
  type: 'sqlite',
  options: '{}',
  backup_storage_type: 'spaces',
  pg_dump_timeout_ms: 300_000,
  max_backup_age_hours: 26,
  monitoring_enabled: 0,
  collection_interval_sec: 300,
} as const;
const SCHEDULE = { retention_days: 7, enabled: 1, jitter_minutes: 0, retries: 0, retry_minutes: 10 } as const;
const BACKUP = {
  filename: 'x.dump',
  size: 1_000_000,
  type: 'scheduled',
  status: 'completed',
  outcome: 'completed',
  storage_type: 'spaces',
  storage_path: 'x.dump',
  bytes_read: 0,
  bytes_stored: 1_000_000,
  is_pinned: 0,
  token: 'x',
  verification: 'stored',
} as const;
