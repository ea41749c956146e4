import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import type { Session } from './sessions.ts';
import { auditedUser } from './users.ts';

/** Ends somebody's own session. */
export async function signOut(
  { db, now }: Context,
  actor: Omit<Actor, 'userId'>,
  { id, user }: Pick<Session, 'id' | 'user'>,
): Promise<void> {
  await write(db, async (trx) => {
    await trx.deleteFrom('sessions').where('id', '=', id).execute();
    await recordAudit(trx, { ...actor, userId: user.id }, auditedUser('sign_out', user), now());
  });
}
