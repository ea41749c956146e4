import type { HeldBack } from '../backups/held-back.ts';
import { breathe } from '../breathe.ts';
import { blackoutAt } from './blackouts.ts';
import { type Cron, parseCron } from './cron.ts';
import { runAt } from './jitter.ts';
import { nextRun, runsBetween } from './next-run.ts';
import type { Scheduled } from './scheduled.ts';
import type { BlackoutsByServer } from './server-blackouts.ts';

const WINDOW_MS = 15 * 60_000;
/** Of one database: who runs more often than each minute of some days is shown the first of them. */
const MOST_OF_ONE = 1_500;
/** So many are looked at one by one, the earliest first; all are counted. */
const MOST_LOOKED_AT = 20_000;
/** Between two breaths. */
const GROUPS = 20;
const SLOTS = 2_000;

/** A slot that is to come, and when its run begins. */
export interface SlotAhead {
  readonly of: Scheduled;
  readonly due: Date;
  readonly beginsAt: number;
  readonly obstacle: 'paused' | 'blackout' | HeldBack | null;
}

export interface SlotsAhead {
  /** In the order in which they begin. */
  readonly slots: readonly SlotAhead[];
  /** Those too that were not looked at. */
  readonly total: number;
  /** Up to when all were looked at, to a jitter; null: to the end of the period. */
  readonly lookedAtUntil: Date | null;
}

/**
 * What of these is due in that time. Of ten thousand databases that run each hour only the next hours are looked at: the earliest
 * ones are right, and so is their number. It is done in slices, between which everything else has its turn.
 */
export async function slotsAhead(
  scheduled: readonly Scheduled[],
  windows: BlackoutsByServer,
  period: { readonly from: Date; readonly until: Date },
): Promise<SlotsAhead> {
  const groups = await grouped(scheduled, period);
  const slots: SlotAhead[] = [];
  let breathAt = SLOTS;
  let end = period.from.getTime();
  while (end < period.until.getTime() && slots.length < MOST_LOOKED_AT) {
    end += WINDOW_MS;
    for (const group of groups) {
      for (
        let due = group.dues[group.next];
        due !== undefined && due.getTime() <= end;
        due = group.dues[group.next]
      ) {
        group.next += 1;
        const after = group.dues[group.next] ?? group.after;
        for (const of of group.databases) {
          slots.push(slotOf(of, { due, after, cron: group.cron }, windows));
          if (slots.length < breathAt) continue;
          breathAt += SLOTS;
          await breathe();
        }
      }
    }
  }
  if (slots.length > SLOTS) await breathe();
  slots.sort((a, b) => a.beginsAt - b.beginsAt || (a.of.name < b.of.name ? -1 : 1));
  if (slots.length > SLOTS) await breathe();
  return {
    slots,
    lookedAtUntil: groups.some(({ dues, next }) => next < dues.length) ? new Date(end) : null,
    total: groups.reduce((sum, { dues, databases }) => sum + dues.length * databases.length, 0),
  };
}

/** Databases that are due at the same times. */
interface Group {
  readonly databases: readonly Scheduled[];
  readonly cron: Cron;
  readonly dues: readonly Date[];
  /** The one after the last of them. */
  readonly after: Date | null;
  /** Which of them is looked at next. */
  next: number;
}

/** What a rule says for many is computed once. */
async function grouped(
  scheduled: readonly Scheduled[],
  { from, until }: { readonly from: Date; readonly until: Date },
): Promise<readonly Group[]> {
  const alike = Map.groupBy(scheduled, (row) => `${row.cron_expression}\n${row.time_zone}`);
  const groups: Group[] = [];
  for (const databases of alike.values()) {
    const [first] = databases;
    if (first === undefined) continue;
    const cron = parseCron(first.cron_expression);
    const dues = runsBetween(cron, first.time_zone, { after: from, until, most: MOST_OF_ONE });
    const last = dues.at(-1);
    const after = last === undefined ? null : nextRun(cron, first.time_zone, last);
    groups.push({ databases, cron, dues, after, next: 0 });
    if (groups.length % GROUPS === 0) await breathe();
  }
  return groups;
}

function slotOf(
  of: Scheduled,
  { due, after, cron }: { readonly due: Date; readonly after: Date | null; readonly cron: Cron },
  windows: BlackoutsByServer,
): SlotAhead {
  const { time_zone: zone, jitter_minutes: jitterMinutes } = of;
  const begins = runAt(due, { cron, zone, databaseId: of.id, jitterMinutes, next: after });
  const blackouts = windows.get(of.server_id ?? '') ?? [];
  const isInBlackout = blackoutAt(blackouts, zone, begins) !== undefined;
  return { of, due, beginsAt: begins.getTime(), obstacle: obstacleOf(of, isInBlackout) };
}

/** In the order in which the line of a slot names them. */
function obstacleOf(of: Scheduled, isInBlackout: boolean): SlotAhead['obstacle'] {
  if (of.is_paused === 1) return 'paused';
  if (isInBlackout) return 'blackout';
  return of.held_back;
}
