import type { Db } from '../db/schema.ts';
import type { Place } from '../object-stores/place.ts';

/** So many failures tell that a place does not let anything be removed now: the rest of it waits for another time. */
const MOST_FAILURES = 5;

type Where = Pick<Place, 'endpoint' | 'bucket'>;

/**
 * Where removals fail. Each place is counted for itself: a storage that was left, or a host that is gone, must not keep what lies in
 * the present one from being pruned, night after night.
 */
export interface FailingPlaces {
  note(place: Where | null): void;
  /** Whether what lies there is not asked about any more. */
  isGivenUp(place: Where | null): boolean;
  /** The backups of the database that lie in places that are given up. */
  backupsThere(db: Db, databaseId: string): Promise<readonly string[]>;
}

export function countFailingPlaces(): FailingPlaces {
  const failures = new Map<string, { readonly place: Where | null; count: number }>();
  const nameOf = (place: Where | null) => JSON.stringify([place?.endpoint, place?.bucket]);
  return {
    note(place) {
      const known = failures.get(nameOf(place)) ?? { place, count: 0 };
      known.count += 1;
      failures.set(nameOf(place), known);
    },
    isGivenUp: (place) => (failures.get(nameOf(place))?.count ?? 0) >= MOST_FAILURES,
    async backupsThere(db, databaseId) {
      const found: string[] = [];
      for (const { place, count } of failures.values()) {
        if (place !== null && count >= MOST_FAILURES) found.push(...(await backupsIn(db, databaseId, place)));
      }
      return found;
    },
  };
}

async function backupsIn(
  db: Db,
  databaseId: string,
  { endpoint, bucket }: Where,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('backups')
    .innerJoin('backup_objects', 'backup_objects.backup_id', 'backups.id')
    .select('backups.id')
    .where('backups.database_id', '=', databaseId)
    .where('backups.deleted_at', 'is', null)
    .where('backup_objects.endpoint', '=', endpoint)
    .where('backup_objects.bucket', '=', bucket)
    .execute();
  return rows.map(({ id }) => id);
}
