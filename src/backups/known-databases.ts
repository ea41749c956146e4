import type { Db } from '../db/schema.ts';
import { type HeldBack, heldBack } from './held-back.ts';
import { type Protection, type ProtectionFacts, protection } from './protection.ts';
import { factsOf, withNewest } from './protection-of.ts';
import { sizeChange } from './size-changes.ts';
import { backupsUnderWay } from './under-way.ts';

/** A database as lists show it. */
export interface KnownDatabase {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly environmentName: string;
  readonly protection: Protection;
  /** Its newest backup that ended by itself. */
  readonly lastEnded: ProtectionFacts['lastEnded'];
  /** When the next run begins by itself; null where none does, or what it makes could not be stored. */
  readonly nextRunAt: string | null;
  /** Why that is so although its schedule would begin one; null where it is not. */
  readonly heldBack: HeldBack | null;
  /** Bytes of the last good backup; null where there is none. */
  readonly size: number | null;
  /** By how much that differs from the median of the ten before it, as a share; null where that is no more than a fifth. */
  readonly sizeChange: number | null;
}

/** These databases, in that order; one that is gone is left out. */
export async function knownDatabases(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  these: readonly { readonly id: string }[],
): Promise<readonly KnownDatabase[]> {
  if (these.length === 0) return [];
  const at = now();
  const underWay = await backupsUnderWay(db, at);
  const rows = await withNewest(db)
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.name', 'databases.type'])
    .select(['environments.name as environment_name', 'newest_backups.usual_size'])
    .select(heldBack.as('held_back'))
    .where(
      'databases.id',
      'in',
      these.map(({ id }) => id),
    )
    .execute();
  const known = new Map(
    rows.map((row) => {
      const facts = factsOf(row, underWay);
      return [row.id, { ...toKnown(row), protection: protection(facts, at), lastEnded: facts.lastEnded }];
    }),
  );
  return these.flatMap(({ id }) => known.get(id) ?? []);
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly environment_name: string;
  readonly good_size: number | null;
  readonly usual_size: number | null;
  readonly is_paused: number | null;
  readonly run_at: string | null;
  readonly held_back: HeldBack | null;
}

function nextOf({ is_paused: isPaused, run_at: runAt, held_back: why }: Row) {
  if (isPaused === 1 || runAt === null) return { nextRunAt: null, heldBack: null };
  return { nextRunAt: why === null ? runAt : null, heldBack: why };
}

function toKnown(row: Row): Omit<KnownDatabase, 'protection' | 'lastEnded'> {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    environmentName: row.environment_name,
    ...nextOf(row),
    size: row.good_size === null ? null : Number(row.good_size),
    sizeChange:
      row.good_size === null || row.usual_size === null
        ? null
        : sizeChange(Number(row.good_size), Number(row.usual_size)),
  };
}
