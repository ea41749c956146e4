import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Config } from '../config.ts';
import type { StorageConfigRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { deriveEndpoint, normaliseEndpoint } from '../object-stores/providers.ts';
import { mayShareKeys } from '../object-stores/recorded-place.ts';
import type { S3Settings } from '../object-stores/s3/settings.ts';
import type { Runs } from '../runs/runs.ts';
import { SEALED } from '../secrets/sealed.ts';
import { noteTraits, type SeenTraits, traitsOf } from './bucket-traits.ts';
import type { StorageContext } from './context.ts';
import { deepTestAgain } from './deep-test.ts';
import { openKeys } from './keys.ts';
import { auditedStorage, plainEndpoint, type StorageInput, storageRow } from './storage.ts';
import type { StorageTest } from './tried.ts';
import { noteGoodTest } from './tried-since.ts';
import { type TriedSettings, tryOpenedStorage } from './try-storage.ts';

interface SaveContext extends StorageContext {
  readonly config: Pick<Config, 'storageAllowHttp'>;
  readonly runs: Runs;
}

/** Who saves, and what they wish: the API's `?validate=true`, the page's "Save anyway". */
export type SaveWish =
  | { readonly by: 'api'; readonly validate: boolean }
  | { readonly by: 'page'; readonly saveAnyway: boolean };

/**
 * Whether a configuration is tested before it is saved; one that fails is then not saved. The API saves what it is given
 * unless it is asked to test it, as its contract says. The page always tests, but for what a person saves anyway: the keys
 * of a bucket-scoped key come before the names of its buckets (storage page, Scoped Keys).
 */
export function isTestedFirst(wish: SaveWish): boolean {
  return wish.by === 'api' ? wish.validate : !wish.saveAnyway;
}

export type Saved =
  | {
      readonly kind: 'saved';
      readonly config: {
        readonly id: string;
        readonly accessKey: string;
        readonly region: string;
        readonly endpoint: string;
      };
      /** What the storage said to the new configuration; null where it was not asked. */
      readonly test: StorageTest | null;
    }
  /** It was tried and does not work: nothing was changed. */
  | { readonly kind: 'refused'; readonly test: StorageTest };

/**
 * Replaces the configuration; its id and, where none is given, its secret key stay. Throws `invalid` for input that can't
 * be used; then nothing was changed either. What a deep test had found out may not hold for the new settings: it is run
 * again in the background.
 */
export async function saveStorage(
  context: SaveContext,
  actor: Actor,
  input: StorageInput,
  wish: SaveWish,
  signal: AbortSignal,
): Promise<Saved> {
  const before = await storageRow(context.db);
  const secretKey = input.secretKey || null;
  if (before === undefined && secretKey === null) {
    throw new AppError('invalid', 'Secret key is required for new configuration', {
      details: { field: 'secretKey' },
    });
  }
  const { accessKey } = input;
  const endpoint = normaliseEndpoint(input.endpoint?.trim() || deriveEndpoint(input.region), input.region, {
    allowHttp: context.config.storageAllowHttp,
  });
  // The API takes a kept secret key along to another account's endpoint, as its contract says.
  const asksForSecret = wish.by === 'page' && secretKey === null;
  if (asksForSecret && before && !mayShareKeys(before.endpoint, endpoint)) {
    throw new AppError(
      'invalid',
      'The endpoint is another account’s: enter the secret key that belongs to it. The stored one is for ' +
        `${plainEndpoint(before.endpoint)}.`,
      { details: { field: 'secretKey' } },
    );
  }
  const buckets = [...new Set(input.buckets ?? [])];
  const stored = before === undefined ? null : await openKeys(before, context.vault);
  const encryption = encryptionOf(input, before);
  const token = tokenOf(input, stored);
  const settings: S3Settings = {
    endpoint,
    region: input.region,
    accessKey,
    secretKey: secretKey ?? stored?.secretKey ?? '',
    sessionToken: token.value,
    encryption: encryption.algorithm === 'none' ? null : { ...encryption, algorithm: encryption.algorithm },
  };
  const tested = isTestedFirst(wish) ? await tryNew(context, settings, buckets, signal) : null;
  const test = tested?.test ?? null;
  const goodSince = tested?.isGood === true ? tested.begunAt : null;
  if (test?.success === false) return { kind: 'refused', test };
  const id = before?.id ?? newId();
  const sealed = {
    accessKey: await context.vault.seal(accessKey, SEALED.storageAccessKey.identity(id)),
    secretKey:
      secretKey === null ? null : await context.vault.seal(secretKey, SEALED.storageSecretKey.identity(id)),
    sessionToken: token.isKept
      ? undefined
      : token.value === null
        ? null
        : await context.vault.seal(token.value, SEALED.storageSessionToken.identity(id)),
  };
  const typed = input.endpoint?.trim() ? plainEndpoint(input.endpoint.trim().replace(/\/+$/, '')) : null;
  const { region } = input;
  const isOtherKey = stored !== null && stored.accessKey !== accessKey;
  const row = { id, before, sealed, region, endpoint, typed, buckets, encryption, goodSince, isOtherKey };
  await saveRow(context, actor, row);
  if (tested !== null) await noteTraits(context, endpoint, tested.traits);
  await deepTestAgain(context);
  return {
    kind: 'saved',
    config: { id, accessKey, region, endpoint: typed ?? plainEndpoint(endpoint) },
    test,
  };
}

type Encryption = { readonly algorithm: StorageConfigRow['encryption']; readonly keyId: string | null };

/** What is absent is kept: a client that knows nothing of encryption must not switch it off by renewing keys. */
function encryptionOf(input: StorageInput, before: StorageConfigRow | undefined): Encryption {
  const algorithm =
    input.encryption === undefined ? (before?.encryption ?? 'none') : (input.encryption ?? 'none');
  if (algorithm !== 'aws:kms') {
    if (!input.encryptionKeyId) return { algorithm, keyId: null };
    throw new AppError(
      'invalid',
      'A key id goes with the encryption aws:kms only: choose that, or leave the key id out.',
      {
        details: { field: 'encryptionKeyId' },
      },
    );
  }
  const kept = before?.encryption === 'aws:kms' ? before.encryption_key_id : null;
  return { algorithm, keyId: input.encryptionKeyId === undefined ? kept : input.encryptionKeyId || null };
}

/** A token belongs to its access key: with another one, the stored token is dropped. */
function tokenOf(
  { sessionToken, accessKey }: StorageInput,
  stored: Pick<S3Settings, 'accessKey' | 'sessionToken'> | null,
): { readonly value: string | null; readonly isKept: boolean } {
  if (sessionToken) return { value: sessionToken, isKept: false };
  if (sessionToken === null || stored?.accessKey !== accessKey) return { value: null, isKept: false };
  return { value: stored.sessionToken ?? null, isKept: true };
}

async function tryNew(
  context: SaveContext,
  settings: S3Settings,
  buckets: readonly string[],
  signal: AbortSignal,
): Promise<TriedSettings & { readonly traits: SeenTraits }> {
  const s3 = context.openS3(settings);
  try {
    const tested = await tryOpenedStorage(context, { s3, buckets }, signal);
    return { ...tested, traits: await traitsOf(context.db, { s3, buckets }, tested.test, signal) };
  } finally {
    await s3.close();
  }
}

interface NewConfiguration {
  readonly id: string;
  readonly before: StorageConfigRow | undefined;
  /** A null secret key is kept as it is stored: it may be sealed anew meanwhile. */
  readonly sealed: {
    readonly accessKey: string;
    readonly secretKey: string | null;
    /** Undefined keeps it as it is stored, null clears it. */
    readonly sessionToken: string | null | undefined;
  };
  readonly region: string;
  readonly endpoint: string;
  readonly typed: string | null;
  readonly buckets: readonly string[];
  readonly encryption: Encryption;
  /** When the test of it began that found it good; null where none did. */
  readonly goodSince: Date | null;
  /** It may be another account's, whose buckets of the same names are others. */
  readonly isOtherKey: boolean;
}

async function saveRow(context: SaveContext, actor: Actor, configuration: NewConfiguration): Promise<void> {
  const { id, before, sealed, region, endpoint, typed, buckets, encryption, goodSince, isOtherKey } =
    configuration;
  const now = context.now();
  const change = {
    access_key: sealed.accessKey,
    ...(sealed.secretKey === null ? {} : { secret_key: sealed.secretKey }),
    region,
    endpoint,
    endpoint_typed: typed,
    encryption: encryption.algorithm,
    encryption_key_id: encryption.keyId,
    ...(sealed.sessionToken === undefined ? {} : { session_token: sealed.sessionToken }),
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
      // There is one storage: a second row would be used by chance, and outlive the removal of the first.
      if ((await storageRow(trx)) !== undefined) {
        throw new AppError(
          'conflict',
          'The storage was entered at the same time, by another request. Look at what is stored now, and enter yours again where it differs.',
        );
      }
      await trx
        .insertInto('spaces_config')
        .values({
          session_token: null,
          ...change,
          id,
          secret_key: sealed.secretKey,
          created_at: now.toISOString(),
        })
        .execute();
    }
    if (isOtherKey) await trx.deleteFrom('bucket_traits').execute();
    if (goodSince !== null) await noteGoodTest(trx, { id, updated_at: change.updated_at }, goodSince, now);
    const details = {
      region,
      endpoint,
      buckets,
      encryption: encryption.algorithm,
      secretKeyChanged: sealed.secretKey !== null,
      sessionTokenChanged: sealed.sessionToken !== undefined,
    };
    const action = before === undefined ? 'create' : 'update';
    await recordAudit(trx, actor, auditedStorage(action, id, { details }), now);
  });
}
