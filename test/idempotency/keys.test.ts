import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { isAppError } from '../../src/errors.ts';
import {
  claimKey,
  forgetOldKeys,
  freeKey,
  type KeyClaim,
  keepAnswer,
  renewKey,
} from '../../src/idempotency/keys.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

const vault = await createVault(new Uint8Array(32).fill(7));
const now = () => new Date();
const answerOf = (body: string) => ({ status: 200, contentType: 'application/json', body }) as const;
const PAST = '2020-01-01T00:00:00.000Z';

/** What becomes of a request: a claim, the first answer, or why it is refused. */
async function outcomeOf(db: Db, id: string, requestHash = 'a') {
  try {
    return await claimKey({ db, now, vault }, { id, requestHash });
  } catch (error) {
    if (isAppError(error, 'conflict', 'key_reused')) return { refused: error.code };
    throw error;
  }
}
type Outcome = Awaited<ReturnType<typeof outcomeOf>>;
const claimsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => ('claim' in outcome ? [outcome.claim] : []));

/** The process of that request is gone, and so is the time that it had. */
const kill = (db: Db, claim: KeyClaim) =>
  db.updateTable('idempotency_keys').set({ lease_until: PAST }).where('id', '=', claim.id).execute();

describe.each(STATES)('on %s, an idempotency key', (state) => {
  it('lets one request through at a time, whatever becomes of each, and answers as the first one that succeeded', async () => {
    const db = await openState(state);
    const context = { db, now, vault };
    let number = 0;
    const end = fc.constantFrom('keep', 'free', 'kill', 'go on' as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), end), { maxLength: 6 }),
        async (rounds) => {
          number += 1;
          const id = `key ${number}`;
          let first: string | undefined;
          let going: KeyClaim | undefined;
          for (const [index, [asking, ends]] of rounds.entries()) {
            const outcomes = await Promise.all(Array.from({ length: asking }, () => outcomeOf(db, id)));
            const other = await outcomeOf(db, id, 'b');
            const claims = claimsOf(outcomes);
            if (first !== undefined) {
              for (const outcome of outcomes) expect(outcome).toEqual({ answer: answerOf(first) });
            } else if (going !== undefined) {
              for (const outcome of outcomes) expect(outcome).toEqual({ refused: 'conflict' });
            } else {
              expect(claims).toHaveLength(1);
              expect(outcomes.filter((outcome) => 'refused' in outcome)).toHaveLength(asking - 1);
              going = claims[0];
            }
            expect(other).toEqual({ refused: 'key_reused' });
            if (going === undefined) continue;
            if (ends === 'keep') {
              first = `{"round":${index}}`;
              await keepAnswer(context, going, answerOf(first));
            }
            if (ends === 'free') await freeKey(context, going);
            if (ends === 'kill') {
              await kill(db, going);
              const [taken] = claimsOf([await outcomeOf(db, id)]);
              expect(taken).toBeDefined();
              // What comes to life again has nothing to say any more.
              expect(await renewKey(context, going)).toBe(false);
              await keepAnswer(context, going, answerOf('{"late":true}'));
              await freeKey(context, going);
              going = taken;
              continue;
            }
            if (ends !== 'go on') going = undefined;
          }
        },
      ),
      { numRuns: state === 'SQLite' ? 40 : 15 },
    );
    await db.destroy();
  });

  it('is kept for a day, and forgotten after it; one that goes on is not', async () => {
    const db = await openState(state);
    const context = { db, now, vault };
    const [done] = claimsOf([await outcomeOf(db, 'done')]);
    if (done === undefined) throw new Error('not claimed');
    await keepAnswer(context, done, answerOf('{"token":"shown once"}'));
    const rows = await db.selectFrom('idempotency_keys').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('shown once');
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    await db
      .updateTable('idempotency_keys')
      .set({ created_at: ago(23.9) })
      .execute();
    await forgetOldKeys(context);
    expect(await outcomeOf(db, 'done')).toEqual({ answer: answerOf('{"token":"shown once"}') });
    await db
      .updateTable('idempotency_keys')
      .set({ created_at: ago(24.1) })
      .execute();
    expect(claimsOf([await outcomeOf(db, 'done')])).toHaveLength(1);
    await db
      .updateTable('idempotency_keys')
      .set({ created_at: ago(24.1) })
      .execute();
    await forgetOldKeys(context);
    expect(await db.selectFrom('idempotency_keys').select('id').execute()).toEqual([]);
    await db.destroy();
  });
});
