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
import { decideOf, keptOf } from './decide.ts';
import { defaultsOf } from './defaults.ts';

export interface PrunedByDefaults {
  /** Some of them, oldest first within a database. */
  readonly prune: readonly (Candidate & { readonly databaseId: string })[];
  readonly total: number;
  /** Of these, how many go by themselves: those of databases where pruning does not stand still. */
  readonly goes: number;
  readonly databases: number;
  readonly bytesFreed: number;
  /** Of each of these databases all that would go. */
  readonly byDatabase: readonly PrunedOfDatabase[];
}

export interface PrunedOfDatabase {
  readonly databaseId: string;
  readonly name: string;
  readonly environmentName: string;
  readonly count: number;
  readonly bytes: number;
  /** Pruning stands still there: they go once a person has accepted what is missing. */
  readonly standsStill: boolean;
  /** When they were asked for. */
  readonly oldestAt: string;
  readonly newestAt: string;
}

export type ChangedSettings =
  | ({ readonly kind: 'confirm'; readonly threshold: number } & PrunedByDefaults)
  /** `goes`: how many more are pruned by it, by themselves; 0 where that was confirmed. */
  | { readonly kind: 'saved'; readonly settings: ShownSettings; readonly goes: number };

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
  let goes = 0;
  if (!isConfirmed) {
    const found = await prunedBy(context, change);
    const { backupRotationConfirmThreshold: threshold } = await readSettings(context.db);
    if (found.total > threshold) return { kind: 'confirm', threshold, ...found };
    goes = found.goes;
  }
  const settings =
    change === null ? await resetSettings(context, actor) : await changeSettings(context, actor, change);
  return { kind: 'saved', settings, goes };
}

/** The last look of each state at all of its databases, that has begun or waits. */
const lastLook = new WeakMap<Db, Promise<void>>();

/**
 * What would go by that change, or (null) by the defaults, and stays now. One at a time looks at all databases, others wait for their
 * turn: whoever asks again and again takes no more of the app than who asks once.
 */
export async function prunedBy(context: Context, change: SettingsChange | null): Promise<PrunedByDefaults> {
  const before = lastLook.get(context.db);
  const look = (async () => {
    await before;
    return lookAtAll(context, change);
  })();
  // That it is over, however it ended, and not what it found.
  const isOver = look.then(
    () => {},
    () => {},
  );
  lastLook.set(context.db, isOver);
  return look;
}

async function lookAtAll({ db, now }: Context, change: SettingsChange | null): Promise<PrunedByDefaults> {
  const before = await readSettings(db);
  const after = { ...before, ...settingsAfter(before, change ?? SETTING_DEFAULTS) };
  const [was, defaults] = [defaultsOf(before), defaultsOf(after)];
  const isSame = was.zone === defaults.zone && JSON.stringify(was.rules) === JSON.stringify(defaults.rules);
  const prune: (Candidate & { readonly databaseId: string })[] = [];
  const byDatabase: PrunedOfDatabase[] = [];
  for (const { id: databaseId, ...names } of isSame ? [] : await allDatabases(db)) {
    const kept = await keptOf(db, databaseId);
    const { plan, freeze, loss } = await decideOf(db, kept, { now: now(), defaults });
    const goes = plan.prune;
    if (goes.length === 0) continue;
    const present = (await decideOf(db, kept, { now: now(), defaults: was })).plan.prune;
    const known = new Set(present.map(({ id }) => id));
    const more = goes.filter(({ id }) => !known.has(id)).reverse();
    const [oldest, newest] = [more[0], more.at(-1)];
    if (oldest === undefined || newest === undefined) continue;
    byDatabase.push({
      ...{ databaseId, ...names, count: more.length, bytes: sumOf(more.map(({ size }) => size)) },
      ...{ oldestAt: oldest.createdAt, newestAt: newest.createdAt },
      standsStill: (freeze ?? loss) !== null,
    });
    prune.push(...more.slice(0, MOST_NAMED - prune.length).map((one) => ({ ...one, databaseId })));
  }
  return {
    ...{ prune, byDatabase, databases: byDatabase.length },
    total: sumOf(byDatabase.map(({ count }) => count)),
    goes: sumOf(byDatabase.map(({ count, standsStill }) => (standsStill ? 0 : count))),
    bytesFreed: sumOf(byDatabase.map(({ bytes }) => bytes)),
  };
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

async function allDatabases(db: Db) {
  return db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'environments.name as environmentName'])
    .orderBy('databases.id')
    .execute();
}
