import { quote } from '../../src/hosts/quote.ts';
import { createVerdict, pick, type Verdict } from '../attack/verdict.ts';
import type { Json } from '../support/installation.ts';
import type { Field } from './field.ts';
import { placeOf, type RestoreGround, ROWS } from './restore-ground.ts';

export const KINDS = [
  'restore',
  'verification',
  'drill',
  'in place',
  'into the live one',
  'in place of a file',
] as const;
export type Kind = (typeof KINDS)[number];

interface Server {
  query(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  dropDatabase(name: string): Promise<void>;
}

/** A database of one who may create none, and a file of SQLite on the host: each with its backup. */
export interface Ground extends RestoreGround {
  readonly live: { readonly name: string; readonly backupId: string; rows(sql?: string): Promise<number> };
  readonly file: {
    readonly name: string;
    readonly backupId: string;
    rows(file?: string, sql?: string): Promise<number>;
    beside(): Promise<readonly string[]>;
  };
}

export async function prepareLive({ postgres }: Field, ground: RestoreGround): Promise<Ground['live']> {
  const [name, role] = [`live ${ground.database}`, `owner of ${ground.name}`];
  await postgres.query(`CREATE ROLE ${quoted(role)} LOGIN PASSWORD 'of the owner'`);
  await postgres.query(`CREATE DATABASE ${quoted(name)} OWNER ${quoted(role)}`);
  const noise = `CREATE TABLE noise AS SELECT n, md5(random()::text) AS text FROM generate_series(1, ${ROWS}) n`;
  await postgres.query(`SET ROLE ${quoted(role)}; ${noise}`, name);
  const body = { ...placeOf(postgres, name), username: role, password: 'of the owner' };
  const backupId = await ground.backUp(name, { ...body, backupFormat: 'custom', backupCompression: 'none' });
  return {
    ...{ name, backupId },
    async rows(sql = '') {
      if (sql !== '') await postgres.query(`SET ROLE ${quoted(role)}; ${sql}`, name);
      return ground.rowsOf(name);
    },
  };
}

export async function prepareFile({ sshd }: Field, ground: RestoreGround): Promise<Ground['file']> {
  const name = `file of ${ground.name}`;
  const folder = `${sshd.folder}/${ground.name}`;
  const path = `${folder}/app "ü" +.db`;
  const run = (file: string, sql: string) =>
    sshd.insideHost(`sqlite3 -cmd '.timeout 60000' ${quote(file)} ${quote(sql)}`);
  await sshd.insideHost(`mkdir ${quote(folder)} && chown ${sshd.user} ${quote(folder)}`);
  await run(
    path,
    `PRAGMA journal_mode=WAL; CREATE TABLE noise(n, text); WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS})
     INSERT INTO noise SELECT i, hex(randomblob(60)) FROM s`,
  );
  await sshd.insideHost(`chown ${sshd.user} ${quote(folder)}/*`);
  const backupId = await ground.backUp(name, { type: 'sqlite', filePath: path, backupFormat: 'plain' });
  return {
    ...{ name, backupId },
    async rows(file = path, sql = '') {
      // As whoever else uses it, one waits for a swap that goes on.
      return Number(await run(file, `${sql}SELECT count(*) FROM noise`));
    },
    async beside() {
      return (await sshd.insideHost(`ls -A ${quote(folder)}`)).trim().split('\n');
    },
  };
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

interface Round {
  /** Waits for the end of its run, looks at what is there, and puts all back; gives how the run ended. */
  end(verdict: Verdict): Promise<string>;
}

/** How long each takes that nobody kills, in milliseconds. */
export async function timesOf(ground: Ground, server: Server): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const verdict = createVerdict();
  for (const kind of KINDS) {
    const begunAt = performance.now();
    const round = await begin(ground, kind, () => 0, server);
    const state = await round.end(verdict);
    if (state !== 'completed') throw new Error(`${kind}, which nobody disturbed, ended ${state}`);
    times[kind] = performance.now() - begunAt;
  }
  return times;
}

export async function begin(
  ground: Ground,
  kind: Kind,
  random: () => number,
  server: Server,
): Promise<Round> {
  const backupId = pick(random, ground.backups) ?? '';
  if (kind === 'verification') return verifying(ground, backupId);
  if (kind === 'drill') return drilling(ground, backupId);
  if (kind === 'in place') return replacing(ground, server);
  if (kind === 'into the live one') return goingLive(ground);
  if (kind === 'in place of a file') return replacingFile(ground);
  return restoring(ground, backupId, server);
}

/** The whole database is there under its name, or nothing of it. */
async function restoring(ground: Ground, backupId: string, server: Server): Promise<Round> {
  const newName = `${ground.name} ü"😀'`;
  const runId = await ground.ask('restore', backupId, { newName });
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const isThere = (await ground.databases()).includes(newName);
      const rows = isThere ? await ground.rowsOf(newName) : 0;
      const details = { state, isThere, rows, run: await ground.runOf(runId) };
      verdict.check('a restore is whole or gone', isThere === (state === 'completed'), details);
      verdict.check('a restore has all rows', !isThere || rows === ROWS, details);
      await nothingNameless(ground, verdict, details);
      if (isThere) await server.dropDatabase(newName);
      return state;
    },
  };
}

/** It changes nothing, so that it is begun again until it has read all. */
async function verifying(ground: Ground, backupId: string): Promise<Round> {
  const runId = await ground.ask('verify', backupId);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const backup = (await ground.app().ask('GET', `/api/backups/${backupId}`))['backup'] as Json;
      const details = { state, verification: backup['verification'], run: await ground.runOf(runId) };
      verdict.check('a verification comes to its end', state === 'completed', details);
      verdict.check('a good backup stays one', backup['verification'] !== 'failed', details);
      return state;
    },
  };
}

/** Nothing of it stays, and what it had said before stays said. */
async function drilling(ground: Ground, backupId: string): Promise<Round> {
  const before = (await ground.databases()).filter((name) => !/^bp_(drill|restore)_/.test(name));
  const runId = await ground.ask('drill', backupId);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const run = await ground.runOf(runId);
      const outcome = String((run['drill'] as Json)['outcome']);
      const details = { state, run };
      const isSaid = outcome === (state === 'completed' ? 'proven' : 'interrupted');
      verdict.check('a drill says what came of it', isSaid, details);
      const present = await ground.databases();
      const missing = before.filter((name) => name.includes(ground.database) && !present.includes(name));
      verdict.check('a drill touches nothing else', missing.length === 0, missing);
      await nothingNameless(ground, verdict, details);
      return state;
    },
  };
}

/** The name is of the one or of the other, whole; the other one is kept, or gone where it never had the name. */
async function replacing(ground: Ground, server: Server): Promise<Round> {
  const { database, registered, backups } = ground;
  await server.query('DELETE FROM noise WHERE n <= 100', database);
  const body = { inPlace: true, confirm: registered, safetyBackup: false };
  const runId = await ground.ask('restore', backups[0] ?? '', body);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const run = await ground.runOf(runId);
      const kept = ((run['restore'] as Json)['kept'] as Json | null)?.['name'];
      const rows = await ground.rowsOf(database);
      const details = { state, rows, run };
      const isDone = state === 'completed';
      verdict.check('the name is of one of the two', rows === (isDone ? ROWS : ROWS - 100), details);
      verdict.check('what was replaced is kept', (kept !== undefined) === isDone, details);
      await nothingNameless(ground, verdict, details);
      if (typeof kept === 'string') {
        verdict.check('what is kept is as it was', (await ground.rowsOf(kept)) === ROWS - 100, details);
        await ground.app().ask('POST', `/api/restores/${runId}/drop-kept`, {
          confirm: kept,
          isOnlyCopy: true,
          isUnused: true,
        });
        verdict.check('what is kept can be dropped', !(await ground.databases()).includes(kept), kept);
      } else {
        const text = 'md5(random()::text) || md5(random()::text)';
        await server.query(`INSERT INTO noise SELECT n, ${text} FROM generate_series(1, 100) n`, database);
      }
      return state;
    },
  };
}

/** All of the one transaction, or nothing. */
async function goingLive(ground: Ground): Promise<Round> {
  const { name, backupId, rows } = ground.live;
  await rows('DELETE FROM noise WHERE n <= 100');
  const body = { inPlace: true, intoLive: true, confirm: name, safetyBackup: false };
  const runId = await ground.ask('restore', backupId, body);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const found = await rows();
      const run = await ground.runOf(runId);
      const details = { state, found, run };
      const isDone = state === 'completed';
      verdict.check(
        'what it restores into is as before, or whole',
        found === (isDone ? ROWS : ROWS - 100),
        details,
      );
      const says = (run['restore'] as Json)['state'];
      verdict.check('it says which', (says === 'done') === isDone && says !== 'left', details);
      if (!isDone) await rows(`INSERT INTO noise SELECT n, 'again' FROM generate_series(1, 100) n`);
      return state;
    },
  };
}

/** The file has the one content or the other, whole; the other one is kept, or gone where it never had the name. */
async function replacingFile(ground: Ground): Promise<Round> {
  const { name, backupId, rows, beside } = ground.file;
  await rows(undefined, 'DELETE FROM noise WHERE n <= 100;');
  const body = { inPlace: true, confirm: name, safetyBackup: false };
  const runId = await ground.ask('restore', backupId, body);
  return {
    async end(verdict) {
      const state = await ground.endOf(runId);
      const run = await ground.runOf(runId);
      const kept = ((run['restore'] as Json)['kept'] as Json | null)?.['name'];
      const isDone = state === 'completed';
      const found = await rows();
      const details = { state, found, run, beside: await beside() };
      verdict.check('the file is of one of the two', found === (isDone ? ROWS : ROWS - 100), details);
      verdict.check('the file that was replaced is kept', (kept !== undefined) === isDone, details);
      if (typeof kept === 'string') {
        verdict.check('the kept file is as it was', (await rows(kept)) === ROWS - 100, details);
        await ground.app().ask('POST', `/api/restores/${runId}/drop-kept`, {
          confirm: kept,
          isOnlyCopy: true,
          isUnused: true,
        });
      } else {
        const numbers = 'WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 100)';
        await rows(undefined, `${numbers} INSERT INTO noise SELECT i, 'again' FROM s;`);
      }
      const left = (await beside()).filter((one) => /restore|before/.test(one));
      verdict.check('nothing is left beside the file', left.length === 0, { left, details });
      return state;
    },
  };
}

async function nothingNameless(ground: Ground, verdict: Verdict, details: unknown): Promise<void> {
  const left = await ground.nameless();
  verdict.check('nothing without a name is left', left.length === 0, { left, details });
}
