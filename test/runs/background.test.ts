import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db, RunKindName } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import type { RunKind } from '../../src/runs/kind.ts';
import { takeNext } from '../../src/runs/take.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const KIND: RunKind = {
  isLimited: true,
  words: { noun: 'run "ü"', cancelled: 'c', stopped: 's' },
  first: { step: 'first', progress: 0 },
  run: async () => {},
  repair: async () => {},
};

afterAll(dropStates);

describe.each(STATES)('what nobody waits for, on %s,', (state) => {
  let db: Db;
  let count = 0;
  beforeEach(async () => {
    db = await openState(state);
  });
  afterEach(() => db.destroy());

  async function wait(kind: RunKindName, isBackground = false): Promise<string> {
    const id = newId();
    count += 1;
    await db
      .insertInto('runs')
      .values({
        ...{ id, kind, subject_id: null, server_id: null, lane: `lane ${count} 😀`, state: 'pending' },
        ...{ progress: 0, attempts: 0, in_repair: 0, is_background: isBackground ? 1 : null },
        created_at: new Date(Date.UTC(2026, 0, 1) + count).toISOString(),
      })
      .execute();
    return id;
  }
  const take = async (total: number, perServer = total) => {
    const kinds = { backup: KIND, verification: KIND, drill: KIND };
    const taker = { db, kinds, claimedBy: 'me', leaseMs: 60_000, now: () => new Date() };
    return (await takeNext(taker, { total, perServer }))?.id;
  };

  it('is taken after all that somebody waits for, however long it has waited', async () => {
    const drill = await wait('drill', true);
    const verification = await wait('verification', true);
    const [backup, asked] = [await wait('backup'), await wait('verification')];
    expect([await take(9), await take(9), await take(9), await take(9)]).toEqual([
      ...[backup, asked, drill, verification],
    ]);
  });

  it('takes no room from a backup, in all and on its server', async () => {
    const drill = await wait('drill', true);
    expect(await take(1)).toBe(drill);
    const backup = await wait('backup');
    expect(await take(1)).toBe(backup);
    await wait('backup');
    expect(await take(1)).toBeUndefined();
  });

  it('has only what is free, and half of it all at most', async () => {
    const first = await wait('backup');
    expect(await take(2)).toBe(first);
    const [one, two, three] = [
      await wait('drill', true),
      await wait('drill', true),
      await wait('drill', true),
    ];
    expect(await take(1)).toBeUndefined();
    expect(await take(4, 1)).toBeUndefined();
    expect(await take(4)).toBe(one);
    expect(await take(4)).toBe(two);
    expect(await take(4)).toBeUndefined();
    expect(await take(9)).toBe(three);
  });
});
