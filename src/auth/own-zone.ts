import * as z from 'zod';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { timeZoneField, zoneNamed } from '../time-zone.ts';

/** Blank: none. */
export const ownZone = z.union([z.literal('').transform(() => null), timeZoneField]);

/** The zone in which an account reads the times of pages; null: that of the browser, else the installation's. Nobody else sees it. */
export async function chooseZone({ db, now }: Context, userId: string, zone: string | null): Promise<void> {
  const named = zone === null ? null : zoneNamed(zone);
  await write(db, (trx) =>
    trx
      .updateTable('users')
      .set({ time_zone: named, updated_at: now().toISOString() })
      .where('id', '=', userId)
      .execute(),
  );
}
