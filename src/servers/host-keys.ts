import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { fingerprintOf } from '../hosts/host-key.ts';
import { parseHostKey } from './host-key.ts';
import { auditedServer, getServerRow, type Server, toServer } from './servers.ts';

/** A public key as in known_hosts or `ssh-keyscan`, with or without the host in front and a comment behind. */
export const hostKeyInput = z.object({ hostKey: z.string().min(1).max(16_384) });

/** Pins this key. Throws `invalid` for text that is no public key, `not_found`. */
export async function setHostKey(
  context: Context,
  actor: Actor,
  serverId: string,
  hostKey: string,
): Promise<Server> {
  return store(context, actor, serverId, parseHostKey(hostKey));
}

/** Forgets the pinned key: the next connection that a person starts pins anew. Throws `not_found`. */
export async function removeHostKey(context: Context, actor: Actor, serverId: string): Promise<Server> {
  return store(context, actor, serverId, null);
}

async function store(
  context: Context,
  actor: Actor,
  serverId: string,
  hostKey: string | null,
): Promise<Server> {
  const fingerprint = hostKey === null ? null : await fingerprintOf(hostKey);
  const row = await write(context.db, async (trx) => {
    await getServerRow(trx, serverId);
    const updated = await trx
      .updateTable('servers')
      .set({ host_key: hostKey, updated_at: context.now().toISOString() })
      .where('id', '=', serverId)
      .returningAll()
      .executeTakeFirstOrThrow();
    const details = { hostKey: fingerprint ?? 'removed' };
    await recordAudit(trx, actor, auditedServer('update', updated, { details }), context.now());
    return updated;
  });
  return toServer(row);
}
