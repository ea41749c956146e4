import type { StoredGrowth } from '../../../views/parts/stored-growth.ts';
import { type Scope, storedByDay } from '../../backups/day-tallies.ts';
import { dayOf } from '../../backups/days.ts';
import { forecastStored } from '../../backups/stored-forecast.ts';
import { storedOf } from '../../backups/stored-totals.ts';
import { untilWritten } from '../../db/until-written.ts';
import type { Services } from '../../services-port.ts';

const STORED_DAYS = 60;
const WEEK_DAYS = 7;

/** One environment, or all where none is named. */
export const scopeOf = (environmentId: string | null): Scope =>
  environmentId === null ? {} : { environmentId };

/** What lies in all storages and on the hosts' disks, and how it came to be so much. */
export async function storedIn({ db, now }: Services, environmentId: string | null): Promise<StoredGrowth> {
  return storedUntil(db, environmentId, dayOf(now()));
}

const storedUntil = untilWritten(
  async (db, environmentId: string | null, last: string): Promise<StoredGrowth> => {
    const { bytes, places } = await storedOf(db, environmentId);
    const days = await storedByDay(db, scopeOf(environmentId), { last, days: STORED_DAYS, now: bytes });
    return {
      bytes,
      places,
      inAWeek: bytes - (days.at(-1 - WEEK_DAYS)?.bytes ?? 0),
      forecast: forecastStored(days, bytes),
      points: days.map((day) => ({ at: `${day.day}T00:00:00.000Z`, bytes: day.bytes })),
    };
  },
);
