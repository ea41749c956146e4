import type { Db, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { canonicalJson, type Json } from '../secrets/canonical-json.ts';
import type { VaultContext } from '../secrets/context.ts';
import { ed25519Signer } from '../secrets/ed25519.ts';
import { signingKey } from '../secrets/signing-keys.ts';
import { backupObject } from './backup-object.ts';
import { contentsOf } from './contents.ts';
import { restoreByHand } from './restore-by-hand.ts';

const SCHEMA_VERSION = 1;

/** A backup's manifest as it lies beside its object: canonical JSON of what is signed, with `signature`. */
export interface SignedManifest {
  readonly text: string;
  readonly publicKey: string;
}

/** The key by which anybody can check this installation's manifests, base64url; made now where there is none. */
export async function manifestPublicKey({ db, vault, now }: VaultContext): Promise<string> {
  const { secret } = await signingKey(db, vault, 'manifest', now());
  return (await ed25519Signer(secret)).publicKey;
}

/** Throws `not_found` for a backup that is not there, `conflict` for one that is not completed. */
export async function signedManifest(context: VaultContext, backupId: string): Promise<SignedManifest> {
  const { db, vault, now } = context;
  const facts = await manifestFacts(db, backupId);
  const { secret } = await signingKey(db, vault, 'manifest', now());
  const { publicKey, sign } = await ed25519Signer(secret);
  const manifest = { ...facts, publicKey };
  const signature = await sign(canonicalJson(manifest));
  return { text: `${canonicalJson({ ...manifest, signature })}\n`, publicKey };
}

/** All that is known of a completed backup, without secrets. The same for the same rows: who writes it again writes the same. */
async function manifestFacts(db: Db | Trx, backupId: string): Promise<{ readonly [name: string]: Json }> {
  const backup = await db
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', backupId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const object = await backupObject(db, backupId, 'dump');
  if (backup.status !== 'completed' || object === undefined) {
    throw new AppError('conflict', `Only a completed backup has a manifest: it is ${backup.status}.`);
  }
  const of = await db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'databases.type'])
    .select(['environments.id as environmentId', 'environments.name as environmentName'])
    .where('databases.id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  const contents = contentsOf(backup);
  const { sha256, filename: fileName, server_version: serverVersion } = backup;
  const byHand = restoreByHand({ type: of.type, fileName, sha256, serverVersion });
  return {
    schemaVersion: SCHEMA_VERSION,
    backupId,
    environment: { id: of.environmentId, name: of.environmentName },
    database: { id: of.id, name: of.name },
    engine: { type: of.type, serverVersion, clientVersion: backup.client_version },
    options: backup.dump_options === null ? null : parsed(backup.dump_options),
    format: backup.format,
    compression: backup.compression,
    object: { key: object.key, versionId: object.version_id, fileName, contentType: backup.content_type },
    bytes: { dump: Number(backup.bytes_read) || null, stored: Number(backup.size) },
    sha256: { dump: backup.dump_sha256, stored: sha256 },
    contents: contents === null ? null : parsed(JSON.stringify(contents)),
    startedAt: backup.started_at,
    completedAt: backup.completed_at,
    restoreByHand: byHand?.lines ?? null,
  };
}

/** Text that was JSON when it was written. */
function parsed(text: string): Json {
  return JSON.parse(text);
}
