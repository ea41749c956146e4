import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import type { Report } from '../events/report.ts';
import { newId } from '../ids.ts';
import type { TypeId } from './types.ts';

const REPORT: TypeId = 'system.weekly_report';

/**
 * Puts a report on its way to the mail of a user who asks for it now. `on-its-way`: one is already, which is not sent twice; `no-server`:
 * there is no mail server.
 */
export async function mailReportTo(
  { db, now }: Context,
  { id, email }: { readonly id: string; readonly email: string },
  report: Report,
): Promise<'queued' | 'on-its-way' | 'no-server'> {
  return write(db, async (trx) => {
    const server = await trx.selectFrom('smtp_settings').select('id').limit(1).executeTakeFirst();
    if (server === undefined) return 'no-server';
    const waiting = await trx
      .selectFrom('deliveries')
      .select('id')
      .where('way', '=', 'email')
      .where('target_id', '=', id)
      .where('event', '=', REPORT)
      .where('next_try_at', 'is not', null)
      .limit(1)
      .executeTakeFirst();
    if (waiting !== undefined) return 'on-its-way';
    const at = now().toISOString();
    await trx
      .insertInto('deliveries')
      .values({
        ...{ id: newId(), way: 'email', target_id: id, recipient: email, event: REPORT },
        ...{ body: JSON.stringify(report), status: 'pending', attempts: 0, created_at: at, next_try_at: at },
      })
      .execute();
    return 'queued';
  });
}
