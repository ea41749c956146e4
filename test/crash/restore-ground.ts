import { join } from 'node:path';
import Database from 'better-sqlite3';
import { backupsOf, create, isOpen, ODD } from '../attack/ground.ts';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import { DATABASE, type Field, prepareField } from './field.ts';

/** Rows of the table `noise` of a field's database. */
export const ROWS = 12_000;
const OPEN = ['pending', 'running', 'uncertain'];

/** An installation with backups of a database, which is killed while it restores them, and started again. */
export interface RestoreGround {
  readonly name: string;
  /** Of the database that was backed up, on the field's server. */
  readonly database: string;
  /** As it is registered. */
  readonly registered: string;
  /** Ids, by the formats that were asked for. */
  readonly backups: readonly string[];
  app(): ChildApp;
  /** Registers a database in the bucket and backs it up; gives the id of the backup. */
  backUp(name: string, body: Json): Promise<string>;
  /** As a power cut would, and the next start. */
  killAndStart(): Promise<void>;
  /** Asks for `restore`, `drill` or `verify` of a backup; gives the id of its run. */
  ask(what: 'restore' | 'drill' | 'verify', backupId: string, body?: Json): Promise<string>;
  runOf(runId: string): Promise<Json>;
  /** Waits for its end; gives its state. */
  endOf(runId: string): Promise<string>;
  /** Of the field's server. */
  databases(): Promise<readonly string[]>;
  /** Those that this installation's restores and drills have made and not given a name, or not removed. */
  nameless(): Promise<readonly string[]>;
  rowsOf(database: string): Promise<number>;
  close(): Promise<void>;
}

export async function prepareRestores(
  field: Field,
  bucket: string,
  {
    database = DATABASE,
    formats = ['plain'],
  }: { readonly database?: string; readonly formats?: readonly string[] } = {},
): Promise<RestoreGround> {
  const { postgres } = field;
  const folder = join(field.folder, `restores-${bucket}`);
  const start = () => startChildApp(field.program, { ...field.env, DATA_DIR: folder });
  let app = await start();
  const { environment, server } = await prepareField(field, app, bucket);
  // What reads in full by itself would be one more run that is killed.
  await app.ask('PUT', '/api/settings/system', { fullReadEveryDays: 0 });
  const registered = `shop ${ODD}`;
  const backUp = async (name: string, body: Json): Promise<string> => {
    const id = await create(app, 'database', `/api/environments/${environment}/databases`, {
      ...{ name, type: 'postgres', serverId: server, ...body },
      ...{ backupStorageType: 'spaces', backupSpacesBucket: bucket, backupSpacesPrefix: `${ODD}/` },
    });
    const backupId = String((await app.ask('POST', `/api/databases/${id}/backups`, {}))['backupId']);
    await until('the backup to end', 60_000, async () => !(await backupsOf(app, id)).some(isOpen));
    return backupId;
  };
  const backups: string[] = [];
  for (const format of formats) {
    const body = { backupFormat: format, ...placeOf(postgres, database), ...postgres.superuser };
    backups.push(await backUp(format === formats[0] ? registered : `${registered} ${format}`, body));
  }
  const databases = async () => {
    const rows = await postgres.query('SELECT datname FROM pg_database');
    return rows.map(({ datname }) => String(datname));
  };
  const runOf = async (runId: string) => (await app.ask('GET', `/api/runs/${runId}`))['run'] as Json;
  return {
    ...{ name: bucket, database, registered, backups, databases, runOf, backUp },
    app: () => app,
    async killAndStart() {
      await app.kill();
      field.bucket.faults.clear();
      app = await start();
    },
    async ask(what, backupId, body = {}) {
      return String((await app.ask('POST', `/api/backups/${backupId}/${what}`, body))['runId']);
    },
    endOf: (runId) =>
      until('the run to end', 240_000, async () => {
        const state = String((await runOf(runId))['state']);
        return OPEN.includes(state) ? undefined : state;
      }),
    async nameless() {
      const tokens = tokensIn(folder);
      const own = new Set(
        tokens.flatMap((token) => [`bp_restore_${token}`, `bp_drill_${token}`, `bp_drop_${token}`]),
      );
      return (await databases()).filter((name) => own.has(name));
    },
    async rowsOf(name) {
      const [row] = await postgres.query('SELECT count(*)::int AS rows FROM noise', name);
      return Number(row?.['rows']);
    },
    close: () => app.kill(),
  };
}

/** Where a database of PostgreSQL is, as the API takes it. */
export function placeOf({ port }: { readonly port: number }, databaseName: string): Json {
  return { host: '127.0.0.1', port, databaseName };
}

/** Of all its restores, read beside it. */
function tokensIn(folder: string): readonly string[] {
  const db = new Database(join(folder, 'bridgeport.sqlite'), { readonly: true });
  try {
    return db.prepare('SELECT token FROM restores').pluck().all().map(String);
  } finally {
    db.close();
  }
}
