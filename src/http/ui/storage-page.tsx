import type { Context } from 'hono';
import type { Question } from '../../../views/parts/dialog.tsx';
import type { TestResult } from '../../../views/parts/try-connection.tsx';
import { StoragePage } from '../../../views/storage.tsx';
import { type EnvironmentAccess, questionOfAccess } from '../../../views/storage-access.tsx';
import type { BucketItem, BucketListProps } from '../../../views/storage-buckets.tsx';
import { questionOfStorage } from '../../../views/storage-deletion.tsx';
import type { PolicyShown } from '../../../views/storage-policy.tsx';
import { isAppError } from '../../errors.ts';
import { listLeftBehind } from '../../leftovers/leftovers.ts';
import { isSound } from '../../object-stores/deep-test/result.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Page } from '../../page.ts';
import { bucketPlace, filledPlaces } from '../../reports/places.ts';
import { lastReport } from '../../reports/send-weekly.ts';
import type { Services } from '../../services-port.ts';
import { keptTraits } from '../../storage/bucket-traits.ts';
import { type BucketState, listBucketStates } from '../../storage/buckets.ts';
import { isOfSettings, lastDeepTest } from '../../storage/deep-test-results.ts';
import { listStorageAccess } from '../../storage/enabled.ts';
import {
  dependentsByEnvironment,
  environmentImpact,
  type StorageImpact,
  storageImpact,
} from '../../storage/impact.ts';
import { databasesByBucket } from '../../storage/in-use.ts';
import { storagePolicy } from '../../storage/policy.ts';
import { getStorage, plainEndpoint, storageRow } from '../../storage/storage.ts';
import { capabilityCard } from './deep-test.tsx';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { storedIn } from './stored-growth.ts';

/** Admin > Storage as it is now; with the answer of a test, or the buckets, where those were asked for. */
export async function sendStorage(
  c: Context<UiEnv>,
  services: Services,
  shown: { readonly test?: TestResult; readonly buckets?: BucketListProps } = {},
): Promise<Response> {
  const config = await getStorage(services);
  const environments = await accessOf(services);
  const page = pageOf(c, PER_PAGE);
  return sendPage(
    c,
    <StoragePage
      frame={await frameOf(c, services)}
      storage={config === null ? null : { ...config, providerName: providerOf(config.endpoint).name }}
      {...(await storedByPlace(services))}
      growth={await storedIn(services, null)}
      buckets={shown.buckets ?? NOT_ASKED}
      environments={environments.slice(page.offset, page.offset + page.limit)}
      environmentPage={{ ...page, total: environments.length }}
      policy={config === null ? null : await policyOrNull(services)}
      leftovers={await leftoversOf(services)}
      test={shown.test ?? null}
      capabilities={await capabilityCard(services)}
      question={config === null ? null : await questionOf(c, services, environments, page)}
    />,
  );
}

/** Of the environments; what else the page lists is short. */
const PER_PAGE = 50;
const PLACES_SHOWN = 30;
const LEFTOVERS_SHOWN = 10;

/** One more than are shown is asked for: it tells that there are more. */
async function leftoversOf({ db }: Services) {
  const found = await listLeftBehind(db, LEFTOVERS_SHOWN + 1);
  return { leftovers: found.slice(0, LEFTOVERS_SHOWN), hasMore: found.length > LEFTOVERS_SHOWN };
}

/** What lies where, and by how much that has changed since it was noted last: where the most lies, and how much elsewhere. */
async function storedByPlace({ db }: Services) {
  const report = await lastReport(db);
  const places = await filledPlaces(db);
  const largest = new Set(places.toSorted((a, b) => b.bytes - a.bytes).slice(0, PLACES_SHOWN));
  const shown = places.filter((place) => largest.has(place));
  const others = places.filter((place) => !largest.has(place));
  return {
    reportedAt: report?.at ?? null,
    elsewhere: { places: others.length, bytes: others.reduce((sum, { bytes }) => sum + bytes, 0) },
    stored: shown.map(({ name, bucket, backups, bytes }) => ({
      name: bucket?.name ?? name,
      endpoint: bucket === null ? null : plainEndpoint(bucket.endpoint),
      count: backups,
      bytes,
      growth: report === null ? null : bytes - (report.places[name] ?? 0),
    })),
  };
}

export const NOT_ASKED: BucketListProps = { buckets: null, unchecked: 0, failure: null };

/** What the key reaches. A storage that gives no list is told of, in the list's place. */
export async function bucketList(
  services: Services,
  options: { readonly refresh: boolean; readonly signal: AbortSignal },
): Promise<BucketListProps> {
  try {
    const { states, unchecked } = await listBucketStates(services, options);
    return { buckets: await withTraits(services, states), unchecked, failure: null };
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    const asksForNames = isAppError(error.cause, 'storage_denied');
    return { ...NOT_ASKED, failure: { message: error.message, asksForNames } };
  }
}

/** With what is known here of each, of which the storage is not asked. */
async function withTraits(
  { db }: Pick<Services, 'db'>,
  states: readonly BucketState[],
): Promise<readonly BucketItem[]> {
  const config = await storageRow(db);
  const traits = await keptTraits(db, config?.endpoint ?? '');
  const databases = await databasesByBucket(db);
  const stored = new Map((await filledPlaces(db)).map(({ name, bytes }) => [name, bytes]));
  const test = await lastDeepTest(db);
  const tested = new Map(
    test !== null && config !== undefined && isOfSettings(test, config)
      ? test.buckets.map((bucket) => [bucket.bucket, isSound(bucket)])
      : [],
  );
  return states.map((state) => ({
    ...state,
    bytes: stored.get(bucketPlace({ name: state.name, endpoint: config?.endpoint ?? '' })) ?? 0,
    deepTest: toDeepTest(tested.get(state.name), test?.finishedAt),
    databases: databases.get(state.name) ?? 0,
    traits: traits.get(state.name) ?? null,
  }));
}

function toDeepTest(isFit: boolean | undefined, at: string | undefined): BucketItem['deepTest'] {
  return isFit === undefined || at === undefined ? null : { isFit, at };
}

async function accessOf({ db }: Services): Promise<readonly EnvironmentAccess[]> {
  const { databases, backups } = await dependentsByEnvironment(db);
  return (await listStorageAccess(db)).map((environment) => ({
    ...environment,
    databases: databases.get(environment.id) ?? 0,
    backups: backups.get(environment.id) ?? 0,
  }));
}

/** What depends on an answer is looked for where the question is asked. */
async function questionOf(
  c: Context<UiEnv>,
  { db }: Services,
  environments: readonly EnvironmentAccess[],
  page: Page,
): Promise<Question | null> {
  if (c.req.query('delete') !== undefined) return questionOfStorage(dependentsOf(await storageImpact(db)));
  const asked = environments.find(({ id, isEnabled }) => isEnabled && id === c.req.query('disable'));
  if (asked === undefined) return null;
  return questionOfAccess(asked, (await environmentImpact(db, asked.id)).names, page);
}

function dependentsOf({ databases, environments, backups }: StorageImpact) {
  return {
    environments: environments.names,
    databases: databases.list.map(({ name, environment }) => `${name} (${environment})`),
    backups: { ...backups, places: backups.places.map(({ bucket }) => bucket) },
  };
}

/** Null while there is no bucket to name in it. */
async function policyOrNull(services: Services): Promise<PolicyShown | null> {
  try {
    return await storagePolicy(services.db, {});
  } catch (error) {
    if (isAppError(error, 'invalid')) return null;
    throw error;
  }
}
