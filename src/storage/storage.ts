import * as z from 'zod';
import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, StorageConfigRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { forgetTroubles } from '../events/noted-troubles.ts';
import { bucketName } from '../fields.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { StorageContext } from './context.ts';
import { keyText, refuseInvisible } from './key-text.ts';
import { openKeys } from './keys.ts';

export const storageInput = z.object({
  accessKey: keyText('access key', 1024).pipe(z.string().min(1)),
  /** Blank or absent keeps the stored one. */
  secretKey: keyText('secret key', 4096).nullish(),
  /** Of temporary keys (STS). Blank or absent keeps the one of the same access key; null clears it. */
  sessionToken: keyText('session token', 8192).nullish(),
  region: z
    .string()
    .superRefine(refuseInvisible('region'))
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, { error: 'Must be a region, such as fra1' })
    .default('fra1'),
  /** Absent or blank: what `deriveEndpoint` makes of the region. */
  endpoint: z.string().max(300).superRefine(refuseInvisible('endpoint')).nullish(),
  buckets: z.array(bucketName).max(100).nullish(),
  /** What the provider is asked to encrypt with. Absent keeps what is stored; null means none. */
  encryption: z.enum(['none', 'AES256', 'aws:kms']).nullish(),
  /** Key id, ARN or alias for `aws:kms`; absent keeps what is stored; blank or null: the provider's default key. */
  encryptionKeyId: keyText('key id', 2048)
    .refine((text) => /^[!-~]*$/.test(text), {
      error: 'Must be a key id, an ARN or an alias, without blanks',
    })
    .nullish(),
});

export type StorageInput = z.infer<typeof storageInput>;

/** The storage of the installation as it is shown: never the secret key. */
export interface StorageConfig {
  readonly id: string;
  readonly accessKey: string;
  readonly region: string;
  /** As it was typed, else `host[:port]`; with its scheme only where that is plain http. */
  readonly endpoint: string;
  readonly buckets: readonly string[];
  readonly encryption: StorageConfigRow['encryption'];
  readonly encryptionKeyId: string | null;
  readonly hasSessionToken: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly enabledEnvironments: readonly {
    readonly id: string;
    readonly enabled: boolean;
    readonly environmentId: string;
  }[];
}

/** Null while nothing is configured. */
export async function getStorage(context: VaultContext): Promise<StorageConfig | null> {
  const row = await storageRow(context.db);
  if (row === undefined) return null;
  const environments = await context.db
    .selectFrom('spaces_environments')
    .selectAll()
    .where('spaces_config_id', '=', row.id)
    .execute();
  return {
    id: row.id,
    accessKey: await context.vault.open(row.access_key, SEALED.storageAccessKey.identity(row.id)),
    region: row.region,
    endpoint: row.endpoint_typed ?? plainEndpoint(row.endpoint),
    buckets: bucketsOf(row),
    encryption: row.encryption,
    encryptionKeyId: row.encryption_key_id,
    hasSessionToken: row.session_token !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    enabledEnvironments: environments.map((environment) => ({
      id: environment.id,
      enabled: environment.enabled === 1,
      environmentId: environment.environment_id,
    })),
  };
}

/** Forgets the storage and every environment's access to it; what is stored stays there. Throws `not_found`. */
export async function deleteStorage(context: Context, actor: Actor): Promise<void> {
  await write(context.db, async (trx) => {
    const row = await storageRow(trx);
    if (row === undefined) throw new AppError('not_found', 'Spaces configuration not found');
    await trx.deleteFrom('spaces_config').where('id', '=', row.id).execute();
    await trx.deleteFrom('bucket_traits').execute();
    await forgetTroubles(trx, 'capability');
    await recordAudit(trx, actor, auditedStorage('delete', row.id), context.now());
  });
}

export interface OpenedStorage {
  readonly s3: S3;
  readonly buckets: readonly string[];
  /** Of which settings it is: they may be changed while it is in use. */
  readonly row: SettingsStamp;
}

/** Which settings of the storage, as they were at one time. */
export type SettingsStamp = Pick<StorageConfigRow, 'id' | 'endpoint' | 'updated_at'>;

/** A client with the present settings; whoever opens it closes it. Throws `invalid` while nothing is configured. */
export async function openStorage(context: StorageContext): Promise<OpenedStorage> {
  const row = await storageRow(context.db);
  if (row === undefined) throw new AppError('invalid', 'Spaces not configured');
  const s3 = context.openS3({
    endpoint: row.endpoint,
    region: row.region,
    ...(await openKeys(row, context.vault)),
  });
  return { s3, buckets: bucketsOf(row), row };
}

/** The one row, or undefined. */
export async function storageRow(db: Db): Promise<StorageConfigRow | undefined> {
  return db.selectFrom('spaces_config').selectAll().limit(1).executeTakeFirst();
}

/** The manual list. */
export function bucketsOf(row: Pick<StorageConfigRow, 'buckets'>): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(row.buckets));
}

/** The entry of something done to the storage. */
export function auditedStorage(
  action: AuditedActions['spaces_config'],
  id: string,
  more: Pick<AuditEntry, 'details'> = {},
): AuditEntry {
  return auditEntry('spaces_config', action, { id, name: 'Storage' }, more);
}

/** As it is shown: `host[:port]`, with its scheme only where that is plain http. */
export const plainEndpoint = (endpoint: string) => endpoint.replace(/^https:\/\//, '');
