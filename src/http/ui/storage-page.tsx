import type { Context } from 'hono';
import type { TestResult } from '../../../views/connection-test.tsx';
import { StoragePage } from '../../../views/storage.tsx';
import type { EnvironmentAccess } from '../../../views/storage-access.tsx';
import type { BucketListProps } from '../../../views/storage-buckets.tsx';
import type { PolicyShown } from '../../../views/storage-policy.tsx';
import { listLeftBehind } from '../../catalog/leftovers.ts';
import { getSpaces } from '../../catalog/spaces.ts';
import { listBucketStates } from '../../catalog/spaces-buckets.ts';
import { listSpacesEnvironments } from '../../catalog/spaces-environments.ts';
import { environmentImpact, spacesImpact } from '../../catalog/spaces-impact.ts';
import { spacesPolicy } from '../../catalog/spaces-policy.ts';
import { isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { providerOf } from '../../storage/providers.ts';
import { frameOf } from './frame.ts';
import { sendPage } from './send.ts';
import { capabilityCard } from './storage-probe.tsx';
import type { UiEnv } from './ui-env.ts';

/** Admin > Storage as it is now; with the answer of a test, or the buckets, where those were asked for. */
export async function sendStorage(
  c: Context<UiEnv>,
  services: Services,
  shown: { readonly test?: TestResult; readonly buckets?: BucketListProps } = {},
): Promise<Response> {
  const config = await getSpaces(services);
  return sendPage(
    c,
    <StoragePage
      frame={await frameOf(c, services)}
      storage={config === null ? null : { ...config, providerName: providerOf(config.endpoint).name }}
      dependents={await dependents(services)}
      buckets={shown.buckets ?? NOT_ASKED}
      environments={await accessOf(services)}
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
    return { buckets: states, unchecked, failure: null };
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    const asksForNames = isAppError(error.cause, 'storage_denied');
    return { ...NOT_ASKED, failure: { message: error.message, asksForNames } };
  }
}

async function accessOf({ db }: Services): Promise<readonly EnvironmentAccess[]> {
  const environments = await listSpacesEnvironments(db);
  return Promise.all(
    environments.map(async (environment) => {
      const { names, backups } = await environmentImpact(db, environment.id);
      return { ...environment, databases: names, backups };
    }),
  );
}

async function dependents({ db }: Services) {
  const { databases, environments, backups } = await spacesImpact(db);
  return {
    environments: environments.names,
    databases: databases.list.map(({ name, environment }) => `${name} (${environment})`),
    backups: { ...backups, places: backups.places.map(({ bucket }) => bucket) },
  };
}

/** Null while there is no bucket to name in it. */
async function policyOrNull(services: Services): Promise<PolicyShown | null> {
  try {
    return await spacesPolicy(services, {});
  } catch (error) {
    if (isAppError(error, 'invalid')) return null;
    throw error;
  }
}
