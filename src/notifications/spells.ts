import type { NotificationSpellRow, Trx } from '../db/schema.ts';
import { afterEnd, afterEvent, type Bounce, type Spell } from './spell.ts';
import type { TypeId } from './types.ts';

/** What a spell is about: a database, or (null) the channel of that id. */
export interface Subject {
  readonly databaseId: string | null;
  readonly id: string;
}

/** Counts an event into the spell that it belongs to; whether people are told of it now. */
export async function countIntoSpell(
  trx: Trx,
  typeId: TypeId,
  subject: Subject,
  { bounce, eventId, at }: { readonly bounce: Bounce; readonly eventId: string; readonly at: Date },
): Promise<{ readonly spellId: string; readonly isTold: boolean }> {
  const row = await rowOf(trx, typeId, subject);
  const { spell, isTold } = afterEvent(row === undefined ? null : spellOf(row), bounce, at);
  const values = { ...columnsOf(spell), event_id: eventId };
  const of = { id: idOf(typeId, subject), type_id: typeId, database_id: subject.databaseId };
  await trx
    .insertInto('notification_spells')
    .values({ ...of, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
  return { spellId: of.id, isTold };
}

/** Nobody was there to be told: it counts as told from when somebody is. */
export async function untell(trx: Trx, id: string): Promise<void> {
  await trx
    .updateTable('notification_spells')
    .set({ told_at: null, last_told_at: null, tell_at: null })
    .where('id', '=', id)
    .execute();
}

/** What went out about it has reached nobody: if it lasts, it is told at its next event, or at that time. */
export async function tellAgain(trx: Trx, id: string, tellAt: string): Promise<void> {
  await trx
    .updateTable('notification_spells')
    .set({ told_at: null, last_told_at: null, tell_at: tellAt })
    .where('id', '=', id)
    .where('is_open', '=', 1)
    .where('told_at', 'is not', null)
    .execute();
}

/** That of a way out that is no more. */
export async function forgetSpell(trx: Trx, typeId: TypeId, subject: Subject): Promise<void> {
  await trx.deleteFrom('notification_spells').where('id', '=', idOf(typeId, subject)).execute();
}

/** Whether it lasts. */
export async function isOpenSpell(trx: Trx, typeId: TypeId, subject: Subject): Promise<boolean> {
  return (await rowOf(trx, typeId, subject))?.is_open === 1;
}

/** Ends a spell; gives it where there was one, and whether people were told of it. */
export async function endSpell(
  trx: Trx,
  typeId: TypeId,
  subject: Subject,
): Promise<{ readonly spell: Spell; readonly isTold: boolean } | null> {
  const row = await rowOf(trx, typeId, subject);
  if (row === undefined || row.is_open === 0) return null;
  const { spell, isTold } = afterEnd(spellOf(row));
  await trx.updateTable('notification_spells').set(columnsOf(spell)).where('id', '=', row.id).execute();
  return { spell: spellOf(row), isTold };
}

/** Those that were held back and last; told from now on, by whoever asks. */
export async function takeHeld(trx: Trx, id: string, at: Date): Promise<NotificationSpellRow | undefined> {
  const now = at.toISOString();
  return trx
    .updateTable('notification_spells')
    .set({ told_at: now, last_told_at: now, tell_at: null })
    .where('id', '=', id)
    .where('is_open', '=', 1)
    .where('tell_at', 'is not', null)
    .where('tell_at', '<=', now)
    .returningAll()
    .executeTakeFirst();
}

function rowOf(trx: Trx, typeId: TypeId, subject: Subject): Promise<NotificationSpellRow | undefined> {
  return trx
    .selectFrom('notification_spells')
    .selectAll()
    .where('id', '=', idOf(typeId, subject))
    .executeTakeFirst();
}

export const idOf = (typeId: TypeId, { id }: Pick<Subject, 'id'>) => `${typeId}:${id}`;

function spellOf(row: NotificationSpellRow): Spell {
  return {
    ...{ isOpen: row.is_open === 1, since: row.since, count: row.count },
    ...{ toldAt: row.told_at, lastToldAt: row.last_told_at, tellAt: row.tell_at },
  };
}

function columnsOf(spell: Spell) {
  return {
    is_open: spell.isOpen ? 1 : 0,
    ...{ since: spell.since, count: spell.count },
    ...{ told_at: spell.toldAt, last_told_at: spell.lastToldAt, tell_at: spell.tellAt },
  } as const;
}
