import type { NextRunItem } from '../../../views/overview-next-runs.tsx';
import { namedDatabases } from '../../databases/named-databases.ts';
import { nextDrills } from '../../drills/next-drills.ts';
import { nextRuns } from '../../schedules/next-runs.ts';
import type { Services } from '../../services-port.ts';
import { weeklyTestAt } from '../../storage/deep-test.ts';

const MOST = 6;

/** What begins by itself next, the soonest first: backups and drills of that environment or (null) of all, and the weekly deep test. */
export async function nextRunsIn(
  { db, now }: Services,
  environmentId: string | null,
): Promise<readonly NextRunItem[]> {
  const backups = await nextRuns(db, environmentId, MOST);
  const drills = await nextDrills(db, environmentId, MOST);
  const soonest = [
    ...backups.map((next) => ({ kind: 'backup' as const, ...next })),
    ...drills.map((next) => ({ kind: 'drill' as const, ...next })),
    ...(environmentId === null ? await nextDeepTest(db, now()) : []),
  ]
    .sort((one, other) => (one.runAt < other.runAt ? -1 : 1))
    .slice(0, MOST);
  const alone = soonest.flatMap((next) =>
    next.kind !== 'deep-test' && next.count === 1 ? next.databaseId : [],
  );
  const names = await namedDatabases(db, alone);
  return soonest.map((next) =>
    next.kind === 'deep-test' ? next : { ...next, database: names.get(next.databaseId) ?? null },
  );
}

/** Of no environment. One whose week is over is begun within the hour. */
async function nextDeepTest(db: Services['db'], now: Date) {
  const at = await weeklyTestAt({ db, now: () => now });
  if (at === null) return [];
  return [{ kind: 'deep-test' as const, runAt: (at < now ? now : at).toISOString() }];
}
