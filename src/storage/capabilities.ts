import type { Trx } from '../db/schema.ts';
import { recordEvent } from '../events/events.ts';
import { forgetTrouble, notedTroubles, noteTrouble } from '../events/noted-troubles.ts';
import { type EarlierDeepTest, workedAt } from '../object-stores/deep-test/lost.ts';
import { CHECK_NAMES, type Check, type TestedStorage } from '../object-stores/deep-test/result.ts';

/** Something that a test of the storage has tried, at one bucket. */
interface Tried extends Check {
  /** Of that bucket and check. */
  readonly capabilityId: string;
  readonly bucket: string;
}

/**
 * Tells of what worked when it was tried before and does not any more, and of what works again, once each. What was not tried, since
 * something before it failed, stays as it was; another endpoint is another storage. `earlier`: results before that, the newest first.
 */
export async function tellOfCapabilities(
  trx: Trx,
  earlier: readonly EarlierDeepTest[],
  found: TestedStorage,
  at: Date,
): Promise<void> {
  const noted = new Map((await notedTroubles(trx, 'capability')).map((row) => [row.id, row]));
  for (const { id, stage } of noted.values()) if (stage !== found.endpoint) await forgetTrouble(trx, id);
  for (const tried of triedIn(found)) {
    const known = noted.get(idOf(tried));
    const isKnown = known?.stage === found.endpoint;
    if (isKnown && tried.outcome === 'ok') await tellRecovered(trx, tried, known.since, at);
    const isLost = workedAt({ ...tried, endpoint: found.endpoint }, earlier) !== null;
    if (!isKnown && isLost) await tellLost(trx, tried, found.endpoint, at);
  }
}

function triedIn({ buckets }: TestedStorage): readonly Tried[] {
  return buckets.flatMap(({ bucket, checks }) =>
    checks.map((check) => ({ ...check, bucket, capabilityId: `${bucket}:${check.id}` })),
  );
}

async function tellLost(trx: Trx, tried: Tried, endpoint: string, at: Date): Promise<void> {
  const trouble = { id: idOf(tried), kind: 'capability', stage: endpoint, since: at.toISOString() } as const;
  if (!(await noteTrouble(trx, trouble))) return;
  const data = { ...dataOf(tried), says: tried.message };
  await recordEvent(trx, { type: 'storage.capability_lost', ...OF_ALL, data }, at);
}

async function tellRecovered(trx: Trx, tried: Tried, lostSince: string, at: Date): Promise<void> {
  await forgetTrouble(trx, idOf(tried));
  const data = { ...dataOf(tried), lostSince };
  await recordEvent(trx, { type: 'storage.capability_recovered', ...OF_ALL, data }, at);
}

const OF_ALL = { databaseId: null, environmentId: null } as const;

const idOf = ({ capabilityId }: Tried) => `capability:${capabilityId}`;

function dataOf({ capabilityId, bucket, id }: Tried) {
  return { capabilityId, bucket, capability: CHECK_NAMES[id] };
}
