import type { HeldBack } from '../backups/held-back.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { readSettings } from '../settings/settings.ts';
import { type Scheduled, scheduledDatabases } from './scheduled.ts';
import { blackoutsByServer } from './server-blackouts.ts';
import { type SlotAhead, slotsAhead } from './slots-ahead.ts';

/** A slot that is to come. */
export interface UpcomingSlot {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly environmentId: string;
  /** Null: the app's own machine. */
  readonly serverId: string | null;
  readonly serverName: string | null;
  readonly dueAt: string;
  readonly runAt: string;
  readonly rule: { readonly id: string; readonly name: string } | null;
  /** What will keep it from running, as far as one can tell; null: nothing. */
  readonly obstacle: 'paused' | 'blackout' | HeldBack | null;
}

/** More runs that begin within five minutes on one server than may run there at once: some of them will wait. */
export interface Collision {
  readonly serverId: string | null;
  readonly serverName: string | null;
  readonly from: string;
  readonly until: string;
  readonly runs: number;
  readonly limit: number;
  /** Some of them. */
  readonly databases: readonly { readonly id: string; readonly name: string }[];
}

export interface Upcoming {
  /** In the order in which they begin. */
  readonly upcoming: readonly UpcomingSlot[];
  readonly total: number;
  readonly collisions: readonly Collision[];
  /** Up to when all that begins was looked at: what collides after it is not told. Null: as long as was asked for. */
  readonly lookedAtUntil: string | null;
}

const HOUR_MS = 3_600_000;
const TOGETHER_MS = 5 * 60_000;
const DATABASES_NAMED = 20;
const MOST_COLLISIONS = 100;

interface Asked {
  readonly hours: number;
  /** Of the list; what collides is told of all that are looked at. */
  readonly limit: number;
}

/** What begins within so many hours, of that environment or (null) of all; a page of it, and where it collides. */
export async function upcomingSlots(
  context: Context,
  { environmentId, ...asked }: Asked & { readonly environmentId: string | null },
): Promise<Upcoming> {
  return upcomingOf(context, await scheduledDatabases(context.db, environmentId), asked);
}

/** The same of databases that were read before. */
export async function upcomingOf(
  { db, now }: Context,
  scheduled: readonly Scheduled[],
  { hours, limit }: Asked,
): Promise<Upcoming> {
  const from = now();
  const until = new Date(from.getTime() + hours * HOUR_MS);
  const { maxConcurrentBackupsPerServer: most } = await readSettings(db);
  const windows = await blackoutsByServer(db);
  const { slots, total, lookedAtUntil } = await slotsAhead(scheduled, windows, { from, until });
  const collisions = collisionsOf(
    slots.filter(({ obstacle }) => obstacle === null),
    most,
  );
  const shown = slots.slice(0, limit);
  const names = await serverNames(db, [
    ...shown.map(({ of }) => of.server_id),
    ...collisions.map(({ serverId }) => serverId),
  ]);
  return {
    upcoming: shown.map((slot) => toShown(slot, names)),
    total,
    collisions: collisions.map((one) => ({ ...one, serverName: names.get(one.serverId) ?? null })),
    lookedAtUntil: lookedAtUntil?.toISOString() ?? null,
  };
}

/** Of the few that are shown. */
async function serverNames(db: Db, ids: readonly (string | null)[]) {
  const asked = [...new Set(ids)].filter((id) => id !== null);
  const rows =
    asked.length === 0
      ? []
      : await db.selectFrom('servers').select(['id', 'name']).where('id', 'in', asked).execute();
  return new Map<string | null, string>(rows.map(({ id, name }) => [id, name]));
}

function collisionsOf(slots: readonly SlotAhead[], limit: number): readonly Omit<Collision, 'serverName'>[] {
  const found: Omit<Collision, 'serverName'>[] = [];
  for (const ofServer of Map.groupBy(slots, ({ of }) => of.server_id).values()) {
    let group: SlotAhead[] = [];
    const end = () => {
      if (group.length > limit) found.push(collisionOf(group, limit));
      group = [];
    };
    for (const slot of ofServer) {
      const first = group[0];
      if (first !== undefined && slot.beginsAt - first.beginsAt >= TOGETHER_MS) end();
      group.push(slot);
    }
    end();
  }
  return found.sort((a, b) => (a.from < b.from ? -1 : 1)).slice(0, MOST_COLLISIONS);
}

function collisionOf(group: readonly SlotAhead[], limit: number): Omit<Collision, 'serverName'> {
  const [first] = group;
  const at = (slot: SlotAhead | undefined) => new Date(slot?.beginsAt ?? 0).toISOString();
  return {
    serverId: first?.of.server_id ?? null,
    from: at(first),
    until: at(group.at(-1)),
    runs: group.length,
    limit,
    databases: group.slice(0, DATABASES_NAMED).map(({ of }) => ({ id: of.id, name: of.name })),
  };
}

function toShown(
  { of, due, beginsAt, obstacle }: SlotAhead,
  names: ReadonlyMap<string | null, string>,
): UpcomingSlot {
  return {
    databaseId: of.id,
    databaseName: of.name,
    environmentId: of.environment_id,
    serverId: of.server_id,
    serverName: names.get(of.server_id) ?? null,
    dueAt: due.toISOString(),
    runAt: new Date(beginsAt).toISOString(),
    rule: of.rule_name === null ? null : { id: of.schedule_id, name: of.rule_name },
    obstacle,
  };
}
