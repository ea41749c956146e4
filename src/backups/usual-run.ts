import { sql } from 'kysely';
import * as z from 'zod';
import type { BackupStep, Db } from '../db/schema.ts';
import { medianOfEnough } from './day-tallies.ts';
import { endedAfterMs } from './ended-after.ts';
import type { StepBegun } from './progress.ts';

/** Good backups that are looked at. */
const LOOKED_AT = 10;
const STEPS: readonly BackupStep[] = ['connect', 'dump', 'upload', 'verify'];

/** How it usually goes with a database: medians of its last good backups, of what enough of them tell. */
export interface UsualRun {
  /** When it ends, after its beginning; null where too few tell. */
  readonly endAfterMs: number | null;
  /** When its steps begin, as far as enough tell. */
  readonly steps: readonly StepBegun[];
  /** How fast one was last read in full; null where none was. */
  readonly readBytesPerSecond: number | null;
}

/** By the last rows of an index, without the backup that is to be compared with them. */
export async function usualRun(db: Db, databaseId: string, except: string): Promise<UsualRun> {
  const rows = await db
    .selectFrom('backups')
    .leftJoin('runs', 'runs.id', 'backups.id')
    .select(['backups.id', 'backups.size', 'backups.duration', 'runs.detail'])
    .select(['backups.started_at', 'backups.completed_at'])
    .where('backups.database_id', '=', databaseId)
    // A literal, as in the index: a parameter could be any status.
    .where('backups.status', '=', sql.lit('completed'))
    .where('backups.deleted_at', 'is', null)
    .orderBy('backups.created_at', 'desc')
    .orderBy('backups.id', 'desc')
    .limit(LOOKED_AT + 1)
    .execute();
  const others = rows.filter(({ id }) => id !== except).slice(0, LOOKED_AT);
  const told = others.map((row) => ({ row, steps: stepsIn(row.detail) }));
  const begun = told.flatMap(({ steps }) => steps);
  return {
    endAfterMs: medianOfEnough(told.flatMap(({ row, steps }) => endedAfterMs(row, steps) ?? [])),
    steps: STEPS.flatMap((step) => {
      const afterMs = medianOfEnough(begun.flatMap((one) => (one.step === step ? [one.afterMs] : [])));
      return afterMs === null ? [] : [{ step, afterMs }];
    }),
    readBytesPerSecond: await readingSpeed(db, rows),
  };
}

async function readingSpeed(
  db: Db,
  backups: readonly { readonly id: string; readonly size: number }[],
): Promise<number | null> {
  if (backups.length === 0) return null;
  const runs = await db
    .selectFrom('runs')
    .select(['subject_id', 'started_at', 'ended_at'])
    .where(
      'subject_id',
      'in',
      backups.map(({ id }) => id),
    )
    .where('kind', '=', 'verification')
    .where('state', '=', 'completed')
    .execute();
  // A few each: no index has them by their end.
  const [read] = runs.toSorted((a, b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? 1 : -1));
  const bytes = Number(backups.find(({ id }) => id === read?.subject_id)?.size ?? 0);
  const ms = Date.parse(read?.ended_at ?? '') - Date.parse(read?.started_at ?? '');
  return bytes > 0 && ms > 0 ? (bytes / ms) * 1000 : null;
}

const detail = z.object({
  steps: z
    .array(
      z.object({ step: z.enum(['connect', 'dump', 'upload', 'verify']), afterMs: z.number().nonnegative() }),
    )
    .default([]),
});

/** When the steps began, as the `detail` of a run keeps it; nothing of what no version of ours has written. */
export function stepsIn(text: string | null): readonly StepBegun[] {
  if (text === null) return [];
  const parsed = detail.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data.steps : [];
}
