import { type ExpressionBuilder, sql } from 'kysely';
import type { Db, RunKindName, RunRow, Schema } from '../db/schema.ts';
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

/** The oldest waiting run whose lane is free and whose server has room, claimed. Undefined when there is none. */
export async function takeNext(taker: Taker, limits: RunLimits): Promise<RunRow | undefined> {
  const { db, kinds, claimedBy } = taker;
  const waiting = nextWaiting(taker, limits);
  // There is none, as a rule: then nothing is written.
  if ((await waiting.executeTakeFirst()) === undefined) return undefined;
  return write(db, async (trx) => {
    const startedAt = taker.now();
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

function nextWaiting({ db, kinds }: Taker, limits: RunLimits) {
  const limited = namesOf(kinds, ({ isLimited }) => isLimited);
  return db
    .selectFrom('runs as waiting')
    .select('waiting.id')
    .where('waiting.state', '=', sql.lit('pending'))
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
        const busy = eb
          .selectFrom('runs as busy')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('busy.state', '=', sql.lit('running'))
          .where('busy.in_repair', '=', 0)
          .where('busy.kind', 'in', limited);
        const onServer = busy.where(
          sql`coalesce(busy.server_id, '')`,
          '=',
          sql`coalesce(waiting.server_id, '')`,
        );
        return eb.or([
          eb('waiting.kind', 'not in', limited),
          eb.and([eb(busy, '<', limits.total), eb(onServer, '<', limits.perServer)]),
        ]);
      }),
    )
    .orderBy('waiting.created_at')
    .limit(1);
}

/** Takes over one run whose lease is over; one that was uncertain is looked at again once its pause is over. */
export async function takeExpired(taker: Taker, running: readonly string[]): Promise<RunRow | undefined> {
  for (const candidate of [lapsed(taker, running), uncertain(taker, running)]) {
    if ((await candidate.executeTakeFirst()) === undefined) continue;
    const run = await write(taker.db, (trx) =>
      trx
        .updateTable('runs')
        .set({
          claimed_by: taker.claimedBy,
          lease_until: leaseFrom(taker.now(), taker.leaseMs),
          in_repair: 1,
        })
        .where('id', '=', candidate)
        .returningAll()
        .executeTakeFirst(),
    );
    if (run !== undefined) return run;
  }
  return undefined;
}

/** A run that is not over, and whose lease is. */
function lapsed(taker: Taker, running: readonly string[]) {
  return dueAmong(taker, running, taker.leaseMs).where('state', '=', sql.lit('running'));
}

/** A run whose outcome is not known, and whose pause is over. */
function uncertain(taker: Taker, running: readonly string[]) {
  const at = taker.now();
  const givenUp = Object.values(taker.kinds).flatMap((kind) => kind.isGivenUp?.(at) ?? []);
  return dueAmong(taker, running, Math.max(MAX_PAUSE_MS, taker.leaseMs))
    .where('state', '=', sql.lit('uncertain'))
    .$if(givenUp.length > 0, (query) => query.where((eb) => eb.not(eb.or(givenUp))));
}

/** One row whose `lease_until` is over, or further ahead than any lease or pause of that length: the clock was set back. */
function dueAmong({ db, kinds, now }: Taker, running: readonly string[], longestMs: number) {
  const at = now().getTime();
  return db
    .selectFrom('runs')
    .select('id')
    .where('kind', 'in', namesOf(kinds))
    .where((eb: ExpressionBuilder<Schema, 'runs'>) =>
      eb.or([
        eb('lease_until', 'is', null),
        eb('lease_until', '<=', new Date(at).toISOString()),
        eb('lease_until', '>', new Date(at + 2 * longestMs).toISOString()),
      ]),
    )
    .$if(running.length > 0, (query) => query.where('id', 'not in', running))
    .limit(1);
}

/**
 * Renews the claims of one process on these runs. Gives the ids that are no longer its own: settled, removed, or taken
 * over by another process, which this one's run must not go on beside.
 */
export async function renewClaims(
  { db, claimedBy, leaseMs, now }: Pick<Taker, 'db' | 'claimedBy' | 'leaseMs' | 'now'>,
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const renewed = await write(db, (trx) =>
    trx
      .updateTable('runs')
      .set({ lease_until: leaseFrom(now(), leaseMs) })
      .where('id', 'in', ids)
      .where('claimed_by', '=', claimedBy)
      .returning('id')
      .execute(),
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
