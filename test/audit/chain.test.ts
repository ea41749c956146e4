import { sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditEntry, recordAudit } from '../../src/audit/audit.ts';
import { createChainer } from '../../src/audit/chain.ts';
import { forgetOldAudit } from '../../src/audit/forget-old.ts';
import { sha256 } from '../../src/audit/node/sha256.ts';
import { hasUnchained } from '../../src/audit/unchained.ts';
import { verifyChain } from '../../src/audit/verify-chain.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { createLog } from '../../src/log.ts';
import { createVault, type Vault } from '../../src/secrets/vault.ts';
import { dropStates, openState, STATES, type State } from '../support/states.ts';

afterAll(() => dropStates());

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const DAY_MS = 86_400_000;
const TODAY = new Date('2026-11-29T12:00:00.000Z');
const signal = new AbortController().signal;

describe.each(STATES)('the audit’s chain on %s', (state) => {
  let db: Db;
  let vault: Vault;
  let at: Date;
  let lines: string[];
  let context: Parameters<typeof createChainer>[0];
  let chain: ReturnType<typeof createChainer>;

  beforeEach(async () => {
    db = await openState(state);
    vault = await createVault(new Uint8Array(32).fill(5));
    at = TODAY;
    lines = [];
    const log = createLog(
      'info',
      (line) => lines.push(line),
      () => at,
    );
    context = { db, vault, now: () => at, sha256, log };
    chain = createChainer(context);
  });
  afterEach(() => db.destroy());

  const note = (name: string, when: Date) =>
    write(db, (trx) => {
      const actor = { userId: null, address: '2001:db8::1', requestId: 'r-1' };
      const entry = auditEntry('server', 'update', { id: 'c1', name }, { details: { name, changed: ['ü'] } });
      return recordAudit(trx, actor, entry, when);
    });
  const later = (ms: number) => new Date(TODAY.getTime() + ms);
  const notes = async (count: number, from = TODAY) => {
    for (let n = 0; n < count; n += 1) await note(`${ODD} ${n}`, new Date(from.getTime() + n));
  };
  const numbers = async () =>
    (await db.selectFrom('audit_logs').select(['number', 'resource_name']).orderBy('number').execute()).map(
      ({ number, resource_name }) => [number, resource_name?.split(' ').at(-1)],
    );
  const verify = () => verifyChain(context, signal);

  it('takes rows in as they were written, and tells of those that wait', async () => {
    expect(await verify()).toMatchObject({ isIntact: true, rows: 0, head: { number: 0 }, start: null });
    await notes(3);
    expect(await hasUnchained(db)).toBe(true);
    expect(await verify()).toMatchObject({
      isIntact: true,
      unchained: { rows: 3, oldestAt: TODAY.toISOString() },
    });
    await chain(signal);
    expect(await hasUnchained(db)).toBe(false);
    expect(await numbers()).toEqual([
      [1, '0'],
      [2, '1'],
      [3, '2'],
    ]);
    const report = await verify();
    expect(report).toMatchObject({
      ...{ isIntact: true, rows: 3, faults: [], lateRows: 0, start: null },
      ...{ head: { number: 3, at: TODAY.toISOString() }, unchained: { rows: 0, oldestAt: null } },
    });
    // Nothing to do: nothing is signed anew.
    await chain(signal);
    expect((await verify()).head).toEqual(report.head);
  });

  it('takes a row in that became visible after its neighbours were chained, and says that it came late', async () => {
    await note('early', TODAY);
    await note('after it', later(2000));
    await chain(signal);
    await note('late', later(1000));
    await note('on time', later(3000));
    await chain(signal);
    expect(await numbers()).toEqual([
      [1, 'early'],
      [2, 'it'],
      [3, 'late'],
      [4, 'time'],
    ]);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 4, lateRows: 1 });
  });

  it('is one chain where several chain at once, while others write', async () => {
    const chainers = [chain, createChainer(context), createChainer(context)];
    await notes(20);
    const outcomes = await Promise.allSettled([
      ...chainers.map((each) => each(signal)),
      notes(10, later(1000)),
    ]);
    for (const outcome of outcomes) {
      // Whoever comes second says so, and looks again at its next turn.
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    }
    for (const each of chainers) await each(signal);
    expect((await numbers()).map(([number]) => number)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    expect(await verify()).toMatchObject({ isIntact: true, rows: 30 });
  });

  it('chains more than one batch, and stops where it is told to', async () => {
    const rows = Array.from({ length: 1203 }, (_, n) => ({
      ...({ id: `c${n}`, action: 'update', resource_type: 'user', success: 1 } as const),
      created_at: later(n).toISOString(),
    }));
    for (let n = 0; n < rows.length; n += 300) {
      await db
        .insertInto('audit_logs')
        .values(rows.slice(n, n + 300))
        .execute();
    }
    await chain(AbortSignal.abort());
    expect(await verify()).toMatchObject({ rows: 0, unchained: { rows: 1203 } });
    await chain(signal);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 1203, head: { number: 1203 } });
    await expect(verifyChain(context, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it.each<[string, (db: Db) => Promise<unknown>, string]>([
    [
      'an edited row',
      (of) => of.updateTable('audit_logs').set({ address: '127.0.0.1' }).where('number', '=', 2).execute(),
      'Row 2 was changed, or does not belong behind row 1.',
    ],
    [
      'a removed row',
      (of) => of.deleteFrom('audit_logs').where('number', '=', 3).execute(),
      'Row 3 was removed.',
    ],
    [
      'the newest rows removed',
      (of) => of.deleteFrom('audit_logs').where('number', '>', 3).execute(),
      'Each row from 4 to 5 was removed.',
    ],
    [
      'the oldest rows removed',
      (of) => of.deleteFrom('audit_logs').where('number', '<', 3).execute(),
      'Each row from 1 to 2 was removed.',
    ],
    [
      'the end put back',
      async (of) => {
        await of.deleteFrom('audit_logs').where('number', '>', 3).execute();
        const { hash } = await of
          .selectFrom('audit_logs')
          .select('hash')
          .where('number', '=', 3)
          .executeTakeFirstOrThrow();
        await of
          .updateTable('audit_marks')
          .set({ number: 3, hash: hash ?? '' })
          .execute();
      },
      'The mark of the chain’s end, at row 3, is not signed by this installation.',
    ],
    [
      'the end removed',
      (of) => of.deleteFrom('audit_marks').execute(),
      'Row 5 is numbered, but the chain has no end that says so: its mark was removed or put back.',
    ],
    [
      'a row behind the end',
      (of) =>
        of
          .insertInto('audit_logs')
          .values({
            ...{ id: 'c9', action: 'update', resource_type: 'user', number: 6, hash: 'x', success: 1 },
            created_at: TODAY.toISOString(),
          })
          .execute(),
      'Row 6 is numbered, but the chain has no end that says so: its mark was removed or put back.',
    ],
  ])('tells of %s, and is not led on from a false end', async (_, tamper, message) => {
    await notes(5);
    await chain(signal);
    await tamper(db);
    const report = await verify();
    expect(report.isIntact).toBe(false);
    expect(report.faults.map((fault) => fault.message)).toContain(message);
    await note('after it', later(5000));
    await chain(signal);
    // A restart forgets where the end was, and chains nothing behind one that is not signed.
    await createChainer(context)(signal);
    const after = await verify();
    expect(after.isIntact).toBe(false);
    expect(after.faultCount).toBeGreaterThan(0);
  });

  it('is not begun anew where somebody has taken the whole of it apart', async () => {
    await notes(3);
    await chain(signal);
    await db.updateTable('audit_logs').set({ number: null, hash: null, address: '127.0.0.1' }).execute();
    await db.deleteFrom('audit_marks').execute();
    for (const restarted of [1, 2]) {
      await createChainer(context)(signal);
      expect([restarted, await verify()]).toMatchObject([
        restarted,
        {
          ...{ isIntact: false, rows: 0, head: null, unchained: { rows: 3 } },
          faults: [{ kind: 'end', message: 'The mark of the chain’s end was removed.' }],
        },
      ]);
    }
    expect(lines.filter((line) => line.includes('The mark of its end was removed.'))).toHaveLength(2);
  });

  it('is not begun anew by a key of its own: an end that was left is not signed by that, and the key is another', async () => {
    await notes(3);
    await chain(signal);
    const { publicKey, head } = await verify();
    await db.updateTable('audit_logs').set({ number: null, hash: null }).execute();
    await db.deleteFrom('signing_keys').execute();
    await createChainer(context)(signal);
    const after = await verify();
    expect(after).toMatchObject({ isIntact: false, rows: 0, head, unchained: { rows: 3 } });
    expect(after.publicKey).not.toBe(publicKey);
  });

  it('has one first end where several begin at once', async () => {
    await note('first', TODAY);
    const reports = await Promise.all([verify(), verify(), verify()]);
    expect(new Set(reports.map(({ publicKey }) => publicKey)).size).toBe(1);
    for (const report of reports) expect(report).toMatchObject({ isIntact: true, head: { number: 0 } });
    await chain(signal);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 1 });
  });

  it('gives no number below 1 to a row, and takes none that is no whole one', async () => {
    await notes(1);
    for (const number of state === 'SQLite' ? [0, -1, 1.5, 'abc', '1x'] : [0, -1]) {
      const odd = sql`update audit_logs set number = ${number}`.execute(db);
      await expect(odd, String(number)).rejects.toThrow(/check/i);
    }
  });

  it('tells of rows with such numbers, and goes on, and so does retention, which leaves them', async () => {
    await notes(4, later(-100 * DAY_MS));
    await notes(2);
    await chain(signal);
    const odd = state === 'SQLite' ? [0, -7, 'abc', 1.5] : [0, -7];
    await withoutChecks(db, state);
    const at = later(-200 * DAY_MS).toISOString();
    for (const [n, number] of odd.entries()) {
      await sql`insert into audit_logs (id, action, resource_type, success, created_at, number, hash)
        values (${`odd${n}`}, 'update', 'user', 1, ${at}, ${number}, ${'0'.repeat(64)})`.execute(db);
    }
    const told = async () => {
      const { isIntact, faults, faultCount } = await verify();
      expect([isIntact, faultCount]).toEqual([false, odd.length]);
      return faults.map(({ kind, id }) => `${kind} ${id}`).sort();
    };
    const all = odd.map((_, n) => `added odd${n}`);
    expect(await told()).toEqual(all);
    await note('after them', later(5000));
    await createChainer(context)(signal);
    expect(await hasUnchained(db)).toBe(false);
    expect(await forgetOldAudit(context, 90, signal)).toBe(4);
    expect(await told()).toEqual(all);
  });

  it('tells of a second row with a number, wherever it stands', async () => {
    const row = {
      action: 'update',
      resource_type: 'user',
      success: 1,
      created_at: at.toISOString(),
    } as const;
    const rows = Array.from({ length: 500 }, (_, n) => ({ ...row, id: `c${n}` }));
    await db.insertInto('audit_logs').values(rows).execute();
    await chain(signal);
    await db.schema.dropIndex('audit_logs_number').execute();
    await sql`create table mine (id text)`.execute(db);
    const twice = { ...row, id: 'twice', number: 500, hash: '0'.repeat(64) };
    await db.insertInto('audit_logs').values(twice).execute();
    const { faults } = await verify();
    expect(faults).toContainEqual(expect.objectContaining({ kind: 'added', number: 500 }));
  });

  it('is not led on from an older end that was signed once, and says so in the log once an hour', async () => {
    await notes(2);
    await chain(signal);
    const old = await db.selectFrom('audit_marks').selectAll().executeTakeFirstOrThrow();
    await notes(2, later(1000));
    await chain(signal);
    await db.deleteFrom('audit_logs').where('number', '>', 2).execute();
    await db.updateTable('audit_marks').set(old).execute();
    await note('after it', later(5000));
    await chain(signal);
    await chain(signal);
    expect(lines.filter((line) => line.includes('Its end was put back from row 4 to row 2.'))).toHaveLength(
      1,
    );
    expect(await verify()).toMatchObject({ head: { number: 2 }, unchained: { rows: 1 } });
    at = later(3_700_000);
    await chain(signal);
    expect(lines.filter((line) => line.includes('put back'))).toHaveLength(2);
  });

  it('loses its old rows, and begins at a signed mark from then on', async () => {
    await notes(4, later(-100 * DAY_MS));
    await notes(3, later(-10 * DAY_MS));
    await note('late', later(-95 * DAY_MS));
    await chain(signal);
    expect(await forgetOldAudit(context, 0, signal)).toBe(0);
    const head = (await verify()).head;
    // By their order, not by their time: the old row that came late stands among the old ones.
    expect(await forgetOldAudit(context, 90, signal)).toBe(5);
    expect(await verify()).toMatchObject({
      ...{ isIntact: true, rows: 3, start: { number: 5 }, head },
    });
    expect(await forgetOldAudit(context, 90, signal)).toBe(0);
    await note('next', TODAY);
    await chain(signal);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 4, head: { number: 9 } });
    // The newest stays whatever its age.
    at = later(200 * DAY_MS);
    expect(await forgetOldAudit(context, 90, signal)).toBe(3);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 1, start: { number: 8 } });
    await db.deleteFrom('audit_logs').where('number', 'is not', null).execute();
    expect(await verify()).toMatchObject({ isIntact: false, faults: [{ kind: 'missing', number: 9 }] });
  });

  it('loses rows of a clock that was ahead with those behind them, and none that are younger', async () => {
    for (const days of [-100, 400, 400, -99]) {
      await notes(2, later(days * DAY_MS));
      await chain(signal);
    }
    await notes(2, later(400 * DAY_MS));
    await chain(signal);
    await notes(2, TODAY);
    await chain(signal);
    expect(await forgetOldAudit(context, 90, signal)).toBe(8);
    expect(await forgetOldAudit(context, 90, signal)).toBe(0);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 4, start: { number: 8 } });
  });

  it('loses them however many they are', async () => {
    const many = async (count: number, when: Date) => {
      await write(db, async (trx) => {
        const entry = auditEntry('server', 'update', { id: 'c1', name: ODD });
        for (let n = 0; n < count; n += 1)
          await recordAudit(trx, { userId: null, address: null }, entry, new Date(when.getTime() + n));
      });
      await chain(signal);
    };
    await many(1200, later(400 * DAY_MS));
    expect(await forgetOldAudit(context, 90, signal)).toBe(0);
    await many(1, later(-100 * DAY_MS));
    await many(2, TODAY);
    expect(await forgetOldAudit(context, 90, signal)).toBe(1201);
    expect(await verify()).toMatchObject({ isIntact: true, rows: 2, start: { number: 1201 } });
  });

  it('keeps what is old from a row on that was changed: that is evidence', async () => {
    await notes(6, later(-100 * DAY_MS));
    await chain(signal);
    await db.updateTable('audit_logs').set({ user_id: 'somebody' }).where('number', '=', 4).execute();
    expect(await forgetOldAudit(context, 90, signal)).toBe(3);
    await expect(forgetOldAudit(context, 90, signal)).rejects.toThrow('at row 4');
    expect(await verify()).toMatchObject({ isIntact: false, rows: 3, start: { number: 3 } });
    await db.updateTable('audit_marks').set({ number: 4 }).where('name', '=', 'start').execute();
    await expect(forgetOldAudit(context, 90, signal)).rejects.toThrow('at row 5');
    expect((await verify()).faults[0]?.message).toContain('beginning, at row 4, is not signed');
  });
});

/** As somebody who owns the database can have it; nobody else gets that one. */
async function withoutChecks(db: Db, state: State): Promise<void> {
  if (state === 'SQLite') {
    await sql`pragma ignore_check_constraints = on`.execute(db);
    return;
  }
  await sql`alter table audit_logs drop constraint audit_logs_number_check`.execute(db);
  await sql`create table mine (id text)`.execute(db);
}
