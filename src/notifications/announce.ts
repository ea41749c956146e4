import type { EventRow, Trx } from '../db/schema.ts';
import { countIntoSpell, endSpell, type Subject } from './spells.ts';
import type { SetType } from './type-settings.ts';
import type { TypeId } from './types.ts';
import { type AnyEvent, recoveredWords, sizeWords, type Told, wordsOf } from './words.ts';

/** Something that people are told. */
export interface Announcement extends Told {
  /** False where it lasts and was told before: then it stands in the app alone. */
  readonly isSent: boolean;
  /** What it is part of, where it lasts; null: it stands for itself. */
  readonly spellId: string | null;
}

/** What ends a spell of trouble. */
const ENDS: Readonly<Partial<Record<AnyEvent['type'], TypeId>>> = {
  'backup.recovered': 'backup.missing',
  'drill.succeeded': 'drill.failed',
  'channel.recovered': 'system.channel_failed',
  'disk.recovered': 'system.disk_nearly_full',
  'storage.capability_recovered': 'storage.capability_lost',
};

/** Of these there is one event for all of the time that they last: none is waited for. */
export const ONE_EVENT: readonly TypeId[] = [
  ...(['backup.missing', 'backup.verification_failed', 'retention.frozen'] as const),
  ...(['system.disk_nearly_full', 'storage.capability_lost'] as const),
];
/** The types of which there is an end, so that a spell of them is told once. The others are told each time. */
const LASTING: readonly TypeId[] = [
  ...(['system.backup_failed', 'drill.failed', 'backup.size_anomaly', 'system.channel_failed'] as const),
  ...ONE_EVENT,
];

/** Whether there are many events of it while it lasts, which bounce control may hold back. */
export function isBounced(typeId: TypeId): boolean {
  return LASTING.includes(typeId) && !ONE_EVENT.includes(typeId);
}

/** What an event comes to, with the spells that it begins, goes on or ends; in the transaction that marks it as told. */
export async function announce(
  trx: Trx,
  row: EventRow,
  types: ReadonlyMap<TypeId, SetType>,
): Promise<readonly Announcement[]> {
  const event = eventOf(row);
  // Before anything is written: one that nobody can read is left alone.
  const words = wordsOf(event);
  const subject = subjectOf(row, event);
  const at = new Date(row.created_at);
  const weigh = async (told: Told): Promise<Announcement> => {
    const type = types.get(told.typeId);
    if (type === undefined || !LASTING.includes(told.typeId)) return { ...told, isSent: true, spellId: null };
    const bounce = ONE_EVENT.includes(told.typeId) ? { ...type, bounceEnabled: false } : type;
    const counted = await countIntoSpell(trx, told.typeId, subject, { bounce, eventId: row.id, at });
    return { ...told, isSent: counted.isTold, spellId: counted.spellId };
  };
  const ended = ENDS[event.type];
  if (ended !== undefined) await endSpell(trx, ended, subject);
  const main = await weigh(words);
  if (event.type !== 'backup.completed') return [main];
  const size = sizeWords(event.data);
  if (size === null) await endSpell(trx, 'backup.size_anomaly', subject);
  const recovered = await endOfFailures(trx, row, subject, event.data.databaseName);
  return [main, ...(recovered === null ? [] : [recovered]), ...(size === null ? [] : [await weigh(size)])];
}

/** A database that was also missing is told of by those who watch for that. */
async function endOfFailures(
  trx: Trx,
  row: EventRow,
  subject: Subject,
  databaseName: string,
): Promise<Announcement | null> {
  const ended = await endSpell(trx, 'system.backup_failed', subject);
  if (ended === null) return null;
  const missing = await trx
    .selectFrom('protection_spells')
    .select('since')
    .where('database_id', '=', row.database_id ?? '')
    .executeTakeFirst();
  if (missing !== undefined) return null;
  // Where its failures stand in the app, so does their end; it is sent to whom they were sent.
  const words = recoveredWords(databaseName, ended.spell.count, ended.spell.since);
  return { ...words, isSent: ended.isTold, spellId: null };
}

/** What an event's spells are about. */
export function subjectOf({ database_id: databaseId, id }: EventRow, event: AnyEvent): Subject {
  switch (event.type) {
    case 'channel.failed':
    case 'channel.recovered':
      return { databaseId: null, id: event.data.targetId };
    case 'disk.nearly_full':
    case 'disk.recovered':
      return { databaseId: null, id: 'disk' };
    case 'storage.capability_lost':
    case 'storage.capability_recovered':
      return { databaseId: null, id: event.data.capabilityId };
    // Of several damaged ones of a database each lasts for itself.
    case 'backup.verification_failed':
      return { databaseId, id: event.data.backupId };
    default:
      return { databaseId, id: databaseId ?? id };
  }
}

/** What an event says of that type; null: nothing. */
export function wordsFor(typeId: string, event: AnyEvent): Told | null {
  if (typeId === 'backup.size_anomaly')
    return event.type === 'backup.completed' ? sizeWords(event.data) : null;
  const words = wordsOf(event);
  return words.typeId === typeId ? words : null;
}

/** An event as it was recorded: only `recordEvent` writes rows, whose types hold data and type together. */
export function eventOf({ type, data }: Pick<EventRow, 'type' | 'data'>): AnyEvent {
  return { type, data: JSON.parse(data) } as AnyEvent;
}
