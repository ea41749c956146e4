import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { isAppError } from '../../src/errors.ts';
import {
  claimKey,
  forgetOldKeys,
  freeKey,
  type KeyClaim,
  keepAnswer,
  LEASE_MS,
  renewKey,
} from '../../src/idempotency/keys.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { refuseUpdates } from '../support/trigger.ts';

afterAll(dropStates);

const vault = await createVault(new Uint8Array(32).fill(7));
const now = () => new Date();
const answerOf = (body: string) => ({ status: 200, contentType: 'application/json', body }) as const;
const PAST = '2020-01-01T00:00:00.000Z';

/** What becomes of a request: a claim, the first answer, or why it is refused. */
async function outcomeOf(db: Db, id: string, requestHash = 'a', credential = `token:${id}`) {
  try {
    return await claimKey({ db, now, vault }, { id, credential, requestHash });
  } catch (error) {
    if (isAppError(error, 'conflict', 'key_reused', 'rate_limited')) return { refused: error.code };
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

  it('is one of at most 1,000 of a credential in a day, which are counted by an index', async () => {
    const db = await openState(state);
    const context = { db, now, vault };
    const at = (hoursAgo: number) => new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
    const row = { request_hash: 'a', claimed_by: 'x', lease_until: null, answer: 'sealed' };
    const keys = (credential: string, length: number, created_at: string) =>
      Array.from({ length }, (_, number) => ({
        ...{ id: `${credential} ${created_at} ${number}`, credential, created_at, ...row },
      }));
    const mine = 'token:"größe" 🐘';
    const all = [...keys(mine, 998, at(1)), ...keys(mine, 1, at(23.5)), ...keys(mine, 50, at(25))];
    for (const some of [all, keys('token:other', 1000, at(1))]) {
      await db.insertInto('idempotency_keys').values(some).execute();
    }
    const [thousandth] = claimsOf([await outcomeOf(db, 'thousandth', 'a', mine)]);
    if (thousandth === undefined) throw new Error('not claimed');
    const over = claimKey(context, { id: 'one more', credential: mine, requestHash: 'a' });
    await expect(over).rejects.toMatchObject({
      code: 'rate_limited',
      message: expect.stringMatching(/^1000 Idempotency-Keys were used in a day/),
      details: {
        retryAfterSeconds: expect.toSatisfy((seconds: number) => seconds > 1700 && seconds <= 1800),
      },
    });
    // What was answered is answered still; a key that is free again makes room; others have their own.
    await keepAnswer(context, thousandth, answerOf('{}'));
    expect(await outcomeOf(db, 'thousandth', 'a', mine)).toEqual({ answer: answerOf('{}') });
    expect(await outcomeOf(db, 'elsewhere', 'a', 'token:other')).toEqual({ refused: 'rate_limited' });
    expect(claimsOf([await outcomeOf(db, 'third', 'a', 'token:third')])).toHaveLength(1);
    await db.deleteFrom('idempotency_keys').where('id', '=', 'thousandth').execute();
    const two = await Promise.all([outcomeOf(db, 'p', 'a', mine), outcomeOf(db, 'q', 'a', mine)]);
    expect([claimsOf(two).length, two.filter((outcome) => 'refused' in outcome).length]).toEqual([1, 1]);
    if (state === 'SQLite') {
      const { rows } = await sql<{ detail: string }>`explain query plan select count(*), min(created_at)
        from idempotency_keys where credential = ${mine} and created_at > ${at(24)}`.execute(db);
      expect(rows.map(({ detail }) => detail).join()).toContain('INDEX idempotency_keys_credential');
    }
    await db.destroy();
  });

  it('has its answer kept where only the first tries fail, and is told of where all do', async () => {
    const db = await openState(state);
    const context = { db, now, vault };
    const claims = claimsOf([await outcomeOf(db, 'one'), await outcomeOf(db, 'two')]);
    const [one, two] = claims;
    if (one === undefined || two === undefined) throw new Error('not claimed');
    const { drop } = await refuseUpdates(db, 'idempotency_keys', 'answer');
    const pauses: number[] = [];
    const note = async (ms: number) => void pauses.push(ms);
    await expect(keepAnswer(context, two, answerOf('{}'), note)).rejects.toThrow();
    expect([pauses.length, await renewKey(context, two)]).toEqual([3, true]);
    const mend = async (ms: number) => {
      pauses.push(ms);
      if (pauses.length === 5) await drop();
    };
    expect(await keepAnswer(context, one, answerOf('{"a":1}'), mend)).toBe(true);
    expect([pauses.length, await outcomeOf(db, 'one')]).toEqual([5, { answer: answerOf('{"a":1}') }]);
    await kill(db, two);
    await outcomeOf(db, 'two');
    expect(await keepAnswer(context, two, answerOf('{}'), note)).toBe(false);
    await db.destroy();
  });
});

it('has its whole lease from when its row can be written, however long that was waited for', async () => {
  const db = await openState('SQLite');
  const start = Date.now();
  let looks = 0;
  // Each look at the clock is a minute later.
  const context = { db, now: () => new Date(start + 60_000 * looks++), vault };
  const lease = async () => {
    const row = await db.selectFrom('idempotency_keys').select('lease_until').executeTakeFirstOrThrow();
    return Date.parse(row.lease_until ?? '');
  };
  /** What it gives while another has the lock, with no look at the clock before it is let go. */
  const behindLock = async <T>(action: () => Promise<T>): Promise<T> => {
    const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const other = write(db, async () => {
      held.resolve();
      await letGo.promise;
    });
    await held.promise;
    const before = looks;
    const waiting = action();
    await Promise.resolve();
    expect(looks).toBe(before);
    letGo.resolve();
    await other;
    return waiting;
  };
  const claimed = await behindLock(() =>
    claimKey(context, { id: 'x', credential: 'token:"ü"', requestHash: 'a' }),
  );
  if (!('claim' in claimed)) throw new Error('not claimed');
  expect(await lease()).toBe(start + LEASE_MS);
  expect(await behindLock(() => renewKey(context, claimed.claim))).toBe(true);
  expect([await lease(), LEASE_MS]).toEqual([start + 60_000 + LEASE_MS, 45_000]);
  await db.destroy();
});
