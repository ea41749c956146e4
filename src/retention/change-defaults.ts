import type { Actor } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import {
  changeSettings,
  resetSettings,
  type ShownSettings,
  settingsAfter,
} from '../settings/change-settings.ts';
import { readSettings, SETTING_DEFAULTS, type SettingsChange } from '../settings/settings.ts';
import type { Candidate } from './candidates.ts';
import { decide } from './decide.ts';
import { defaultsOf } from './defaults.ts';

export interface PrunedByDefaults {
  /** Some of them, oldest first within a database. */
  readonly prune: readonly (Candidate & { readonly databaseId: string })[];
  readonly total: number;
  readonly databases: number;
  readonly bytesFreed: number;
}

export type ChangedSettings =
  | ({ readonly kind: 'confirm'; readonly threshold: number } & PrunedByDefaults)
  | { readonly kind: 'saved'; readonly settings: ShownSettings };

/** What is named of what would go. */
const MOST_NAMED = 1_000;

/**
 * Changes settings of the installation, or (null) puts them back to their defaults. One that has more backups pruned than the
 * threshold, over all databases that follow the installation's policy, is not saved before it is confirmed. What is pruned goes
 * with the next backup of each database, or the day's look at all.
 */
export async function changeSettingsAskingFirst(
  context: Context,
  actor: Actor,
  change: SettingsChange | null,
  { isConfirmed }: { readonly isConfirmed: boolean },
): Promise<ChangedSettings> {
  if (!isConfirmed) {
    const found = await prunedBy(context, change ?? SETTING_DEFAULTS);
    const { backupRotationConfirmThreshold: threshold } = await readSettings(context.db);
    if (found.total > threshold) return { kind: 'confirm', threshold, ...found };
  }
  const settings =
    change === null ? await resetSettings(context, actor) : await changeSettings(context, actor, change);
  return { kind: 'saved', settings };
}

/** What would go by it and stays now. */
async function prunedBy({ db, now }: Context, change: SettingsChange): Promise<PrunedByDefaults> {
  const before = await readSettings(db);
  const [was, defaults] = [defaultsOf(before), defaultsOf({ ...before, ...settingsAfter(before, change) })];
  const isSame = was.zone === defaults.zone && JSON.stringify(was.rules) === JSON.stringify(defaults.rules);
  const prune: (Candidate & { readonly databaseId: string })[] = [];
  let [total, databases, bytesFreed] = [0, 0, 0];
  if (isSame) return { prune, total, databases, bytesFreed };
  for (const databaseId of await databaseIds(db)) {
    const goes = (await decide(db, databaseId, { now: now(), defaults })).plan.prune;
    if (goes.length === 0) continue;
    const present = (await decide(db, databaseId, { now: now(), defaults: was })).plan.prune;
    const known = new Set(present.map(({ id }) => id));
    const more = goes.filter(({ id }) => !known.has(id)).reverse();
    if (more.length > 0) databases += 1;
    total += more.length;
    for (const one of more) {
      bytesFreed += one.size;
      if (prune.length < MOST_NAMED) prune.push({ ...one, databaseId });
    }
  }
  return { prune, total, databases, bytesFreed };
}

async function databaseIds(db: Db): Promise<readonly string[]> {
  return (await db.selectFrom('databases').select('id').orderBy('id').execute()).map(({ id }) => id);
}
