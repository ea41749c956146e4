import type { Choice } from '../../../views/parts/field.tsx';
import type { Services } from '../../services-port.ts';
import { listBucketStates } from '../../storage/buckets.ts';
import { listStorageBuckets } from '../../storage/list-buckets.ts';

/** Somebody waits at a form: what can't be told by then is left out. */
const STATES_WITHIN_MS = 4_000;

/**
 * The buckets for a database's form, each with its state where the key can't use it. The names alone where the storage
 * does not say in time. Throws `invalid` where there is no list.
 */
export async function bucketChoices(services: Services, signal: AbortSignal): Promise<readonly Choice[]> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(STATES_WITHIN_MS)]);
    const { states } = await listBucketStates(services, { refresh: false, signal: limit });
    return states.map(({ name, state }) => ({
      value: name,
      label: state === 'reachable' ? name : `${name} (${state})`,
    }));
  } catch {
    const { buckets } = await listStorageBuckets(services, signal);
    return buckets.map((name) => ({ value: name, label: name }));
  }
}
