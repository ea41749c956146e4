import { sql } from 'kysely';
import * as z from 'zod';
import { databaseNow } from '../db/clock.ts';
import type { IdempotencyKeyRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';

/** How long an answer is given again. */
const KEPT_MS = 24 * 3_600_000;
/** How long a request counts as going on that nobody renews: its process is gone, and its key is free. */
export const LEASE_MS = 45_000;
/** Of one credential in that day. */
const MOST_KEYS = 1_000;
/** Before an answer that could not be kept is tried again; its request waits for it. */
const PAUSES_MS = [50, 200, 750] as const;
/** Of one try: there are several. */
const PATIENCE_MS = 5_000;

/** A request, as its key tells it from others. */
export interface KeyedRequest {
  /** Hash of whose it is, its method, its path and its key. */
  readonly id: string;
  /** Whose it is: `session:<id>` or `token:<id>`. */
  readonly credential: string;
  /** Hash of what was sent. */
  readonly requestHash: string;
}

const keptAnswer = z.object({
  status: z.union([z.literal(200), z.literal(201)]),
  contentType: z.string(),
  body: z.string(),
});
/** An answer as it was given the first time. */
export type KeptAnswer = Readonly<z.infer<typeof keptAnswer>>;

/** The right to answer a request: of one at a time. */
export interface KeyClaim {
  readonly id: string;
  readonly claimedBy: string;
}

export type Claimed = { readonly claim: KeyClaim } | { readonly answer: KeptAnswer };

/**
 * Claims a key, or gives the answer that it had. Throws `key_reused` where something else was sent with it, `conflict` while the
 * first request goes on, `rate_limited` where the credential has used as many keys in a day as it may.
 */
export async function claimKey(context: VaultContext, request: KeyedRequest): Promise<Claimed> {
  const { db, now: clock } = context;
  const { id, credential } = request;
  const claim = { id, claimedBy: newId() };
  const known = await write(db, async (trx) => {
    // Behind the lock: what was waited for it is no part of the lease.
    const now = await databaseNow({ db: trx, now: clock });
    const before = await trx
      .selectFrom('idempotency_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (before !== undefined && !isFree(before, now)) return before;
    await trx.deleteFrom('idempotency_keys').where('id', '=', id).execute();
    await refuseTooMany(trx, credential, now);
    const row: IdempotencyKeyRow = {
      ...{ id, credential, request_hash: request.requestHash, claimed_by: claim.claimedBy, answer: null },
      ...{ lease_until: leaseFrom(now), created_at: now.toISOString() },
    };
    await trx.insertInto('idempotency_keys').values(row).execute();
    return undefined;
  });
  if (known === undefined) return { claim };
  if (known.request_hash !== request.requestHash) {
    throw new AppError(
      'key_reused',
      'This Idempotency-Key was sent with another request before. Use a new one.',
    );
  }
  if (known.answer === null) {
    throw new AppError('conflict', 'The first request with this Idempotency-Key is still running.', {
      details: { retryAfterSeconds: 1 },
    });
  }
  const text = await context.vault.open(known.answer, SEALED.idempotentAnswer.identity(known.id));
  return { answer: keptAnswer.parse(JSON.parse(text)) };
}

/** Goes on answering; false where the claim is another's by now. */
export async function renewKey({ db, now }: VaultContext, claim: KeyClaim): Promise<boolean> {
  const renewed = await write(db, async (trx) =>
    trx
      .updateTable('idempotency_keys')
      .set({ lease_until: leaseFrom(await databaseNow({ db: trx, now })) })
      .where('id', '=', claim.id)
      .where('claimed_by', '=', claim.claimedBy)
      .returning('id')
      .executeTakeFirst(),
  );
  return renewed !== undefined;
}

/**
 * Keeps the answer for whoever sends the same again, in several tries with pauses between them. False where the claim is another's
 * by now; throws what the last try did.
 */
export async function keepAnswer(
  { db, vault }: VaultContext,
  claim: KeyClaim,
  answer: KeptAnswer,
  pause: (ms: number) => Promise<void> = paused,
): Promise<boolean> {
  const sealed = await vault.seal(JSON.stringify(answer), SEALED.idempotentAnswer.identity(claim.id));
  const keep = async (trx: Trx) => {
    const kept = await trx
      .updateTable('idempotency_keys')
      .set({ answer: sealed, lease_until: null })
      .where('id', '=', claim.id)
      .where('claimed_by', '=', claim.claimedBy)
      .returning('id')
      .executeTakeFirst();
    return kept !== undefined;
  };
  for (const pauseMs of PAUSES_MS) {
    try {
      return await write(db, keep, { patienceMs: PATIENCE_MS });
    } catch {
      await pause(pauseMs);
    }
  }
  return write(db, keep, { patienceMs: PATIENCE_MS });
}

/** Lets the key be used again: nothing came of the request. */
export async function freeKey({ db }: VaultContext, claim: KeyClaim): Promise<void> {
  await write(db, (trx) =>
    trx
      .deleteFrom('idempotency_keys')
      .where('id', '=', claim.id)
      .where('claimed_by', '=', claim.claimedBy)
      .where('answer', 'is', null)
      .execute(),
  );
}

/** Forgets the keys whose day is over. */
export async function forgetOldKeys({ db, now }: Pick<VaultContext, 'db' | 'now'>): Promise<void> {
  const before = new Date((await databaseNow({ db, now })).getTime() - KEPT_MS).toISOString();
  await write(db, (trx) => trx.deleteFrom('idempotency_keys').where('created_at', '<=', before).execute());
}

/** Looks at no key but the credential's own. */
async function refuseTooMany(trx: Trx, credential: string, now: Date): Promise<void> {
  const dayAgo = new Date(now.getTime() - KEPT_MS).toISOString();
  const { total, oldest } = await trx
    .selectFrom('idempotency_keys')
    .select([sql<number>`count(*)`.as('total'), sql<string | null>`min(created_at)`.as('oldest')])
    .where('credential', '=', credential)
    .where('created_at', '>', dayAgo)
    .executeTakeFirstOrThrow();
  if (Number(total) < MOST_KEYS || oldest === null) return;
  const freeInMs = Date.parse(oldest) + KEPT_MS - now.getTime();
  throw new AppError(
    'rate_limited',
    `${MOST_KEYS} Idempotency-Keys were used in a day, the most that one session or token may. Send the request without one, or wait until the oldest is forgotten.`,
    { details: { retryAfterSeconds: Math.max(1, Math.ceil(freeInMs / 1000)) } },
  );
}

const paused = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const leaseFrom = (now: Date) => new Date(now.getTime() + LEASE_MS).toISOString();

function isFree(row: IdempotencyKeyRow, now: Date): boolean {
  const isDead = row.answer === null && (row.lease_until ?? '') <= now.toISOString();
  // One that is going on is no day old, however long it takes.
  const isOld = row.answer !== null && Date.parse(row.created_at) + KEPT_MS <= now.getTime();
  return isDead || isOld;
}
