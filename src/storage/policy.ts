import type { Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { bucketName, keyPrefix } from '../fields.ts';
import { policyFor, type StoragePolicy } from '../object-stores/policies.ts';
import { PROVIDERS, providerOf } from '../object-stores/providers.ts';
import { bucketsInUse } from './in-use.ts';
import { bucketsOf, storageRow } from './storage.ts';

export interface PolicyQuery {
  /** Names separated by commas; absent: the configured ones and those that databases use. */
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
  /** Id of a provider, before anything is configured; absent: the configured one. */
  readonly provider?: string | undefined;
}

/** The least that a key needs. Throws `invalid` for what can't be a bucket, a prefix or a provider, and for no bucket. */
export async function storagePolicy(db: Db, query: PolicyQuery): Promise<StoragePolicy> {
  const row = await storageRow(db);
  const named = (query.bucket ?? '').split(',').flatMap((name) => name.trim() || []);
  const known = row === undefined ? [] : [...bucketsOf(row), ...(await bucketsInUse(db))];
  const buckets = [...new Set(named.length > 0 ? named : known)];
  if (buckets.length === 0)
    throw refused('bucket', 'Name the bucket that the policy is for, such as ?bucket=my-backups.');
  for (const name of buckets) {
    const issue = bucketName.safeParse(name).error?.issues[0];
    if (issue) throw refused('bucket', `${name.slice(0, 100)}: ${issue.message}`);
  }
  const prefix = query.prefix ?? '';
  const issue = keyPrefix.safeParse(prefix).error?.issues[0];
  if (issue) throw refused('prefix', issue.message);
  const provider = query.provider
    ? PROVIDERS.find(({ id }) => id === query.provider)
    : providerOf(row?.endpoint ?? '');
  if (provider === undefined) {
    const ids = PROVIDERS.map(({ id }) => id).join(', ');
    throw refused('provider', `Unknown provider. Must be one of: ${ids}.`);
  }
  return policyFor({ provider, region: row?.region ?? provider.defaultRegion, buckets, prefix });
}

function refused(field: string, message: string): AppError {
  return new AppError('invalid', message, { details: { field } });
}
