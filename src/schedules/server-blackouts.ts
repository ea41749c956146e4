import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { line } from '../fields.ts';
import { newId } from '../ids.ts';
import { getServerRow } from '../servers/servers.ts';
import { clockMinutes, clockText } from './blackouts.ts';

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'Must be a time such as 22:30' });

/** When nothing is begun on a server by schedule; an end that is not after the beginning is the next day's. */
export const blackoutsInput = z.object({
  blackouts: z
    .array(
      z.object({
        /** On which it begins; 0 is Sunday. */
        weekdays: z.array(z.number().int().min(0).max(6)).min(1).max(7),
        from: clock,
        until: clock,
        reason: line(200).nullable().default(null),
      }),
    )
    .max(50),
});

export type Blackout = Readonly<z.infer<typeof blackoutsInput>['blackouts'][number]>;

/** Throws `not_found`. */
export async function listBlackouts(db: Db | Trx, serverId: string): Promise<readonly Blackout[]> {
  await getServerRow(db, serverId);
  const rows = await db
    .selectFrom('server_blackouts')
    .selectAll()
    .where('server_id', '=', serverId)
    .orderBy('from_minute')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    weekdays: [...row.weekdays].map(Number),
    from: clockText(row.from_minute),
    until: clockText(row.until_minute),
    reason: row.reason,
  }));
}

/** Replaces them all. Throws `not_found`. */
export async function saveBlackouts(
  { db, now }: Context,
  actor: Actor,
  serverId: string,
  blackouts: readonly Blackout[],
): Promise<readonly Blackout[]> {
  return write(db, async (trx) => {
    const server = await getServerRow(trx, serverId);
    await trx.deleteFrom('server_blackouts').where('server_id', '=', serverId).execute();
    for (const { weekdays, from, until, reason } of blackouts) {
      await trx
        .insertInto('server_blackouts')
        .values({
          id: newId(),
          server_id: serverId,
          weekdays: [...new Set(weekdays)].sort().join(''),
          from_minute: clockMinutes(from),
          until_minute: clockMinutes(until),
          reason,
        })
        .execute();
    }
    const of = { id: serverId, name: server.name, environmentId: server.environment_id };
    const entry = auditEntry('server_blackouts', 'update', of, { details: { blackouts } });
    await recordAudit(trx, actor, entry, now());
    return listBlackouts(trx, serverId);
  });
}
