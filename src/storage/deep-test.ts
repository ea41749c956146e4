import { sql } from 'kysely';
import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, RunRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { newId } from '../ids.ts';
import { providerOf } from '../object-stores/providers.ts';
import { askToCancel, cancelWaiting, insertRun } from '../runs/claim.ts';
import { STORAGE_LANE } from '../runs/lanes.ts';
import type { Runs } from '../runs/runs.ts';
import { type DeepTestInput, FIRST_STEP } from './deep-test-kind.ts';
import { type DeepTestCause, deepTestOfRun, lastDeepTest, type StoredDeepTest } from './deep-test-results.ts';
import { auditedStorage, storageRow } from './storage.ts';

/** How far the deep test that runs now is. */
export interface DeepTestProgress {
  readonly startedAt: string;
  readonly bucket: string | null;
  /** What it does now, such as `storing an object`. */
  readonly step: string;
  readonly done: number;
  /** 0 while the buckets are not known. */
  readonly steps: number;
}

interface DeepTestContext extends Context {
  readonly runs: Runs;
}

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const LOOK_AGAIN_MS = 100;

/**
 * Asks for a deep test of the storage, which the worker runs; gives the id of its run. Throws `conflict` while one runs or
 * waits, `invalid` while nothing is configured.
 */
export async function askDeepTest(context: DeepTestContext, cause: DeepTestCause): Promise<string> {
  const id = await insert(context, cause, { beside: false });
  if (id !== null) return id;
  throw new AppError('conflict', 'A deep test is running already. Wait for its result, then start another.');
}

/**
 * The result of a deep test that was asked for, when it is there; null once the signal is aborted, while it goes on. Throws
 * what ended it without one.
 */
export async function deepTestResult(
  db: Db,
  runId: string,
  signal: AbortSignal,
): Promise<StoredDeepTest | null> {
  while (!signal.aborted) {
    const run = await db
      .selectFrom('runs')
      .select(['state', 'error'])
      .where('id', '=', runId)
      .executeTakeFirst();
    if (run === undefined) throw new AppError('not_found', 'The deep test is not there any more.');
    if (run.state === 'completed') return deepTestOfRun(db, runId);
    if (run.state !== 'pending' && run.state !== 'running') throw errorOf(run);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return null;
}

const storedError = z.object({ message: z.string(), code: z.string() });

function errorOf({ error }: Pick<RunRow, 'error'>): AppError {
  const known = storedError.safeParse(JSON.parse(error ?? 'null'));
  if (!known.success) return new AppError('internal', 'The deep test ended without a result.');
  const { message, code } = known.data;
  // The code of an AppError, as `deep-test-kind.ts` wrote it.
  return new AppError(code as ErrorCode, message);
}

/** Ends a deep test that waits or runs. Throws `not_found`, `conflict` for one that is over. */
export async function cancelDeepTest(context: DeepTestContext, actor: Actor, runId: string): Promise<void> {
  const { db, now, runs } = context;
  const asked = await write(db, async (trx) => {
    const row = await trx
      .selectFrom('runs')
      .select('state')
      .where('id', '=', runId)
      .where('kind', '=', 'deep_test')
      .executeTakeFirst();
    if (row === undefined) throw new AppError('not_found', 'Run not found');
    const error = JSON.stringify({
      message: 'The deep test was cancelled before it began.',
      code: 'cancelled',
    });
    const isWaiting = await cancelWaiting(trx, runId, now(), error);
    if (!isWaiting && !(await askToCancel(trx, runId, now()))) {
      throw new AppError('conflict', `The deep test has ended already: it is ${row.state}.`);
    }
    const storage = await storageRow(trx);
    await recordAudit(trx, actor, auditedStorage('cancel_test', storage?.id ?? runId), now());
    return isWaiting ? 'waiting' : 'running';
  });
  if (asked === 'running') runs.cancel(runId);
}

/** Asks for one after a change of the settings, also while one runs; where nobody ever asked for a test, nothing. */
export async function deepTestAgain(context: DeepTestContext): Promise<void> {
  if ((await lastDeepTest(context.db)) !== null) await insert(context, 'credentials', { beside: true });
}

/**
 * Asks for the weekly test: a week after the last one of the same storage, and only where deleting at once what was just
 * stored costs nothing and object lock does not let it pile up. Gives the id of its run, or null where none is due.
 */
export async function deepTestIfDue(context: DeepTestContext): Promise<string | null> {
  const at = await weeklyTestAt(context);
  if (at === null || at > context.now()) return null;
  return insert(context, 'weekly', { beside: false });
}

/** When the weekly test is due; null where none will be. A last one from far ahead is of a clock that was set back since. */
export async function weeklyTestAt({ db, now }: Context): Promise<Date | null> {
  const [config, last] = [await storageRow(db), await lastDeepTest(db)];
  if (config === undefined || last === null) return null;
  if (last.endpoint !== config.endpoint || !isFreeToDelete(last)) return null;
  const finishedAt = Date.parse(last.finishedAt);
  const isAhead = finishedAt > now().getTime() + DAY_MS;
  return new Date(Math.max(isAhead ? now().getTime() : finishedAt + WEEK_MS, ...locksOf(last)));
}

/** Null where one waits already, and where one runs unless this one may wait beside it. */
async function insert(
  { db, now, runs }: DeepTestContext,
  cause: DeepTestCause,
  { beside }: { readonly beside: boolean },
): Promise<string | null> {
  const id = newId();
  const input: DeepTestInput = { cause };
  const isNew = await write(db, async (trx) => {
    if ((await storageRow(trx)) === undefined) throw new AppError('invalid', 'Spaces not configured');
    const running = await trx
      .selectFrom('runs')
      .select('id')
      .where('lane', '=', STORAGE_LANE)
      .where('state', '=', sql.lit('running'))
      .executeTakeFirst();
    if (running !== undefined && !beside) return false;
    const run = { id, kind: 'deep_test', subjectId: null, serverId: null, lane: STORAGE_LANE } as const;
    return insertRun(trx, { ...run, input: { ...input } }, now());
  });
  if (!isNew) return null;
  runs.wake();
  return id;
}

const detail = z.object({ bucket: z.string(), done: z.number(), steps: z.number() });

/** How far the test that runs or waits is; null where there is none. */
export async function runningDeepTest(db: Db): Promise<DeepTestProgress | null> {
  const live = await db
    .selectFrom('runs')
    .selectAll()
    .where('lane', '=', STORAGE_LANE)
    .where((eb) => eb.or([eb('state', '=', sql.lit('running')), eb('state', '=', sql.lit('pending'))]))
    .execute();
  const run = live.find(({ state }) => state === 'running') ?? live[0];
  if (run === undefined) return null;
  const told = detail.safeParse(JSON.parse(run.detail ?? 'null'));
  return {
    startedAt: run.started_at ?? run.created_at,
    step: run.step ?? FIRST_STEP,
    ...(told.success ? told.data : { bucket: null, done: 0, steps: 0 }),
  };
}

/** Providers with a minimum storage time charge for it, and so do classes for rare access. */
function isFreeToDelete(last: StoredDeepTest): boolean {
  return (
    providerOf(last.endpoint).minimumDays === 0 &&
    last.buckets.every(({ storageClass }) => storageClass === null || storageClass === 'STANDARD')
  );
}

/** Until when object lock holds what the last deep test stored. */
function locksOf({ buckets }: StoredDeepTest): readonly number[] {
  const untils = buckets.flatMap(({ left }) => left.flatMap(({ until }) => until ?? []));
  return untils.map(Date.parse).filter(Number.isFinite);
}
