import { z } from 'zod';
import type { Db, SpacesConfigRow } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Services } from '../services-port.ts';
import { deriveEndpoint, normaliseEndpoint } from '../storage/providers.ts';
import type { S3 } from '../storage/s3/s3.ts';
import { type Actor, recordAudit } from './audit.ts';
import { bucketName, line } from './fields.ts';

export const spacesInput = z.object({
  accessKey: line(1024).min(1),
  /** Blank or absent keeps the stored one. */
  secretKey: line(4096).nullish(),
  region: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, { error: 'Must be a region, such as fra1' })
    .default('fra1'),
  /** Absent or blank: `{region}.digitaloceanspaces.com`. */
  endpoint: z.string().max(300).nullish(),
  buckets: z.array(bucketName).max(100).nullish(),
});

export type SpacesInput = z.infer<typeof spacesInput>;

/** The storage of the installation as the wire shows it: never the secret key. */
export interface SpacesConfig {
  readonly id: string;
  readonly accessKey: string;
  readonly region: string;
  /** `host[:port]`; with its scheme only where that is plain http. */
  readonly endpoint: string;
  readonly buckets: readonly string[];
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly enabledEnvironments: readonly {
    readonly id: string;
    readonly enabled: boolean;
    readonly spacesConfigId: string;
    readonly environmentId: string;
  }[];
}

type Context = Pick<Services, 'config' | 'db' | 'now' | 'vault'>;

/** Null while nothing is configured. */
export async function getSpaces(context: Pick<Context, 'db' | 'vault'>): Promise<SpacesConfig | null> {
  const row = await spacesRow(context.db);
  if (row === undefined) return null;
  const environments = await context.db
    .selectFrom('spaces_environments')
    .selectAll()
    .where('spaces_config_id', '=', row.id)
    .execute();
  return {
    id: row.id,
    accessKey: await context.vault.open(row.access_key, accessKeyIdentity(row.id)),
    region: row.region,
    endpoint: wireEndpoint(row.endpoint),
    buckets: bucketsOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    enabledEnvironments: environments.map((environment) => ({
      id: environment.id,
      enabled: environment.enabled === 1,
      spacesConfigId: environment.spaces_config_id,
      environmentId: environment.environment_id,
    })),
  };
}

/** Replaces the configuration; its id and, where none is given, its secret key stay. Throws `invalid`. */
export async function saveSpaces(
  context: Context,
  actor: Actor,
  input: SpacesInput,
): Promise<{ id: string; accessKey: string; region: string; endpoint: string }> {
  const before = await spacesRow(context.db);
  const secretKey = input.secretKey?.trim() ? input.secretKey.trim() : null;
  if (before === undefined && secretKey === null) {
    throw new AppError('invalid', 'Secret key is required for new configuration', {
      details: { field: 'secretKey' },
    });
  }
  const id = before?.id ?? newId();
  const now = context.now();
  const accessKey = input.accessKey.trim();
  const endpoint = normaliseEndpoint(input.endpoint?.trim() || deriveEndpoint(input.region), input.region, {
    allowHttp: context.config.storageAllowHttp,
  });
  const row: SpacesConfigRow = {
    id,
    access_key: await context.vault.seal(accessKey, accessKeyIdentity(id)),
    secret_key:
      secretKey === null
        ? (before?.secret_key ?? '')
        : await context.vault.seal(secretKey, secretKeyIdentity(id)),
    region: input.region,
    endpoint,
    buckets: JSON.stringify([...new Set(input.buckets ?? [])]),
    created_at: before?.created_at ?? now.toISOString(),
    updated_at: now.toISOString(),
  };
  await context.db.transaction().execute(async (trx) => {
    const { id: _, created_at: __, ...change } = row;
    await trx
      .insertInto('spaces_config')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(change))
      .execute();
    const entry = audited(before === undefined ? 'create' : 'update', id);
    const details = {
      region: row.region,
      endpoint,
      buckets: bucketsOf(row),
      secretKeyChanged: secretKey !== null,
    };
    await recordAudit(trx, actor, { ...entry, details }, now);
  });
  return { id, accessKey, region: row.region, endpoint: wireEndpoint(endpoint) };
}

/** Forgets the storage and every environment's access to it; what is stored stays there. Throws `not_found`. */
export async function deleteSpaces(context: Pick<Context, 'db' | 'now'>, actor: Actor): Promise<void> {
  await context.db.transaction().execute(async (trx) => {
    const row = await spacesRow(trx);
    if (row === undefined) throw new AppError('not_found', 'Spaces configuration not found');
    await trx.deleteFrom('spaces_config').where('id', '=', row.id).execute();
    await recordAudit(trx, actor, audited('delete', row.id), context.now());
  });
}

export interface OpenedSpaces {
  readonly s3: S3;
  readonly buckets: readonly string[];
}

/** A client with the present settings; whoever opens it closes it. Throws `invalid` while nothing is configured. */
export async function openSpaces(services: Pick<Services, 'db' | 'vault' | 'openS3'>): Promise<OpenedSpaces> {
  const row = await spacesRow(services.db);
  if (row === undefined) throw new AppError('invalid', 'Spaces not configured');
  const s3 = services.openS3({
    endpoint: row.endpoint,
    region: row.region,
    accessKey: await services.vault.open(row.access_key, accessKeyIdentity(row.id)),
    secretKey: await services.vault.open(row.secret_key, secretKeyIdentity(row.id)),
  });
  return { s3, buckets: bucketsOf(row) };
}

/** The one row, or undefined. */
export async function spacesRow(db: Db): Promise<SpacesConfigRow | undefined> {
  return db.selectFrom('spaces_config').selectAll().limit(1).executeTakeFirst();
}

function bucketsOf(row: Pick<SpacesConfigRow, 'buckets'>): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(row.buckets));
}

function audited(action: string, id: string) {
  return { action, resourceType: 'spaces_config', resourceId: id, resourceName: 'Storage' } as const;
}

const wireEndpoint = (endpoint: string) => endpoint.replace(/^https:\/\//, '');
const accessKeyIdentity = (id: string) => `spaces:${id}:access_key`;
const secretKeyIdentity = (id: string) => `spaces:${id}:secret_key`;
