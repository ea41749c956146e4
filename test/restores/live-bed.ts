import { Readable } from 'node:stream';
import pg from 'pg';
import type { RestoreRow } from '../../src/db/schema.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { startPostgres } from '../support/postgres.ts';
import { checksums } from '../support/postgres-data.ts';
import { restoreRow } from '../support/restore-row.ts';
import { until } from '../support/until.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

/** Of the database's owner, who may create none. */
export const OWNER = { username: 'o "wner" ü', password: "p'w $x 😀" };
/** Of one length: in the body of a function, which ends with the second. */
export const HARMLESS = '_ends with nothing, and does no harm';
export const HARM = `'$$;COMMIT;DROP TABLE public.mine;--`;

/** A database of a user who may create none, and a backup of it. */
export interface LiveBed {
  readonly bed: RestoreBed;
  readonly source: string;
  /** What confirms that it is replaced. */
  readonly confirm: string;
  readonly databaseId: string;
  readonly backup: EndedBackup;
  readonly backedUp: Json;
  asOwner(text: string): Promise<readonly Json[]>;
  client(): pg.Client;
  contentOf(): Promise<Json>;
  /** As a restore records them before its load. */
  marks(): Promise<readonly unknown[]>;
  /** Puts another object in the place of the backup's, of which its row knows nothing; gives what puts it back. */
  forge(change: (bytes: Buffer) => Buffer): Promise<() => Promise<void>>;
  /** A restore in that state whose app is gone, once the next start has looked at it: its id. */
  killed(state: RestoreRow['state'], recorded: readonly unknown[], madeIn?: string): Promise<string>;
}

export async function startLiveBed(): Promise<LiveBed> {
  const bed = await startRestoreBed(startPostgres);
  const { postgres } = bed;
  const { services } = bed.app;
  const source = bed.name(`live = 'x' host=y`);
  await postgres.createDatabase(source);
  const owner = pg.escapeIdentifier(OWNER.username);
  await postgres.query(`CREATE ROLE ${owner} LOGIN PASSWORD ${pg.escapeLiteral(OWNER.password)}`);
  await postgres.query(`ALTER DATABASE ${pg.escapeIdentifier(source)} OWNER TO ${owner}`);
  const client = () => {
    const { username: user, password } = OWNER;
    return new pg.Client({ host: '127.0.0.1', port: postgres.port, user, password, database: source });
  };
  const asOwner = (text: string) => query(client(), text);
  const contentOf = async (): Promise<Json> => ({ ...(await checksums(postgres, source)) });
  await asOwner(
    `CREATE SCHEMA "s ü";
     CREATE TABLE a (id serial PRIMARY KEY, noise text); CREATE INDEX ON a (noise);
     INSERT INTO a (noise) SELECT md5(g::text) FROM generate_series(1, 4000) g;
     CREATE TABLE "s ü"."b 😀" (id int PRIMARY KEY, a int REFERENCES a);
     INSERT INTO "s ü"."b 😀" SELECT g, g FROM generate_series(1, 50) g;
     CREATE VIEW seen AS SELECT a.id, noise FROM a JOIN "s ü"."b 😀" b ON b.a = a.id;
     CREATE FUNCTION says() RETURNS text LANGUAGE sql AS $$ SELECT '${HARMLESS}'::text $$;
     SELECT lo_from_bytea(0, 'large')`,
  );
  const databaseId = await bed.source(source, {
    ...{ backupFormat: 'custom', backupCompression: 'none', ...OWNER },
  });
  const { name: confirm } = await services.db
    .selectFrom('databases')
    .select('name')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const backup = await bed.backUpOf(databaseId);
  let count = 0;
  return {
    ...{ bed, source, confirm, databaseId, backup, asOwner, client, contentOf },
    backedUp: await contentOf(),
    marks: async () => [
      ['public', 'a', Number((await asOwner(`SELECT 'a'::regclass::oid::int8 AS oid`))[0]?.['oid'])],
    ],
    forge: (change) => forge(services, backup.id, change),
    async killed(state, recorded, madeIn) {
      count += 1;
      const id = `live-${count}`;
      const restore = restoreRow({
        ...{ id, backup_id: backup.id, database_id: databaseId, database_name: source, new_name: source },
        ...{ server_id: bed.server, port: postgres.port, token: `${id}x`.replace('-', '') },
        ...{ state, in_place: 1, load_options: JSON.stringify({ live: true, madeIn }) },
        ...{ replaced_id: JSON.stringify(recorded) },
      });
      await insertKilled(services, restore);
      return id;
    },
  };
}

type Services = RestoreBed['app']['services'];

async function query(client: pg.Client, text: string): Promise<readonly Json[]> {
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function forge(
  { db, openPlace }: Services,
  backupId: string,
  change: (bytes: Buffer) => Buffer,
): Promise<() => Promise<void>> {
  const of = db.selectFrom('backup_objects').selectAll().where('backup_id', '=', backupId);
  const object = await of.executeTakeFirstOrThrow();
  const { store, close } = await openPlace(object);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.get(object.key)) chunks.push(chunk.slice());
  const forged = change(Buffer.concat(chunks));
  const key = `${object.key}.forged`;
  const { signal } = new AbortController();
  const options = { signal, token: 'forged', contentType: 'text/plain', fileName: 'forged' };
  await store.put(key, Readable.from([forged]), options);
  await close();
  const set = (to: string) =>
    db.updateTable('backup_objects').set({ key: to }).where('id', '=', object.id).execute();
  await set(key);
  return async () => void (await set(object.key));
}

/** With a run of which another process, which is gone, had the claim. */
async function insertKilled({ db, vault }: Services, restore: RestoreRow): Promise<void> {
  const { id, backup_id: backupId } = restore;
  const credentials = await vault.seal(JSON.stringify(OWNER), SEALED.restoreCredentials.identity(id));
  const like = await db
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', String(backupId))
    .executeTakeFirstOrThrow();
  await db
    .insertInto('restores')
    .values({ ...restore, credentials })
    .execute();
  await db
    .insertInto('runs')
    .values({
      ...like,
      ...{ id, kind: 'restore', lane: `live:${id}`, state: 'running', ended_at: null },
      ...{ claimed_by: 'dead', lease_until: new Date(0).toISOString() },
    })
    .execute();
  await until('its repair', 60_000, async () => {
    const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    return row.state === 'running' || row.claimed_by !== null ? undefined : row;
  });
}
