import type { FilterSelect } from '../../../views/parts/filter-form.tsx';
import type { DatabaseFilter, kindsOfDatabases, StorageFilter } from '../../backups/find-databases.ts';
import { engines } from '../../engines/engines.ts';
import { bucketName } from '../../fields.ts';

/** The drop-downs over the list of databases, and how its address names a storage. */

const BUCKET = 'bucket:';
/** More buckets than that make no drop-down; their addresses work all the same. */
const MOST_BUCKETS = 30;

/** As an address names it; null for what is none. */
export function storageIn(text: string | undefined): StorageFilter | null {
  if (text === 'local' || text === 'spaces' || text === 'off') return text;
  if (text === undefined || !text.startsWith(BUCKET)) return null;
  const parsed = bucketName.safeParse(text.slice(BUCKET.length));
  return parsed.success ? { bucket: parsed.data } : null;
}

export function storageText(storage: StorageFilter): string {
  return typeof storage === 'string' ? storage : `${BUCKET}${storage.bucket}`;
}

/** A drop-down that has nothing to choose among is left out, unless the address has chosen. */
export function selectsOf(
  filter: DatabaseFilter,
  known: Awaited<ReturnType<typeof kindsOfDatabases>>,
): readonly FilterSelect[] {
  const types = new Set(known.map(({ type }) => type));
  const storages = storageChoices(filter.storage, known);
  const select = (name: string, label: string, value: string | null, choices: FilterSelect['choices']) => ({
    name,
    label,
    value: value ?? '',
    choices: [{ value: '', label }, ...choices],
  });
  const engineChoices = engines.map(({ type, displayName }) => ({ value: type, label: displayName }));
  const { engine, storage } = filter;
  return [
    ...(types.size > 1 || engine !== null ? [select('engine', 'All engines', engine, engineChoices)] : []),
    ...(storages.length > 1 || storage !== null
      ? [select('storage', 'All storage', storage && storageText(storage), storages)]
      : []),
  ];
}

/** What databases have, and what is chosen. */
function storageChoices(
  chosen: StorageFilter | null,
  known: Awaited<ReturnType<typeof kindsOfDatabases>>,
): FilterSelect['choices'] {
  const inBuckets = known.filter(({ storageType }) => storageType === 'spaces');
  const buckets = new Set(inBuckets.flatMap(({ bucket }) => bucket ?? []));
  const listed = buckets.size > MOST_BUCKETS ? [] : [...buckets];
  if (chosen !== null && typeof chosen !== 'string') listed.push(chosen.bucket);
  // With one bucket alone it would be said twice.
  const isApart = inBuckets.some(({ bucket }) => bucket === null) || buckets.size > 1;
  const choices = [
    { value: 'local', label: 'On the server', isKnown: known.some((one) => one.storageType === 'local') },
    { value: 'spaces', label: 'In a bucket', isKnown: isApart },
    ...[...new Set(listed)].sort().map((bucket) => ({
      ...{ value: storageText({ bucket }), label: `Bucket ${bucket}`, isKnown: true },
    })),
    { value: 'off', label: 'Storage is off', isKnown: known.some(({ isOff }) => isOff === 1) },
  ];
  const value = chosen === null ? null : storageText(chosen);
  return choices
    .filter((one) => one.isKnown || one.value === value)
    .map(({ value, label }) => ({ value, label }));
}
