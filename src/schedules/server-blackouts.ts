import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, ServerBlackoutRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { line } from '../fields.ts';
import { newId } from '../ids.ts';
import { getServerRow } from '../servers/servers.ts';
import { clockMinutes, clockText } from './blackouts.ts';

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'Must be a time such as 22:30' });

const MOST = 50;

/** When nothing is begun on a server by schedule; an end that is not after the beginning is the next day's. */
export const blackoutInput = z.object({
  /** On which it begins; 0 is Sunday. */
  weekdays: z
    .array(z.number().int().min(0).max(6))
    .max(7)
    .refine((days) => days.length > 0, { error: 'Choose at least one day' }),
  from: clock,
  until: clock,
  reason: line(200).nullable().default(null),
});
export const blackoutsInput = z.object({ blackouts: z.array(blackoutInput).max(MOST) });

export type Blackout = Readonly<z.infer<typeof blackoutInput>>;

export type BlackoutsByServer = ReadonlyMap<string, readonly ServerBlackoutRow[]>;

/** Of all servers that have any. */
export async function blackoutsByServer(db: Db): Promise<BlackoutsByServer> {
  const rows = await db.selectFrom('server_blackouts').selectAll().execute();
  return Map.groupBy(rows, (row) => row.server_id);
}

/** Throws `not_found`. */
export async function listBlackouts(db: Db | Trx, serverId: string): Promise<readonly Blackout[]> {
  return (await namedBlackouts(db, serverId)).map(({ id, ...blackout }) => blackout);
}

/** With their ids. Throws `not_found`. */
export async function namedBlackouts(
  db: Db | Trx,
  serverId: string,
): Promise<readonly (Blackout & { readonly id: string })[]> {
  await getServerRow(db, serverId);
  const rows = await db
    .selectFrom('server_blackouts')
    .selectAll()
    .where('server_id', '=', serverId)
    .orderBy('from_minute')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
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
    await getServerRow(trx, serverId);
    await trx.deleteFrom('server_blackouts').where('server_id', '=', serverId).execute();
    for (const blackout of blackouts) await insert(trx, serverId, blackout);
    return audited(trx, actor, serverId, now());
  });
}

/** One more. Throws `not_found`, and `invalid` where there are as many as there may be. */
export async function addBlackout(
  { db, now }: Context,
  actor: Actor,
  serverId: string,
  blackout: Blackout,
): Promise<void> {
  await write(db, async (trx) => {
    if ((await listBlackouts(trx, serverId)).length >= MOST) {
      throw new AppError('invalid', `A server has at most ${MOST} blackouts. Remove one first.`);
    }
    await insert(trx, serverId, blackout);
    await audited(trx, actor, serverId, now());
  });
}

/** Nothing where it is gone already. Throws `not_found` for the server. */
export async function removeBlackout(
  { db, now }: Context,
  actor: Actor,
  serverId: string,
  id: string,
): Promise<void> {
  await write(db, async (trx) => {
    await trx.deleteFrom('server_blackouts').where('server_id', '=', serverId).where('id', '=', id).execute();
    await audited(trx, actor, serverId, now());
  });
}

/** Those that there are now, written down in the audit. */
async function audited(trx: Trx, actor: Actor, serverId: string, at: Date): Promise<readonly Blackout[]> {
  const server = await getServerRow(trx, serverId);
  const blackouts = await listBlackouts(trx, serverId);
  const of = { id: serverId, name: server.name, environmentId: server.environment_id };
  const entry = auditEntry('server_blackouts', 'update', of, { details: { blackouts } });
  await recordAudit(trx, actor, entry, at);
  return blackouts;
}

async function insert(trx: Trx, serverId: string, { weekdays, from, until, reason }: Blackout) {
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
