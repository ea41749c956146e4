import type { EventData } from '../events/events.ts';
import { sizeText } from './size-text.ts';
import type { TypeId } from './types.ts';

/** What happens to the installation itself, and to no database. */
type InstallationEvent = {
  readonly [Type in keyof EventData]: { readonly type: Type; readonly data: EventData[Type] };
}[
  | 'disk.nearly_full'
  | 'disk.recovered'
  | 'storage.capability_lost'
  | 'storage.capability_recovered'
  | 'token.ending'
  | 'certificate.ending'
  | 'report.weekly'];

interface Words {
  readonly typeId: TypeId;
  readonly title: string;
  readonly message: string;
}

/** An event of the installation in words, of any length. */
export function installationWords(event: InstallationEvent): Words {
  switch (event.type) {
    case 'disk.nearly_full':
      return {
        typeId: 'system.disk_nearly_full',
        title: 'The disk of the app is nearly full',
        message: `${roomIn(event.data)} When nothing can be saved any more, no backup runs: free some space, or give it more.`,
      };
    case 'disk.recovered':
      return {
        typeId: 'system.disk_recovered',
        title: 'The disk of the app has room again',
        message: roomIn(event.data),
      };
    case 'storage.capability_lost': {
      const { bucket, capability, says } = event.data;
      return {
        typeId: 'storage.capability_lost',
        title: `Storage can do less: ${capability}, bucket ${bucket}`,
        message: `Bucket ${bucket}: "${capability}" worked and does not any more. ${says}`,
      };
    }
    case 'storage.capability_recovered': {
      const { bucket, capability, lostSince } = event.data;
      return {
        typeId: 'storage.capability_recovered',
        title: `Storage works again: ${capability}, bucket ${bucket}`,
        message: `Bucket ${bucket}: "${capability}" works again. It did not since ${minuteOf(lostSince)}.`,
      };
    }
    case 'token.ending': {
      const { name, prefix, userId, ownerName, expiresAt } = event.data;
      const whose = userId === null ? `of the service account "${ownerName}"` : 'of yours';
      return {
        typeId: 'system.token_ending',
        title: `API token about to end: ${name}`,
        message: `The API token "${name}" (${prefix}…) ${whose} expires at ${minuteOf(expiresAt)}. What uses it is refused from then on: make another one in time.`,
      };
    }
    case 'certificate.ending': {
      const { what, expiresAt, isOver, advice } = event.data;
      return {
        typeId: 'system.certificate_ending',
        title: `Certificate ${isOver ? 'has ended' : 'about to end'}: ${what}`,
        message: `The certificate of ${what} ${isOver ? 'ended' : 'ends'} at ${minuteOf(expiresAt)}. ${advice}`,
      };
    }
    case 'report.weekly': {
      const { title, summary, sections } = event.data.report;
      const lines = sections.flatMap((section) => section.lines.map((line) => `${section.title}: ${line}`));
      return { typeId: 'system.weekly_report', title, message: [summary, ...lines].join('\n') };
    }
  }
}

function roomIn({ free, total }: { readonly free: number; readonly total: number }): string {
  return `${sizeText(free)} of ${sizeText(total)} are left on the disk of the app’s data folder.`;
}

/** An instant as messages tell it, such as `2026-02-25 10:00 UTC`. */
export const minuteOf = (instant: string) => `${instant.slice(0, 16).replace('T', ' ')} UTC`;
