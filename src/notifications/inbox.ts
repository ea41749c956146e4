import type { Context } from '../db/context.ts';
import type { Db, NotificationRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { TYPE_IDS, typeOf } from './types.ts';

/** What of a user's own notifications is asked for. */
export interface InboxFilter {
  readonly unreadOnly?: boolean;
  readonly environmentId?: string | undefined;
  readonly category?: string | undefined;
}

/** A user's own, newest first. */
export async function listNotifications(
  db: Db,
  userId: string,
  filter: InboxFilter,
  page: { readonly limit: number; readonly offset: number },
): Promise<readonly NotificationRow[]> {
  return matching(db, userId, filter)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

/** Throws `not_found`, also for somebody else's. */
export async function getNotification(db: Db, userId: string, id: string): Promise<NotificationRow> {
  const row = await db
    .selectFrom('notifications')
    .selectAll()
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Notification not found');
  return row;
}

export async function countNotifications(db: Db, userId: string, filter: InboxFilter): Promise<number> {
  const { count } = await matching(db, userId, filter)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Unread news of trouble, for the navigation of every page: no more than so many are counted. */
export async function countUnreadTrouble(db: Db, userId: string): Promise<number> {
  const rows = await db
    .selectFrom('notifications')
    .select('id')
    .where('user_id', '=', userId)
    .where('in_app_read_at', 'is', null)
    .where('severity', 'in', ['warning', 'critical'])
    .limit(MOST_COUNTED)
    .execute();
  return rows.length;
}

/** Above what one takes in at a glance. */
export const MOST_COUNTED = 100;

/** Read again, it stays read since the first time. Throws `not_found`, also for somebody else's. */
export async function markRead({ db, now }: Context, userId: string, id: string): Promise<NotificationRow> {
  return write(db, async (trx) => {
    await trx
      .updateTable('notifications')
      .set({ in_app_read_at: now().toISOString() })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('in_app_read_at', 'is', null)
      .execute();
    return getNotification(trx, userId, id);
  });
}

/** All that the user has; how many were unread. */
export async function markAllRead({ db, now }: Context, userId: string): Promise<number> {
  return write(db, async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('notifications')
      .set({ in_app_read_at: now().toISOString() })
      .where('user_id', '=', userId)
      .where('in_app_read_at', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  });
}

function matching(db: Db | Trx, userId: string, { unreadOnly, environmentId, category }: InboxFilter) {
  const types = TYPE_IDS.filter((id) => typeOf(id).category === category);
  return db
    .selectFrom('notifications')
    .where('user_id', '=', userId)
    .$if(unreadOnly === true, (query) => query.where('in_app_read_at', 'is', null))
    .$if(environmentId !== undefined, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .$if(category !== undefined, (query) => query.where('type_id', 'in', types.length > 0 ? types : ['']));
}
