import { expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { giveBackDeliveries, listDue, takeDelivery } from '../../src/notifications/deliveries.ts';
import { createPeriodic } from '../../src/runs/periodic.ts';
import { openTestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
/** Past the pause before the second try, and within the lease of the first. */
const AFTER_MS = 31_000;

it.each([
  [true, ['first ü']],
  [false, []],
] as const)(
  'what a killed process was about to send is due again at once where nobody else can have it (%s)',
  async (isAlone, due) => {
    const db = await openTestDatabase();
    const at = new Date(BEGIN);
    await db
      .insertInto('deliveries')
      .values({
        ...{ id: 'first ü', way: 'channel', target_id: 'one', recipient: 'one', event: 'x', attempts: 0 },
        ...{ status: 'pending', created_at: at.toISOString(), next_try_at: at.toISOString(), body: null },
        ...{
          last_error: null,
          response_status: null,
          claimed_by: null,
          lease_until: null,
          delivered_at: null,
        },
      })
      .execute();
    expect(await takeDelivery(db, 'first ü', 'killed', at)).not.toBeNull();

    const now = () => new Date(BEGIN + AFTER_MS);
    let isListed = false;
    const task = {
      ...{ name: 'afterwards', everyMs: 3_600_000 },
      run: async () => {
        isListed = true;
      },
    };
    const log = createLog('debug', () => undefined, now);
    const periodic = createPeriodic({ db, log, now }, [task], { isAlone, giveBack: giveBackDeliveries });
    periodic.start();
    await until('the tasks to be listed', 5_000, () => isListed);
    expect(await listDue(db, 'channel', now())).toEqual(due);
    await periodic.stop(5_000);
    await db.destroy();
  },
);
