import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { insertLeftover } from '../leftovers/insert-leftover.ts';
import { listAll } from '../object-stores/deep-test/list-page.ts';
import { isOnHost } from '../object-stores/place.ts';
import type { StorageContext } from '../storage/context.ts';
import { prefixesInUse } from '../storage/in-use.ts';
import { auditedStorage, openStorage, storageRow } from '../storage/storage.ts';

/** An object under a prefix of ours that no backup, tombstone or leftover knows. */
export interface Orphan {
  readonly bucket: string;
  readonly key: string;
  readonly modifiedAt: string;
}

/** A completed backup that people see, and whose object is not where it was stored. */
export interface MissingObject {
  readonly backupId: string;
  readonly databaseId: string;
  readonly bucket: string;
  readonly key: string;
}

export interface Orphans {
  readonly orphans: readonly Orphan[];
  readonly missing: readonly MissingObject[];
  /** What was not looked at, and why, in sentences. */
  readonly notLookedAt: readonly string[];
}

/** Asked of the database at once. */
const AT_ONCE = 200;
const PAGE = 1_000;
/** Looked at one by one; who misses more has lost a bucket. */
const MOST_MISSING = 100;
const MOST_LISTED = 1_000;

/**
 * Compares what lies under the prefixes of databases with what is known. A report: nothing is removed. Listed first and asked
 * second: what is being stored meanwhile is recorded before it appears. Throws `invalid` while no storage is configured.
 */
export async function findOrphans(context: StorageContext, signal: AbortSignal): Promise<Orphans> {
  const { db } = context;
  const endpoint = (await storageRow(db))?.endpoint ?? '';
  const endpoints = await knownEndpoints(db, endpoint);
  const { s3 } = await openStorage(context);
  const orphans: Orphan[] = [];
  const missing: MissingObject[] = [];
  const notLookedAt: string[] = [];
  try {
    for (const [bucket, prefixes] of await prefixesInUse(db)) {
      const listed = new Map<string, string>();
      for (const prefix of prefixes) {
        if (prefix === '') {
          notLookedAt.push(
            `Bucket ${bucket}: a database stores into it without a prefix, so that nothing tells its files from those of others.`,
          );
          continue;
        }
        const found = await listAll({ connection: s3.connection, bucket }, signal, prefix);
        for (const { key, modifiedAt } of found) listed.set(key, modifiedAt);
      }
      const known = await knownKeys(db, { endpoints, bucket }, [...listed.keys()]);
      for (const [key, modifiedAt] of listed) {
        if (!known.has(key) && orphans.length < MOST_LISTED) orphans.push({ bucket, key, modifiedAt });
      }
      for (const { key, versionId, ...of } of await notListed(db, { endpoint, bucket }, listed)) {
        // A listing alone is no proof, and one of very many keys is not read to its end.
        const head = await s3.bucket(bucket).head(key, { versionId, signal });
        if (head === null) missing.push({ ...of, bucket, key });
      }
    }
  } finally {
    await s3.close();
  }
  return { orphans, missing, notLookedAt };
}

/**
 * The storage's address, and all others that something is recorded at: the same bucket may have had another one when it was stored,
 * such as before there was TLS, and what is recorded there is no orphan. One step in an index for each.
 */
async function knownEndpoints(db: Db, present: string): Promise<readonly string[]> {
  const found = new Set([present]);
  for (let after = ''; ; ) {
    const { endpoint } = await db
      .selectFrom('backup_objects')
      .select(({ fn }) => fn.min<string | null>('endpoint').as('endpoint'))
      .where('endpoint', '>', after)
      .executeTakeFirstOrThrow();
    if (endpoint === null) return [...found];
    if (!isOnHost({ endpoint })) found.add(endpoint);
    after = endpoint;
  }
}

async function knownKeys(
  db: Db | Trx,
  { endpoints, bucket }: { readonly endpoints: readonly string[]; readonly bucket: string },
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let start = 0; start < keys.length; start += AT_ONCE) {
    const some = keys.slice(start, start + AT_ONCE);
    for (const table of ['backup_objects', 'leftovers'] as const) {
      const rows = await db
        .selectFrom(table)
        .select('key')
        .where('endpoint', 'in', endpoints)
        .where('bucket', '=', bucket)
        .where('key', 'in', some)
        .execute();
      for (const { key } of rows) known.add(key);
    }
  }
  return known;
}

/** Backups under the prefix that their database has now, whose object was not among those listed: page by page of an index. */
async function notListed(
  db: Db,
  { endpoint, bucket }: { readonly endpoint: string; readonly bucket: string },
  listed: ReadonlyMap<string, string>,
) {
  const found: { backupId: string; databaseId: string; key: string; versionId: string | null }[] = [];
  for (let after = ''; ; ) {
    const page = await db
      .selectFrom('backup_objects')
      .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
      .innerJoin('databases', 'databases.id', 'backups.database_id')
      .select(['backup_objects.backup_id as backupId', 'backups.database_id as databaseId'])
      .select(['backup_objects.key', 'backup_objects.version_id as versionId'])
      .select([
        'backups.status',
        'backups.deleted_at as hiddenAt',
        'databases.backup_spaces_prefix as prefix',
      ])
      .where('backup_objects.endpoint', '=', endpoint)
      .where('backup_objects.bucket', '=', bucket)
      .where('backup_objects.key', '>', after)
      // One that is gone is written again by itself.
      .where('backup_objects.kind', '!=', 'manifest')
      .orderBy('backup_objects.key')
      .limit(PAGE)
      .execute();
    for (const { status, hiddenAt, prefix, ...of } of page) {
      const isOurs = prefix !== null && prefix !== '' && of.key.startsWith(prefix);
      if (status === 'completed' && hiddenAt === null && isOurs && !listed.has(of.key)) found.push(of);
      if (found.length >= MOST_MISSING) return found;
    }
    const last = page.at(-1);
    if (last === undefined) return found;
    after = last.key;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/**
 * Has an orphan removed, which the sweep does in the background and lists under what is left behind until it is gone. Only what
 * lies under a prefix of a database, is known by no row and was stored by a BRIDGEPORT. Throws `not_found` and `conflict`.
 */
export async function removeOrphan(
  context: StorageContext,
  actor: Actor,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  signal: AbortSignal,
): Promise<void> {
  const { db, now } = context;
  const prefixes = (await prefixesInUse(db)).get(bucket) ?? [];
  if (!prefixes.some((prefix) => prefix !== '' && key.startsWith(prefix))) {
    throw new AppError(
      'conflict',
      `${key} lies under no prefix of a database, and is not removed from here.`,
    );
  }
  const row = await storageRow(db);
  const { s3 } = await openStorage(context);
  let versionId: string | null;
  try {
    const head = await s3.bucket(bucket).head(key, { signal });
    if (head === null) throw new AppError('not_found', `${key} is not in bucket ${bucket} any more.`);
    if (head.token === null) {
      throw new AppError(
        'conflict',
        `${key} was not stored by BRIDGEPORT: it does not carry the mark of a run. Remove it with the provider’s own tools, if nobody needs it.`,
      );
    }
    versionId = head.versionId;
  } finally {
    await s3.close();
  }
  const place = { endpoint: row?.endpoint ?? '', region: row?.region ?? null, bucket };
  const endpoints = await knownEndpoints(db, place.endpoint);
  await write(db, async (trx) => {
    if ((await knownKeys(trx, { endpoints, bucket }, [key])).has(key)) {
      throw new AppError('conflict', `${key} belongs to a backup by now, or is being removed already.`);
    }
    const left = {
      backup_id: null,
      kind: 'object',
      ...place,
      key,
      upload_id: null,
      version_id: versionId,
    } as const;
    await insertLeftover(trx, left, now(), 0);
    const entry = auditedStorage('remove_orphan', row?.id ?? '', { details: { bucket, key } });
    await recordAudit(trx, actor, entry, now());
  });
}
