import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { type EarlierDeepTest, lostSince } from '../../src/object-stores/deep-test/lost.ts';
import type { Check, CheckId, TestedStorage } from '../../src/object-stores/deep-test/result.ts';
import { tellOfCapabilities } from '../../src/storage/capabilities.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const HERE = 'https://127.0.0.1:9000';
type Outcomes = Partial<Record<CheckId, Check['outcome']>>;

/** What a test of one bucket found; all that is not named works. */
function tested(outcomes: Outcomes, endpoint = HERE): TestedStorage {
  const ids = ['put', 'delete', 'multipart', 'readBack'] as const;
  const checks = ids.map((id) => ({
    ...{ id, outcome: outcomes[id] ?? ('ok' as const), requestId: null },
    message: `The storage says "no <b>" to ${id}.`,
  }));
  return {
    ...{ endpoint, provider: 'x', source: 'configured', problems: [], lost: [] },
    buckets: [
      {
        ...{ bucket: 'back-ups', prefix: '', durationMs: 1, checks, versioning: 'off', objectLock: null },
        ...{ storageClass: null, clockOffsetMs: null, uploadBytesPerSecond: null, writtenBytes: 0 },
        ...{ downloadBytesPerSecond: null, removedFromEarlier: 0, left: [] },
      },
    ],
  };
}

afterAll(dropStates);

describe.each(STATES)('what the storage can do no more, on %s', (state) => {
  let db: Db;
  /** The newest first. */
  let earlier: readonly EarlierDeepTest[];
  /** As the page of the test shows it. */
  let lost: readonly string[];
  let minute: number;
  beforeEach(async () => {
    [db, earlier, minute] = [await openState(state), [], 0];
  });
  afterEach(() => db.destroy());

  /** The events of the next test. */
  const test = async (found: TestedStorage) => {
    minute += 1;
    const at = new Date(Date.UTC(2026, 1, 28, 23, 58 + minute));
    const before = earlier;
    earlier = [{ ...found, finishedAt: at.toISOString() }, ...before];
    lost = lostSince(before, found);
    await write(db, (trx) => tellOfCapabilities(trx, before, found, at));
    const rows = await db.selectFrom('events').select(['type', 'data']).execute();
    await db.deleteFrom('events').execute();
    return rows.map(({ type, data }) => `${type.split('_')[1]} ${JSON.parse(data).capabilityId}`).sort();
  };

  it('is told once, and once that it works again', async () => {
    expect(await test(tested({ multipart: 'failed' }))).toEqual([]);
    expect(await test(tested({}))).toEqual([]);
    expect(await test(tested({ delete: 'failed', multipart: 'absent' }))).toEqual([
      'lost back-ups:delete',
      'lost back-ups:multipart',
    ]);
    expect(await test(tested({ delete: 'failed', multipart: 'absent' }))).toEqual([]);
    expect(await test(tested({ multipart: 'failed' }))).toEqual(['recovered back-ups:delete']);
    expect(await test(tested({}))).toEqual(['recovered back-ups:multipart']);
    expect(await test(tested({}))).toEqual([]);
  });

  it('is nothing of what was not tried, and stays lost meanwhile', async () => {
    await test(tested({}));
    expect(await test(tested({ put: 'failed', delete: 'skipped' }))).toEqual(['lost back-ups:put']);
    expect(await test(tested({ put: 'skipped' }))).toEqual([]);
    expect(await test(tested({}))).toEqual(['recovered back-ups:put']);
  });

  it('is told though the storage was out, or another, when it was tested last', async () => {
    await test(tested({ multipart: 'absent' }));
    await test(tested({ multipart: 'skipped', delete: 'skipped' }));
    await test({ ...tested({}), buckets: [] });
    await test(tested({}, 'https://elsewhere.example'));
    expect(await test(tested({ multipart: 'absent', delete: 'failed' }))).toEqual(['lost back-ups:delete']);
    expect(lost).toEqual([
      'Bucket back-ups: "Delete" worked at 2026-02-28 23:59 UTC and does not any more. The storage says "no <b>" to delete.',
    ]);
    expect(await test(tested({ multipart: 'absent', delete: 'skipped' }))).toEqual([]);
    expect(lost).toEqual([]);
  });

  it('is forgotten with its storage', async () => {
    await test(tested({}));
    await test(tested({ delete: 'failed' }));
    expect(await test(tested({ delete: 'failed' }, 'https://elsewhere.example'))).toEqual([]);
    expect(await db.selectFrom('noted_troubles').selectAll().execute()).toEqual([]);
  });
});
