import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { recordEvent } from '../events/events.ts';
import { forgetTrouble, notedTroubles, noteTrouble } from '../events/noted-troubles.ts';
import { type FreeSpace, hasRoomAgain, isFillingUp } from '../installation/free-space.ts';

export interface DiskContext extends Context {
  /** Null where the app's data is elsewhere, or nobody can tell. */
  readonly freeSpace: () => Promise<FreeSpace | null>;
}

const ID = 'disk:data';
const OF_ALL = { databaseId: null, environmentId: null } as const;

/** Whether the disk of the app has begun to be nearly full, or has room again, and nobody was told. */
export async function hasDiskNews(context: DiskContext): Promise<boolean> {
  return (await diskNews(context)) !== null;
}

/** Tells once that the disk of the app is nearly full, and once that it has room again. */
export async function watchDisk(context: DiskContext): Promise<void> {
  const news = await diskNews(context);
  if (news === null) return;
  const { db, now } = context;
  const { free, total } = news.space;
  const data = { free, total };
  await write(db, async (trx) => {
    const at = now();
    const trouble = { id: ID, kind: 'disk', stage: 'full', since: at.toISOString() } as const;
    if (news.isFull && (await noteTrouble(trx, trouble))) {
      await recordEvent(trx, { type: 'disk.nearly_full', ...OF_ALL, data }, at);
    }
    if (!news.isFull && (await forgetTrouble(trx, ID)) !== undefined) {
      await recordEvent(trx, { type: 'disk.recovered', ...OF_ALL, data }, at);
    }
  });
}

/** Null where nothing has changed, or nobody can tell. */
async function diskNews({
  db,
  freeSpace,
}: DiskContext): Promise<{ readonly isFull: boolean; readonly space: FreeSpace } | null> {
  const space = await freeSpace();
  if (space === null) return null;
  const isNoted = (await notedTroubles(db, 'disk')).length > 0;
  const hasChanged = isNoted ? hasRoomAgain(space) : isFillingUp(space);
  return hasChanged ? { isFull: !isNoted, space } : null;
}
