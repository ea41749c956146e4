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
): Promise<boolean> {
  const row = await rowOf(trx, typeId, subject);
  const { spell, isTold } = afterEvent(row === undefined ? null : spellOf(row), bounce, at);
  const values = { ...columnsOf(spell), event_id: eventId };
  const of = { id: idOf(typeId, subject), type_id: typeId, database_id: subject.databaseId };
  await trx
    .insertInto('notification_spells')
    .values({ ...of, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
  return isTold;
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

const idOf = (typeId: TypeId, { id }: Subject) => `${typeId}:${id}`;

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
