import type { Context } from 'hono';
import type { TestResult } from '../../../views/parts/connection-test.tsx';
import { StoragePage } from '../../../views/storage.tsx';
import type { EnvironmentAccess } from '../../../views/storage-access.tsx';
import type { BucketItem, BucketListProps } from '../../../views/storage-buckets.tsx';
import type { PolicyShown } from '../../../views/storage-policy.tsx';
import { isAppError } from '../../errors.ts';
import { listLeftBehind } from '../../leftovers/leftovers.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Services } from '../../services-port.ts';
import { keptTraits } from '../../storage/bucket-traits.ts';
import { type BucketState, listBucketStates } from '../../storage/buckets.ts';
import { listSpacesEnvironments } from '../../storage/enabled.ts';
import { backupsByEnvironment, type SpacesImpact, spacesImpact } from '../../storage/impact.ts';
import { databasesByBucket } from '../../storage/in-use.ts';
import { spacesPolicy } from '../../storage/policy.ts';
import { getSpaces, plainEndpoint, spacesRow } from '../../storage/storage.ts';
import { capabilityCard } from './deep-test.tsx';
import { frameOf } from './kit/frame.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { storedIn } from './stored-growth.ts';

/** Admin > Storage as it is now; with the answer of a test, or the buckets, where those were asked for. */
export async function sendStorage(
  c: Context<UiEnv>,
  services: Services,
  shown: { readonly test?: TestResult; readonly buckets?: BucketListProps } = {},
): Promise<Response> {
  const config = await getSpaces(services);
  const impact = await spacesImpact(services.db);
  return sendPage(
    c,
    <StoragePage
      frame={await frameOf(c, services)}
      storage={config === null ? null : { ...config, providerName: providerOf(config.endpoint).name }}
      dependents={dependentsOf(impact)}
      stored={impact.backups.places.map((place) => ({ ...place, endpoint: plainEndpoint(place.endpoint) }))}
      growth={await storedIn(services, null)}
      buckets={shown.buckets ?? NOT_ASKED}
      environments={await accessOf(services, impact)}
      policy={config === null ? null : await policyOrNull(services)}
      leftovers={await listLeftBehind(services.db)}
      test={shown.test ?? null}
      capabilities={await capabilityCard(services)}
    />,
  );
}

const NOT_ASKED: BucketListProps = { buckets: null, unchecked: 0, failure: null };

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
  const config = await spacesRow(db);
  const traits = await keptTraits(db, config?.endpoint ?? '');
  const databases = await databasesByBucket(db);
  return states.map((state) => ({
    ...state,
    databases: databases.get(state.name) ?? 0,
    traits: traits.get(state.name) ?? null,
  }));
}

async function accessOf({ db }: Services, impact: SpacesImpact): Promise<readonly EnvironmentAccess[]> {
  // Names of environments are unique.
  const dependents = Map.groupBy(impact.databases.list, ({ environment }) => environment);
  const backups = await backupsByEnvironment(db);
  return (await listSpacesEnvironments(db)).map((environment) => ({
    ...environment,
    databases: (dependents.get(environment.name) ?? []).map(({ name }) => name),
    backups: backups.get(environment.id) ?? 0,
  }));
}

function dependentsOf({ databases, environments, backups }: SpacesImpact) {
  return {
    environments: environments.names,
    databases: databases.list.map(({ name, environment }) => `${name} (${environment})`),
    backups: { ...backups, places: backups.places.map(({ bucket }) => bucket) },
  };
}

/** Null while there is no bucket to name in it. */
async function policyOrNull(services: Services): Promise<PolicyShown | null> {
  try {
    return await spacesPolicy(services.db, {});
  } catch (error) {
    if (isAppError(error, 'invalid')) return null;
    throw error;
  }
}
