import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { auditedDatabase, getDatabaseRow } from './databases.ts';
import { changesOfTarget, presentTarget } from './password-target.ts';
import { addressOfServer, nameOfTarget } from './password-targets.ts';

/** The target that was seen, as `passwordHeld.target` names it; absent: the present one. */
export const targetConfirmation = z.object({ target: z.string().max(64).optional() });

/**
 * Lets the stored password go to where the settings of the database lead now; nothing happens where nothing holds it
 * back. Throws `not_found`, `conflict` where the settings are not those that were seen.
 */
export async function confirmTarget(
  context: Context,
  actor: Actor,
  id: string,
  { target: seen }: z.infer<typeof targetConfirmation>,
): Promise<void> {
  const before = await getDatabaseRow(context.db, id);
  const target = presentTarget(before, await addressOfServer(context.db, before.server_id));
  await requireSeen(seen, target);
  await write(context.db, async (trx) => {
    const row = await getDatabaseRow(trx, id);
    const address = await addressOfServer(trx, row.server_id);
    if (JSON.stringify(presentTarget(row, address)) !== JSON.stringify(target)) throw changed();
    const confirmed = changesOfTarget(row, address);
    if (confirmed.length === 0) return;
    await trx
      .updateTable('databases')
      .set({ password_target: JSON.stringify(target), updated_at: context.now().toISOString() })
      .where('id', '=', id)
      .execute();
    const entry = auditedDatabase('confirm_target', row, { details: { confirmed } });
    await recordAudit(trx, actor, entry, context.now());
  });
}

/** Throws `conflict` where the settings of the database lead elsewhere than was seen. */
export async function requireSeenTarget(db: Db, id: string, seen: string | undefined): Promise<void> {
  const row = await getDatabaseRow(db, id);
  await requireSeen(seen, presentTarget(row, await addressOfServer(db, row.server_id)));
}

async function requireSeen(
  seen: string | undefined,
  target: Parameters<typeof nameOfTarget>[0],
): Promise<void> {
  if (seen !== undefined && seen !== (await nameOfTarget(target))) throw changed();
}

function changed(): AppError {
  return new AppError(
    'conflict',
    'The settings of the database or its server were changed meanwhile. Look at them again.',
  );
}
