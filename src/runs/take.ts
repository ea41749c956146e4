import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { databaseNow } from '../db/clock.ts';
import { isPostgres } from '../db/kind.ts';
import type { Db, RunKindName, RunRow, Schema, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { RunClaim } from './claim.ts';
import type { RunKind, RunKinds } from './kind.ts';

/** How many limited runs at once, counted in the table: in all, and per server. */
export interface RunLimits {
  readonly total: number;
  readonly perServer: number;
}

/** Who takes runs, and for how long each time. */
export interface Taker {
  readonly db: Db;
  readonly kinds: RunKinds;
  readonly claimedBy: string;
  readonly leaseMs: number;
  readonly now: () => Date;
}

/** The longest pause before an uncertain run is repaired again. */
export const MAX_PAUSE_MS = 3_600_000;

/**
 * The oldest waiting run whose lane is free and whose server has room, claimed; what nobody waits for comes last. Undefined when there
 * is none.
 */
export async function takeNext(taker: Taker, limits: RunLimits): Promise<RunRow | undefined> {
  return (await takeOne(taker, limits, false)) ?? (await takeOne(taker, limits, true));
}

async function takeOne(taker: Taker, limits: RunLimits, isBackground: boolean): Promise<RunRow | undefined> {
  const { kinds, claimedBy } = taker;
  const waiting = nextWaiting(taker, limits, isBackground);
  // There is none, as a rule: then nothing is written.
  if ((await waiting.executeTakeFirst()) === undefined) return undefined;
  const startedAt = await databaseNow(taker);
  return write(taker.db, async (trx) => {
    await oneAtATime(trx);
    const run = await trx
      .updateTable('runs')
      .set((eb) => ({
        state: 'running',
        claimed_by: claimedBy,
        lease_until: leaseFrom(startedAt, taker.leaseMs),
        started_at: startedAt.toISOString(),
        attempts: eb('attempts', '+', 1),
      }))
      .where('id', '=', waiting)
      .where('state', '=', 'pending')
      .returningAll()
      .executeTakeFirst();
    const kind = run && kinds[run.kind];
    if (run === undefined || kind === undefined) return undefined;
    await trx.updateTable('runs').set(kind.first).where('id', '=', run.id).execute();
    await kind.begin?.(trx, run, startedAt);
    return run;
  });
}

/**
 * What nobody waits for takes no room from what somebody does: it has what is free, and half of it all at most, and does not count
 * where room is looked for by the others.
 */
function nextWaiting({ db, kinds }: Taker, limits: RunLimits, isBackground: boolean) {
  const limited = namesOf(kinds, ({ isLimited }) => isLimited);
  return db
    .selectFrom('runs as waiting')
    .select('waiting.id')
    .where('waiting.state', '=', sql.lit('pending'))
    .where('waiting.is_background', isBackground ? 'is not' : 'is', null)
    .where('waiting.kind', 'in', namesOf(kinds))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('runs as running')
            .select('running.id')
            .whereRef('running.lane', '=', 'waiting.lane')
            .where('running.state', '=', sql.lit('running')),
        ),
      ),
    )
    .$if(limited.length > 0, (query) =>
      query.where((eb) => {
        const all = eb
          .selectFrom('runs as busy')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('busy.state', '=', sql.lit('running'))
          .where('busy.in_repair', '=', 0)
          .where('busy.kind', 'in', limited);
        const busy = isBackground ? all : all.where('busy.is_background', 'is', null);
        const onServer = busy.where(
          sql`coalesce(busy.server_id, '')`,
          '=',
          sql`coalesce(waiting.server_id, '')`,
        );
        const alike = all.where('busy.is_background', 'is not', null);
        return eb.or([
          eb('waiting.kind', 'not in', limited),
          eb.and([
            eb(busy, '<', limits.total),
            eb(onServer, '<', limits.perServer),
            ...(isBackground ? [eb(alike, '<', Math.max(1, Math.floor(limits.total / 2)))] : []),
          ]),
        ]);
      }),
    )
    .orderBy('waiting.created_at')
    .limit(1)
    .$if(isPostgres(db), (query) => query.forUpdate('waiting').skipLocked());
}

/** Takes over one run whose lease is over; one that was uncertain is looked at again once its pause is over. */
export async function takeExpired(taker: Taker, running: readonly string[]): Promise<RunRow | undefined> {
  const { db, claimedBy, leaseMs } = taker;
  const at = await databaseNow(taker);
  for (const isDue of [lapsed(taker, at), uncertain(taker, at)]) {
    const candidate = db
      .selectFrom('runs')
      .select('id')
      .where(isDue)
      .$if(running.length > 0, (query) => query.where('id', 'not in', running))
      .limit(1);
    if ((await candidate.executeTakeFirst()) === undefined) continue;
    // What another process takes at this moment is no candidate, and what it has taken is not due any more.
    const free = isPostgres(db) ? candidate.forUpdate().skipLocked() : candidate;
    const run = await write(db, async (trx) => {
      await oneAtATime(trx);
      return trx
        .updateTable('runs')
        .set({ claimed_by: claimedBy, lease_until: leaseFrom(at, leaseMs), in_repair: 1 })
        .where('id', '=', free)
        .where(isDue)
        .returningAll()
        .executeTakeFirst();
    });
    if (run !== undefined) return run;
  }
  return undefined;
}

/**
 * Those who take runs look at the same rows, so that PostgreSQL would refuse most of them: they wait for each other instead. To
 * be called first, before the transaction has seen anything. Nobody else waits: the lock is one that only they take.
 */
async function oneAtATime(trx: Trx): Promise<void> {
  if (isPostgres(trx)) await sql`lock table runs in share update exclusive mode`.execute(trx);
}

type IsDue = (eb: ExpressionBuilder<Schema, 'runs'>) => Expression<SqlBool>;

/** A run that is not over, and whose lease is. */
function lapsed(taker: Taker, at: Date): IsDue {
  return (eb) => eb.and([eb('state', '=', sql.lit('running')), isOver(taker, at, taker.leaseMs)(eb)]);
}

/** A run whose outcome is not known, and whose pause is over. */
function uncertain(taker: Taker, at: Date): IsDue {
  const givenUp = Object.values(taker.kinds).flatMap((kind) => kind.isGivenUp?.(at) ?? []);
  const longestMs = Math.max(MAX_PAUSE_MS, taker.leaseMs);
  return (eb) =>
    eb.and([
      eb('state', '=', sql.lit('uncertain')),
      isOver(taker, at, longestMs)(eb),
      ...(givenUp.length > 0 ? [eb.not(eb.or(givenUp))] : []),
    ]);
}

/** Whose `lease_until` is over, or further ahead than any lease or pause of that length: the clock was set back. */
function isOver({ kinds }: Taker, at: Date, longestMs: number): IsDue {
  return (eb) =>
    eb.and([
      eb('kind', 'in', namesOf(kinds)),
      eb.or([
        eb('lease_until', 'is', null),
        eb('lease_until', '<=', at.toISOString()),
        eb('lease_until', '>', leaseFrom(at, 2 * longestMs)),
      ]),
    ]);
}

/**
 * Renews the claims of one process on these runs. Gives the ids that are no longer its own: settled, removed, or taken
 * over by another process, which this one's run must not go on beside.
 */
export async function renewClaims(
  { db, claimedBy, leaseMs, now }: Pick<Taker, 'db' | 'claimedBy' | 'leaseMs' | 'now'>,
  ids: readonly string[],
  patience: { readonly patienceMs?: number } = {},
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const renewed = await write(
    db,
    async (trx) =>
      trx
        .updateTable('runs')
        .set({ lease_until: leaseFrom(await databaseNow({ db: trx, now }), leaseMs) })
        .where('id', 'in', ids)
        .where('claimed_by', '=', claimedBy)
        .returning('id')
        .execute(),
    patience,
  );
  const own = new Set(renewed.map(({ id }) => id));
  return ids.filter((id) => !own.has(id));
}

/** Gives an unfinished run to repair at once: its lease ends now, its outcome stays open. */
export async function releaseClaim(db: Db, { runId, claimedBy }: RunClaim, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('runs')
      .set({ lease_until: now.toISOString() })
      .where('id', '=', runId)
      .where('claimed_by', '=', claimedBy)
      .where('state', '=', 'running')
      .execute(),
  );
}

/** Has every uncertain run asked about at the next look, whatever its pause: for the start of the app. */
export async function askUncertainNow(db: Db, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('runs')
      .set({ lease_until: now.toISOString() })
      .where('state', '=', sql.lit('uncertain'))
      .where('claimed_by', 'is', null)
      .execute(),
  );
}

/**
 * Ends the lease of every run and repair that is not this process's own: for the start of one that is alone on its
 * database, so that whoever claimed them is gone. A kind may keep some seconds of it. What may be decided about them, and
 * when, stays as it is.
 */
export async function endEarlierLeases({ db, kinds, claimedBy, now }: Taker): Promise<void> {
  const at = now();
  const earlier = await db
    .selectFrom('runs')
    .selectAll()
    .where((eb) => eb.or([eb('state', '=', sql.lit('running')), eb('state', '=', sql.lit('uncertain'))]))
    .where('claimed_by', '!=', claimedBy)
    .where('lease_until', '>', at.toISOString())
    .execute();
  for (const run of earlier) {
    const restMs = run.state === 'running' ? ((await kinds[run.kind]?.restMs?.(run)) ?? 0) : 0;
    const until = leaseFrom(at, restMs);
    await write(db, (trx) =>
      trx
        .updateTable('runs')
        .set({ lease_until: until })
        .where('id', '=', run.id)
        .where('claimed_by', '=', run.claimed_by)
        .where('lease_until', '>', until)
        .execute(),
    );
  }
}

function namesOf(kinds: RunKinds, which: (kind: RunKind) => boolean = () => true): readonly RunKindName[] {
  // Object.entries forgets the names' type.
  const entries = Object.entries(kinds) as readonly (readonly [RunKindName, RunKind])[];
  return entries.filter(([, kind]) => which(kind)).map(([name]) => name);
}

function leaseFrom(now: Date, ms: number): string {
  return new Date(now.getTime() + ms).toISOString();
}
