import type { EventData, EventType } from '../events/events.ts';
import { short } from '../short-text.ts';
import { installationWords, minuteOf } from './installation-words.ts';
import type { TypeId } from './types.ts';

/** What is said of an event. */
export interface Told {
  readonly typeId: TypeId;
  readonly title: string;
  readonly message: string;
}

/** An event with its data, whatever its type. */
export type AnyEvent = {
  readonly [Type in EventType]: { readonly type: Type; readonly data: EventData[Type] };
}[EventType];

/** Longer is what a tool printed, which the app has in full. */
const LONGEST = 1000;

/** An event in words, plain text of one line for the title; what `backup.completed` also says of its size is `sizeWords`. */
export function wordsOf(event: AnyEvent): Told {
  const { typeId, title, message } = plainWords(event);
  return { typeId, title: short(title.replaceAll(/\s+/g, ' '), 200), message: short(message, LONGEST) };
}

/** Where a backup's size is far from the usual; null where it is not. */
export function sizeWords({
  databaseName,
  sizeChange,
}: Pick<EventData['backup.completed'], 'databaseName' | 'sizeChange'>): Told | null {
  if (sizeChange === null) return null;
  const percent = Math.round(Math.abs(sizeChange) * 100);
  const change = `${percent} % ${sizeChange < 0 ? 'smaller' : 'larger'}`;
  return {
    typeId: 'backup.size_anomaly',
    title: `Unusual size: ${short(databaseName, 100)}`,
    message: `The backup of database "${databaseName}" is ${change} than usual. See whether all its tables are there.`,
  };
}

/** Of a database that failed and has a good backup again, after so many failures. */
export function recoveredWords(databaseName: string, failures: number, since: string): Told {
  const times = failures === 1 ? 'failed once' : `failed ${failures} times in a row`;
  return {
    typeId: 'backup.recovered',
    title: `Backups are back: ${short(databaseName, 100)}`,
    message: `Database "${databaseName}" is backed up again. Its backup ${times} since ${minuteOf(since)}.`,
  };
}

function plainWords(event: AnyEvent): Told {
  switch (event.type) {
    case 'backup.completed': {
      const { databaseName } = event.data;
      return {
        ...of('system.backup_success', 'Backup completed', databaseName),
        message: `Backup completed for database "${databaseName}".`,
      };
    }
    case 'backup.failed': {
      const { databaseName, error } = event.data;
      return {
        ...of('system.backup_failed', 'Backup failed', databaseName),
        message: `Backup failed for database "${databaseName}": ${error}`,
      };
    }
    case 'backup.missing': {
      const { databaseName, lastGoodAt, dueAt } = event.data;
      const isAhead = lastGoodAt !== null && lastGoodAt > dueAt;
      const last = lastGoodAt === null ? 'There never was one' : `The last one is of ${minuteOf(lastGoodAt)}`;
      const why = isAhead
        ? `${last}, which is in the future: the clock was set back since, or was ahead. Once the clock is right, the next good backup counts.`
        : `${last}; one was due by ${minuteOf(dueAt)}.`;
      return {
        ...of('backup.missing', 'Backup missing', databaseName),
        message: `No good backup of database "${databaseName}" is as new as it must be. ${why}`,
      };
    }
    case 'backup.recovered': {
      const { databaseName, missingSince } = event.data;
      return {
        ...of('backup.recovered', 'Backups are back', databaseName),
        message: `Database "${databaseName}" is backed up again. A good backup was missing since ${minuteOf(missingSince)}.`,
      };
    }
    case 'backup.verification_failed': {
      const { databaseName, says } = event.data;
      return {
        ...of('backup.verification_failed', 'Backup damaged', databaseName),
        message: `A backup of database "${databaseName}" is damaged: ${says} It counts as good no more: make another one.`,
      };
    }
    case 'drill.failed': {
      const { databaseName, failure, says } = event.data;
      const about =
        failure === 'damaged'
          ? 'The backup itself is damaged'
          : 'It says nothing of the backup, but of the place that it was restored to';
      return {
        ...of('drill.failed', 'Drill failed', databaseName),
        message: `A drill of database "${databaseName}" failed: ${says} (${about}.)`,
      };
    }
    case 'drill.succeeded': {
      const { databaseName, restoreMs } = event.data;
      return {
        ...of('drill.succeeded', 'Drill succeeded', databaseName),
        message: `A drill restored database "${databaseName}" in ${Math.max(1, Math.round(restoreMs / 1000))} s; all that was to be there was.`,
      };
    }
    case 'retention.frozen': {
      const { databaseName, reason } = event.data;
      return {
        ...of('retention.frozen', 'Pruning stands still', databaseName),
        message: `Pruning of database "${databaseName}" stands still: ${reason}`,
      };
    }
    case 'backup.rotation_error': {
      const { databaseName, failed, error } = event.data;
      const what = failed === 1 ? 'A backup' : `${failed} backups`;
      return {
        ...of('backup.rotation_error', 'Pruning failed', databaseName),
        message: `${what} of database "${databaseName}" could not be removed: ${error} It is tried again by itself.`,
      };
    }
    case 'backup.policy_first_prune': {
      const { databaseName, pruned } = event.data;
      return {
        ...of('backup.policy_first_prune', 'Pruned by the changed policy', databaseName),
        message: `The changed policy pruned ${pruned === 1 ? '1 backup' : `${pruned} backups`} of database "${databaseName}".`,
      };
    }
    case 'channel.failed': {
      const { channel, error } = event.data;
      return {
        ...of('system.channel_failed', 'Notifications don’t arrive', channel),
        message: `Notifications by ${channel} don’t arrive: ${error} See Notifications > Channels.`,
      };
    }
    case 'channel.recovered': {
      const { channel } = event.data;
      return {
        ...of('system.channel_recovered', 'Notifications arrive again', channel),
        message: `Notifications by ${channel} arrive again.`,
      };
    }
    default:
      return installationWords(event);
  }
}

function of(typeId: TypeId, what: string, name: string): Omit<Told, 'message'> {
  return { typeId, title: `${what}: ${short(name, 100)}` };
}
