import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';
import { prepareFirstAdmin } from '../src/auth/first-admin.ts';
import { openPostgres } from '../src/db/node/postgres.ts';
import { createLog } from '../src/log.ts';
import { readConfig } from '../src/node/read-config.ts';
import { createServices, openForCommand, type RunningServices, rotateMasterKeyOf } from '../src/services.ts';
import type { TestPostgres } from './support/postgres.ts';
import { ownName } from './support/shared/ask.ts';
import { sharedPostgres } from './support/shared/postgres.ts';

const KEY = Buffer.alloc(32, 3).toString('base64');
const ADMIN = { ADMIN_EMAIL: 'admin@example.com', ADMIN_PASSWORD: 'correct horse „ü+🗄"' };

let postgres: TestPostgres;
let folder: string;
let url: string;
let number = 0;
let running: RunningServices[];
let lines: string[];
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'state „ü+🗄" '));
  number += 1;
  const name = ownName(`state 'ü"${number}`);
  await postgres.createDatabase(name);
  url = postgres.url.replace(/postgres$/, encodeURIComponent(name));
  running = [];
  lines = [];
});
afterEach(async () => {
  for (const services of running) await services.close();
  rmSync(folder, { recursive: true });
});

const configWith = (env: Readonly<Record<string, string>> = {}) =>
  readConfig({ DATA_DIR: join(folder, 'data'), DATABASE_URL: url, MASTER_KEY: KEY, ...env });
const log = () =>
  createLog(
    'debug',
    (line) => lines.push(line),
    () => new Date(),
  );

async function start(env: Readonly<Record<string, string>> = {}): Promise<RunningServices> {
  const services = await createServices(configWith(env), { log: log(), version: '0' });
  running.push(services);
  await services.exclusively(() => prepareFirstAdmin(services));
  return services;
}

const setupCodes = () =>
  lines.flatMap((line) => {
    const { setupCode }: { setupCode?: string } = JSON.parse(line);
    return setupCode === undefined ? [] : [setupCode];
  });

describe('an installation whose state lies in PostgreSQL', () => {
  it('comes up twice at once on an empty database, with one admin and one signing key', async () => {
    const started = await Promise.all([start(ADMIN), start(ADMIN), start(ADMIN)]);
    for (const { db } of started) {
      expect(await db.selectFrom('users').select('email').execute()).toEqual([
        { email: 'admin@example.com' },
      ]);
      expect(await db.selectFrom('signing_keys').select('purpose').execute()).toEqual([
        { purpose: 'session' },
      ]);
    }
  });

  it('makes nothing in DATA_DIR', async () => {
    await start(ADMIN);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('lets the first admin register with the setup code of each replica, and then with none', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(new Set(setupCodes()).size).toBe(2);
    const register = async (services: RunningServices, setupCode: string, email: string) => {
      const app = createApp(services);
      const response = await app.request('/api/auth/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password: 'correct horse „ü+🗄"', setupCode }),
      });
      return response.status;
    };
    const [first = '', second = ''] = setupCodes();
    // At the replica that did not print it.
    expect(await register(two, 'abcd-efgh-jkmn-pqrs', 'x@example.com')).toBe(403);
    expect(await register(two, first, 'ann@example.com')).toBe(200);
    expect(await register(one, second, 'ben@example.com')).toBe(403);
  });

  it('signs sessions that every replica takes', async () => {
    const [one, two] = await Promise.all([start(ADMIN), start(ADMIN)]);
    const login = await createApp(one).request('/api/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD }),
    });
    const { token }: { token: string } = JSON.parse(await login.text());
    const asked = await createApp(two).request('/api/environments', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([login.status, asked.status]).toEqual([200, 200]);
  });

  it('does not start without a master key of the environment, nor with a file for it that holds none', () => {
    expect(() => readConfig({ DATABASE_URL: url })).toThrow(/^MASTER_KEY is required with DATABASE_URL/);
    const file = join(folder, 'key ü+');
    const start = () => readConfig({ DATABASE_URL: url, MASTER_KEY_FILE: file });
    expect(start).toThrow(/^MASTER_KEY_FILE must name a file that can be read/);
    writeFileSync(file, '\n');
    expect(start).toThrow(/^MASTER_KEY (is required|must be)/);
    writeFileSync(file, 'c2hvcnQ=\n');
    expect(start).toThrow(/^MASTER_KEY must be 32 bytes as base64/);
  });

  it('does not start with another master key than the one it was made with', async () => {
    await start();
    await expect(start({ MASTER_KEY: Buffer.alloc(32, 4).toString('base64') })).rejects.toThrow(
      /^The master key does not open the existing data/,
    );
  });

  it('does not start on what a newer version has written', async () => {
    const { db } = await start();
    await sql`insert into kysely_migration (name, timestamp) values ('9999_later', '2030')`.execute(db);
    await expect(start()).rejects.toThrow(
      /newer version of this program \(it has 9999_later\).*restore a dump/,
    );
  });

  it('does not start in the database of another program, and changes nothing there', async () => {
    const there = openPostgres(url);
    await sql`create table "their ""orders""" (id integer)`.execute(there);
    await expect(start()).rejects.toThrow(/that of another program \(it has the table "their "orders""\)/);
    expect((await there.introspection.getTables()).map(({ name }) => name)).toEqual(['their "orders"']);
    await there.destroy();
  });

  it('starts beside another program in a schema of its own', async () => {
    const there = openPostgres(url);
    await sql`create schema theirs`.execute(there);
    await sql`create table theirs.kysely_migration (name text, timestamp text)`.execute(there);
    await sql`insert into theirs.kysely_migration values ('0001_theirs', '2020')`.execute(there);
    await start(ADMIN);
    expect(await there.selectFrom('users').select('email').execute()).toHaveLength(1);
    await there.destroy();
  });

  it('tells that the file of an earlier installation is not used', async () => {
    const file = readConfig({ DATA_DIR: join(folder, 'data') });
    await (await createServices(file, { log: log(), version: '0' })).close();
    await start();
    expect(lines.join()).toContain(
      'DATABASE_URL is set: the installation in the file of DATA_DIR is not used',
    );
  });

  it('refuses its own machine as a host, of servers, of databases and of a run', async () => {
    const services = await start(ADMIN);
    const app = createApp(services);
    let token = '';
    const ask = async (method: string, path: string, body?: object) => {
      const response = await app.request(path, {
        method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const signIn = { email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD };
    token = (await ask('POST', '/api/auth/login', signIn)).body.token;
    const environment = (await ask('POST', '/api/environments', { name: 'prod' })).body.environment.id;
    const why = /not backed up where the state lies in PostgreSQL .*replicas run on different machines/;
    for (const hostname of ['localhost', '127.1', '::1']) {
      const answer = await ask('POST', `/api/environments/${environment}/servers`, { name: 'me', hostname });
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(why) } });
    }
    const server = { name: 'db', hostname: 'db.example.com' };
    const added = await ask('POST', `/api/environments/${environment}/servers`, server);
    expect(added.status).toBe(200);
    const serverId = added.body.server.id;
    const moved = await ask('PATCH', `/api/servers/${serverId}`, { hostname: 'LOCALHOST.' });
    expect(moved).toMatchObject({ status: 400, body: { message: expect.stringMatching(why) } });
    const database = { name: 'app', type: 'sqlite', filePath: '/var/backups/app.sqlite' };
    const path = `/api/environments/${environment}/databases`;
    const local = await ask('POST', path, database);
    expect(local).toMatchObject({ status: 400, body: { message: expect.stringMatching(why) } });
    const remote = await ask('POST', path, { ...database, serverId });
    expect(remote.status).toBe(200);
    const back = await ask('PATCH', `/api/databases/${remote.body.database.id}`, { serverId: null });
    expect(back).toMatchObject({ status: 400, body: { message: expect.stringMatching(why) } });
    await expect(services.servers.open(null, { startedBy: 'person' })).rejects.toThrow(why);
  });

  it('sorts names by their bytes, whatever the language of the database', async () => {
    const name = ownName(`icu ${number}`);
    await postgres.query(
      `create database "${name}" template template0 locale_provider icu icu_locale 'en' locale 'C.UTF-8'`,
    );
    url = postgres.url.replace(/postgres$/, encodeURIComponent(name));
    const { db } = await start();
    const names = ['a', 'B', 'ä', 'Z', 'z', '🗄', '_', '-'];
    const at = new Date().toISOString();
    for (const each of names) {
      const row = { id: each, name: each, ssh_user: 'root', created_at: at, updated_at: at };
      await db
        .insertInto('environments')
        .values(row as never)
        .execute();
    }
    const { listEnvironmentNames } = await import('../src/environments/environments.ts');
    const sorted = (await listEnvironmentNames(db)).map((row) => row.name);
    expect(sorted).toEqual(['-', 'B', 'Z', '_', 'a', 'z', 'ä', '🗄']);
    await running.pop()?.close();
    await postgres.dropDatabase(name);
  });

  it('resets a password and seals with a new master key by its commands', async () => {
    const services = await start(ADMIN);
    const command = await openForCommand(configWith());
    const { resetPassword } = await import('../src/auth/change-password.ts');
    const { password, hasSecondFactor } = await resetPassword(command, 'admin@example.com');
    expect(password).toMatch(/^[a-zA-Z0-9-]{23}$/);
    expect(hasSecondFactor).toBe(false);
    await command.close();
    const keys = { MASTER_KEY: Buffer.alloc(32, 9).toString('base64'), MASTER_KEY_PREVIOUS: KEY };
    await expect(rotateMasterKeyOf(configWith(keys))).rejects.toThrow(/running app does not seal with this/);
    await services.close();
    running = [];
    await start(keys);
    expect(await rotateMasterKeyOf(configWith(keys))).toMatchObject({ kind: 'done', already: 0 });
    await start({ MASTER_KEY: keys.MASTER_KEY });
  });
});
