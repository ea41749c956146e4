import { afterAll, describe, expect, it } from 'vitest';
import type { Db, RunState } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { forgetOldLogs } from '../../src/runs/forget-old-logs.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

/** Ninety days after the last instant of a leap day. */
const NOW = new Date('2028-05-29T23:59:59.999Z');
const DAYS_90 = 90 * 86_400_000;

/** Runs that were asked for so long ago, each with a log. */
async function addRuns(db: Db, state: RunState, agesMs: readonly number[]): Promise<readonly string[]> {
  const runs = agesMs.map((ageMs) => {
    const id = newId();
    const at = new Date(NOW.getTime() - ageMs).toISOString();
    return {
      ...({ id, kind: 'backup', subject_id: null, server_id: null, lane: `database:${id}`, state } as const),
      ...({
        input: null,
        step: null,
        progress: 100,
        detail: null,
        error: null,
        attempts: 1,
        in_repair: 0,
      } as const),
      ...{ is_background: null, created_at: at, started_at: at, ended_at: at, cancel_requested_at: null },
      ...{ claimed_by: null, lease_until: null },
    };
  });
  const ids = runs.map(({ id }) => id);
  await db.insertInto('runs').values(runs).execute();
  await db
    .insertInto('run_logs')
    .values(ids.map((id) => ({ run_id: id, lines: `{"at":"x","message":"ü 🗝 <script>"}` })))
    .execute();
  return ids;
}

const kept = async (db: Db) =>
  (await db.selectFrom('run_logs').select('run_id').execute()).map(({ run_id: id }) => id).toSorted();

describe.each(STATES)('what runs said, on %s', (state) => {
  it('is forgotten of completed ones after 90 days, and stays of all others, with the runs themselves', async () => {
    const db = await openState(state);
    await addRuns(db, 'completed', [DAYS_90 + 1, 10 * DAYS_90]);
    const stays = await addRuns(db, 'completed', [DAYS_90, 1, 0]);
    const others = await Promise.all(
      (['failed', 'interrupted', 'cancelled', 'uncertain', 'pending', 'running'] as const).map((one) =>
        addRuns(db, one, [10 * DAYS_90]),
      ),
    );
    await forgetOldLogs({ db, now: () => NOW });
    expect(await kept(db)).toEqual([...stays, ...others.flat()].toSorted());
    expect((await db.selectFrom('runs').select('id').execute()).length).toBe(11);
    await db.destroy();
  });

  it('is forgotten of thousands of the same instant, a few at a time, and not behind an end of the app', async () => {
    const db = await openState(state);
    const ages = Array.from({ length: 300 }, () => 2 * DAYS_90);
    for (let n = 0; n < 4; n += 1) await addRuns(db, 'completed', ages);
    await addRuns(db, 'completed', [DAYS_90 + 1]);
    await forgetOldLogs({ db, now: () => NOW }, AbortSignal.abort());
    expect((await kept(db)).length).toBe(1201);
    await forgetOldLogs({ db, now: () => NOW });
    expect(await kept(db)).toEqual([]);
    // Once more, where nothing is left.
    await forgetOldLogs({ db, now: () => NOW });
    await db.destroy();
  });
});
