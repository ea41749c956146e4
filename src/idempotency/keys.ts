import * as z from 'zod';
import { databaseNow } from '../db/clock.ts';
import type { IdempotencyKeyRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';

/** How long an answer is given again. */
const KEPT_MS = 24 * 3_600_000;
/** How long a request counts as going on that nobody renews: its process is gone, and its key is free. */
export const LEASE_MS = 15_000;

/** A request, as its key tells it from others. */
export interface KeyedRequest {
  /** Hash of whose it is, its method, its path and its key. */
  readonly id: string;
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
 * first request goes on.
 */
export async function claimKey(context: VaultContext, request: KeyedRequest): Promise<Claimed> {
  const { db } = context;
  const now = await databaseNow(context);
  const row: IdempotencyKeyRow = {
    ...{ id: request.id, request_hash: request.requestHash, claimed_by: newId(), answer: null },
    ...{ lease_until: leaseFrom(now), created_at: now.toISOString() },
  };
  const claim = { id: row.id, claimedBy: row.claimed_by };
  const known = await write(db, async (trx) => {
    const before = await trx
      .selectFrom('idempotency_keys')
      .selectAll()
      .where('id', '=', row.id)
      .executeTakeFirst();
    if (before !== undefined && !isFree(before, now)) return before;
    await trx.deleteFrom('idempotency_keys').where('id', '=', row.id).execute();
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
  const until = leaseFrom(await databaseNow({ db, now }));
  const renewed = await write(db, (trx) =>
    trx
      .updateTable('idempotency_keys')
      .set({ lease_until: until })
      .where('id', '=', claim.id)
      .where('claimed_by', '=', claim.claimedBy)
      .returning('id')
      .executeTakeFirst(),
  );
  return renewed !== undefined;
}

/** Keeps the answer for whoever sends the same again. Nothing where the claim is another's by now. */
export async function keepAnswer(
  { db, vault }: VaultContext,
  claim: KeyClaim,
  answer: KeptAnswer,
): Promise<void> {
  const sealed = await vault.seal(JSON.stringify(answer), SEALED.idempotentAnswer.identity(claim.id));
  await write(db, (trx) =>
    trx
      .updateTable('idempotency_keys')
      .set({ answer: sealed, lease_until: null })
      .where('id', '=', claim.id)
      .where('claimed_by', '=', claim.claimedBy)
      .execute(),
  );
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

const leaseFrom = (now: Date) => new Date(now.getTime() + LEASE_MS).toISOString();

function isFree(row: IdempotencyKeyRow, now: Date): boolean {
  const isDead = row.answer === null && (row.lease_until ?? '') <= now.toISOString();
  // One that is going on is no day old, however long it takes.
  const isOld = row.answer !== null && Date.parse(row.created_at) + KEPT_MS <= now.getTime();
  return isDead || isOld;
}
