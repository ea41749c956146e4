import type { SpacesConfigRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Services } from '../services-port.ts';
import { deriveEndpoint, normaliseEndpoint } from '../storage/providers.ts';
import { mayShareKeys } from '../storage/recorded-place.ts';
import type { S3Settings } from '../storage/s3/s3.ts';
import { type Actor, recordAudit } from './audit.ts';
import { auditedSpaces, identities, type SpacesInput, spacesRow, wireEndpoint } from './spaces.ts';
import { probeAgain } from './spaces-probe.ts';
import { type SpacesTest, testOpenedSpaces } from './test-spaces.ts';

type Context = Pick<Services, 'config' | 'db' | 'now' | 'vault' | 'openS3' | 'log'>;

export interface SaveOptions {
  /** Tests the new configuration first; one that fails is not saved. */
  readonly validate?: boolean;
  /** Refuses to take a kept secret key along to another account's endpoint; the API takes it, as its contract says. */
  readonly asksForSecretElsewhere?: boolean;
  readonly signal?: AbortSignal;
}

export interface SavedSpaces {
  readonly config: {
    readonly id: string;
    readonly accessKey: string;
    readonly region: string;
    readonly endpoint: string;
  };
  /** What the storage said to the new configuration; null where it was not asked. */
  readonly test: SpacesTest | null;
}

/**
 * Replaces the configuration; its id and, where none is given, its secret key stay. Throws `invalid`: for input that
 * can't be used and, where it is validated, with the test's message and `details.test` (a `SpacesTest`); then nothing
 * was changed. What a deep test had found out may not hold for the new settings: it is run again in the background.
 */
export async function saveSpaces(
  context: Context,
  actor: Actor,
  input: SpacesInput,
  {
    validate = false,
    asksForSecretElsewhere = false,
    signal = AbortSignal.timeout(60_000),
  }: SaveOptions = {},
): Promise<SavedSpaces> {
  const before = await spacesRow(context.db);
  const secretKey = input.secretKey?.trim() ? input.secretKey.trim() : null;
  if (before === undefined && secretKey === null) {
    throw new AppError('invalid', 'Secret key is required for new configuration', {
      details: { field: 'secretKey' },
    });
  }
  const accessKey = input.accessKey.trim();
  const endpoint = normaliseEndpoint(input.endpoint?.trim() || deriveEndpoint(input.region), input.region, {
    allowHttp: context.config.storageAllowHttp,
  });
  if (asksForSecretElsewhere && secretKey === null && before && !mayShareKeys(before.endpoint, endpoint)) {
    throw new AppError(
      'invalid',
      'The endpoint is another account’s: enter the secret key that belongs to it. The stored one is for ' +
        `${wireEndpoint(before.endpoint)}.`,
      { details: { field: 'secretKey' } },
    );
  }
  const buckets = [...new Set(input.buckets ?? [])];
  const settings = { endpoint, region: input.region, accessKey };
  const test = validate
    ? await requireWorking(
        context,
        { ...settings, secretKey: secretKey ?? (await storedSecret(context, before)) },
        buckets,
        signal,
      )
    : null;
  const id = before?.id ?? newId();
  const sealed = {
    accessKey: await context.vault.seal(accessKey, identities(id).accessKey),
    secretKey: secretKey === null ? null : await context.vault.seal(secretKey, identities(id).secretKey),
  };
  await saveRow(context, actor, { id, before, sealed, region: input.region, endpoint, buckets });
  await probeAgain(context);
  return { config: { id, accessKey, region: input.region, endpoint: wireEndpoint(endpoint) }, test };
}

async function storedSecret(context: Context, row: SpacesConfigRow | undefined): Promise<string> {
  return row === undefined ? '' : context.vault.open(row.secret_key, identities(row.id).secretKey);
}

async function requireWorking(
  context: Context,
  settings: S3Settings,
  buckets: readonly string[],
  signal: AbortSignal,
): Promise<SpacesTest> {
  const s3 = context.openS3(settings);
  try {
    const test = await testOpenedSpaces(context, { s3, buckets }, signal);
    if (!test.success) throw new AppError('invalid', test.message, { details: { test } });
    return test;
  } finally {
    await s3.close();
  }
}

interface NewConfiguration {
  readonly id: string;
  readonly before: SpacesConfigRow | undefined;
  /** A null secret key is kept as it is stored: it may be sealed anew meanwhile. */
  readonly sealed: { readonly accessKey: string; readonly secretKey: string | null };
  readonly region: string;
  readonly endpoint: string;
  readonly buckets: readonly string[];
}

async function saveRow(context: Context, actor: Actor, configuration: NewConfiguration): Promise<void> {
  const { id, before, sealed, region, endpoint, buckets } = configuration;
  const now = context.now();
  const change = {
    access_key: sealed.accessKey,
    ...(sealed.secretKey === null ? {} : { secret_key: sealed.secretKey }),
    region,
    endpoint,
    buckets: JSON.stringify(buckets),
    updated_at: now.toISOString(),
  };
  await write(context.db, async (trx) => {
    const updated = await trx
      .updateTable('spaces_config')
      .set(change)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (updated.numUpdatedRows === 0n) {
      if (sealed.secretKey === null) {
        throw new AppError('conflict', 'The storage was deleted at the same time. Enter it anew.');
      }
      await trx
        .insertInto('spaces_config')
        .values({ ...change, id, secret_key: sealed.secretKey, created_at: now.toISOString() })
        .execute();
    }
    const entry = auditedSpaces(before === undefined ? 'create' : 'update', id);
    const details = { region, endpoint, buckets, secretKeyChanged: sealed.secretKey !== null };
    await recordAudit(trx, actor, { ...entry, details }, now);
  });
}
