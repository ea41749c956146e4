import { spawn } from 'node:child_process';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDump } from '../../src/backups/read-dump.ts';
import type { DumpPlan } from '../../src/engines/engine.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import type { AppError } from '../../src/errors.ts';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLog } from '../../src/log.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 8_000;
const TABLE = `Bücher "+" 'x' 🙂`;
const host = openLocalHost({
  label: 'db 1',
  log: createLog(
    'error',
    () => {},
    () => new Date(),
  ),
});

/** How a dump under that limit fails. */
async function failureOf(plan: DumpPlan, idleTimeoutMs = LIMIT_MS): Promise<AppError> {
  const signal = new AbortController().signal;
  try {
    for await (const _ of readDump(host, plan, { signal, idleTimeoutMs }));
  } catch (error) {
    return error as AppError;
  }
  throw new Error('The dump succeeded.');
}

describe.concurrent('a dump of PostgreSQL that is ended for its silence', () => {
  let server: TestPostgres;
  const clients: pg.Client[] = [];
  beforeAll(async () => {
    server = await startPostgres();
    await server.query(`CREATE ROLE "käse o'x" LOGIN SUPERUSER PASSWORD 'p'`);
  });
  afterAll(async () => {
    for (const client of clients) await client.end();
    await server.stop();
  });

  async function database(name: string): Promise<{ plan: DumpPlan; client: () => Promise<pg.Client> }> {
    await server.createDatabase(name);
    await server.query(`CREATE TABLE ${pg.escapeIdentifier(TABLE)} (a int)`, name);
    const place = { host: '127.0.0.1', port: server.port, databaseName: name, ...server.superuser };
    return {
      plan: postgres.dump({ ...place, options: postgres.options.parse({}) }),
      async client() {
        const client = new pg.Client({
          host: '127.0.0.1',
          port: server.port,
          database: name,
          user: "käse o'x",
          password: 'p',
          application_name: 'batch "1"',
        });
        client.on('error', () => {});
        await client.connect();
        clients.push(client);
        return client;
      },
    };
  }
  const pidOf = async (client: pg.Client) =>
    String((await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);

  it.concurrent('says whose lock on which table it waited for', async () => {
    const { plan, client } = await database('locked "+" ü');
    const holder = await client();
    await holder.query(`BEGIN; LOCK TABLE ${pg.escapeIdentifier(TABLE)} IN ACCESS EXCLUSIVE MODE`);
    const { code, message } = await failureOf(plan);
    expect(message).toContain(`table "public"."${TABLE}"`);
    expect(message).toContain(
      `process ${await pidOf(holder)} (user "käse o'x", application "batch "1"", from 127.0.0.1, idle in transaction since `,
    );
    expect(message).not.toMatch(/raise the time limit|LOCK TABLE/);
    expect(code).toBe('dump_failed');
  });

  it.concurrent('names both where somebody else waits before it', async () => {
    const { plan, client } = await database('queued');
    const [reader, changer] = [await client(), await client()];
    await reader.query(`BEGIN; SELECT * FROM ${pg.escapeIdentifier(TABLE)}`);
    const waiting = await pidOf(changer);
    changer
      .query(`ALTER TABLE ${pg.escapeIdentifier(TABLE)} ADD secret text DEFAULT 'geheim'`)
      .catch(() => {});
    await until('the change to wait', 20_000, async () => {
      const [found] = await server.query(`SELECT 1 FROM pg_locks WHERE pid = ${waiting} AND NOT granted`);
      return found !== undefined;
    });
    const { message } = await failureOf(plan);
    expect(message).toContain(`held or asked for by process ${waiting} (`);
    expect(message).toContain(`itself behind process ${await pidOf(reader)})`);
    expect(message).not.toContain('geheim');
  });

  it.concurrent('names no lock where it waited for none', async () => {
    const { plan } = await database('slow');
    const command = { ...plan.command, script: 'sleep 60' };
    const { code, message } = await failureOf({ ...plan, command }, 4_000);
    expect(code).toBe('host_timeout');
    expect(message).toMatch(/ended\. If it needs longer, raise the time limit of the database\.$/);
    expect(message).not.toContain('lock');
  });
});

describe.concurrent('a dump of MariaDB that is ended for its silence', () => {
  let server: TestMariadb;
  const stopping: (() => void)[] = [];
  beforeAll(async () => {
    server = await startMariadb();
    for (const name of ['shop', 'old']) await server.createDatabase(name);
    await server.query('CREATE TABLE a (n int); CREATE TABLE `b ü,``c` (n int)', 'shop');
    await server.query('CREATE TABLE a (n int) ENGINE=MyISAM; CREATE TABLE `b ü,``c` (n int)', 'old');
    await server.query(
      `CREATE USER reader@'%' IDENTIFIED BY 'p'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON *.* TO reader@'%'`,
    );
  });
  afterAll(async () => {
    for (const stop of stopping) stop();
    await server.stop();
  });

  /** Another connection that keeps the table locked until the end. */
  async function lock(database: string): Promise<string> {
    const client = spawn('mariadb', [
      '--no-defaults',
      `--socket=${server.socket}`,
      '--user=root',
      '--unbuffered',
      '--skip-column-names',
      database,
    ]);
    stopping.push(() => client.kill('SIGKILL'));
    client.stdin.write('LOCK TABLES `b ü,``c` WRITE; SELECT CONNECTION_ID();\n');
    const [id] = await new Promise<string[]>((done) => {
      client.stdout.once('data', (text) => done(String(text).split('\n')));
    });
    return id ?? '';
  }
  const dump = (databaseName: string, user: { username: string; password: string }) =>
    mysql.dump({
      host: '127.0.0.1',
      port: server.port,
      databaseName,
      ...user,
      options: mysql.options.parse({}),
    });

  it.concurrent('says which table was locked, and by whom it may be', async () => {
    const id = await lock('shop');
    const [seeing, blind] = await Promise.all([
      failureOf(dump('shop', server.superuser)),
      failureOf(dump('shop', { username: 'reader', password: 'p' })),
    ]);
    expect(seeing).toMatchObject({ code: 'dump_failed' });
    expect(seeing.message).toContain('it waited for a lock on table "b ü,`c"');
    expect(seeing.message).toContain(`connection ${id} (user "root" from localhost, Sleep for `);
    expect(blind.message).toContain('it waited for a lock on table "b ü,`c"');
    expect(blind.message).not.toContain('user "root"');
  });

  it.concurrent('says who locked which table where the server tells it', async () => {
    await server.query(`INSTALL SONAME 'metadata_lock_info'`);
    const id = await lock('old');
    const { message } = await failureOf(dump('old', server.superuser));
    expect(message).toContain(
      `it waited for a lock on table "b ü,\`c", which is held or asked for by connection ${id} (user "root" from localhost, Sleep for `,
    );
  });
});

describe('a dump of MariaDB whose reader pauses', () => {
  let server: TestMariadb;
  beforeAll(async () => {
    server = await startMariadb();
    await server.createDatabase('ü "long"');
    await server.query(
      'CREATE TABLE t AS SELECT seq, REPEAT(MD5(seq), 30) AS noise FROM seq_1_to_60000',
      'ü "long"',
    );
  });
  afterAll(() => server.stop());

  /** How it fails after a pause that lasts until `gone`. */
  async function pausedUntil(gone: () => Promise<unknown>): Promise<AppError> {
    const place = { host: '127.0.0.1', port: server.port, databaseName: 'ü "long"', ...server.superuser };
    const plan = mysql.dump({ ...place, options: mysql.options.parse({}) });
    const signal = new AbortController().signal;
    let paused = false;
    try {
      for await (const _ of readDump(host, plan, { signal, idleTimeoutMs: 60_000 })) {
        if (!paused) await gone();
        paused = true;
      }
    } catch (error) {
      return error as AppError;
    }
    throw new Error('The dump succeeded.');
  }
  const connections = () =>
    server.query(`SELECT id FROM information_schema.PROCESSLIST WHERE info LIKE 'SELECT /*!40001%'`);

  it('for longer than net_write_timeout fails with that reason', async () => {
    await server.query('SET GLOBAL net_write_timeout = 2');
    const error = await pausedUntil(() =>
      until('the server to end the connection', 40_000, async () => (await connections()).length === 0),
    );
    await server.query('SET GLOBAL net_write_timeout = 60');
    expect(error).toMatchObject({ code: 'dump_failed' });
    expect(error.message).toMatch(
      /the storage took nothing for \d+ s, and the server waits 2 s .*net_write_timeout/,
    );
  });

  it('for less than it is not told that', async () => {
    const error = await pausedUntil(async () => {
      for (const [id] of await connections()) await server.query(`KILL ${id}`);
      await until('the connection to be gone', 20_000, async () => (await connections()).length === 0);
    });
    expect(error).toMatchObject({ code: 'dump_failed' });
    expect(error.message).toMatch(/Its log says why/);
    expect(error.message).not.toMatch(/net_write_timeout/);
  });
});
