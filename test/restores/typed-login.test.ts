import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRestoreTarget, UNKNOWN_DUMP } from '../../src/restores/open-target.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';

const PASSWORD = `ge"heim' <b> 😀 of the superuser`;
const LOGIN = { username: `wieder ü"'`, password: PASSWORD };
const OWN = { username: 'reader', password: 'of the one who backs up' };

let app: TestApp;
let environmentId: string;
let serverId: string;
let backupId: string;
beforeAll(async () => {
  app = await openTestApp();
  environmentId = (await made('/api/environments', { name: 'prod "ü" 😀' })).environment.id;
});
afterAll(() => app.close());
beforeEach(async () => {
  const name = `db ${crypto.randomUUID()}`;
  const servers = `/api/environments/${environmentId}/servers`;
  serverId = (await made(servers, { name, hostname: 'localhost', sshUser: 'root' })).server.id;
  const place = { type: 'postgres', serverId, host: '127.0.0.1', port: 5432, databaseName: 'shop' };
  const databases = `/api/environments/${environmentId}/databases`;
  const { database } = await made(databases, { name, ...place, ...OWN });
  const { db } = app.services;
  backupId = (
    await insertBackup(db, new Date(), {
      ...{ status: 'completed', outcome: 'completed', size: 1, bytes_stored: 1, format: 'plain' },
      ...{ compression: 'none', verification: 'stored', storage_type: 'local' },
    })
  ).id;
  await db.updateTable('backups').set({ database_id: database.id }).where('id', '=', backupId).execute();
});

async function made(path: string, body: object) {
  const reply = await app.call('POST', path, { body });
  expect(reply.body).not.toHaveProperty('code');
  return reply.body;
}

/** By an operator, whose the passwords of others are not. */
async function move(change: object) {
  const { tokens } = app;
  const moved = await app.call('PATCH', `/api/servers/${serverId}`, { token: tokens.operator, body: change });
  expect(moved.status).toBe(200);
}

/** The password that the run would send. */
async function sent(runId: string): Promise<string | undefined> {
  const row = await loadRestore(app.services.db, runId);
  const opened = await openRestoreTarget(app.services, row, UNKNOWN_DUMP, 'person');
  await opened.host.close();
  return opened.plan.create.secrets?.['PGPASSWORD'];
}

const nameOf = async () =>
  (
    await app.services.db
      .selectFrom('backups')
      .innerJoin('databases', 'databases.id', 'backups.database_id')
      .select('databases.name')
      .where('backups.id', '=', backupId)
      .executeTakeFirstOrThrow()
  ).name;

describe('a login that was typed', () => {
  it.each(['restore', 'in place', 'drill'])('for a waiting %s goes to no other machine', async (kind) => {
    const inPlace = { inPlace: true, safetyBackup: false, confirm: await nameOf() };
    const path = `/api/backups/${backupId}/${kind === 'drill' ? 'drill' : 'restore'}`;
    const { runId } = await made(path, { ...LOGIN, ...(kind === 'in place' ? inPlace : {}) });
    expect(await sent(runId)).toBe(PASSWORD);

    await move({ sshUser: 'mallory' });
    await expect(sent(runId)).rejects.toMatchObject({
      code: 'password_held',
      message: expect.stringMatching(/typed .* is not sent.*SSH user of the server: mallory instead of root/),
    });
    await move({ sshUser: 'root', hostname: '127.0.0.1', sshPort: 2222 });
    await expect(sent(runId)).rejects.toMatchObject({ code: 'password_held' });

    await move({ hostname: 'localhost', sshPort: 22 });
    expect(await sent(runId)).toBe(PASSWORD);
  });

  it('holds nothing up where no password is in it, or it was typed before that was noted', async () => {
    const { runId } = await made(`/api/backups/${backupId}/restore`, { username: LOGIN.username });
    await move({ sshPort: 2222 });
    expect(await sent(runId)).toBeUndefined();
    const { db, vault } = app.services;
    const credentials = await vault.seal(JSON.stringify(LOGIN), `restore:${runId}:credentials`);
    await db.updateTable('restores').set({ credentials }).where('id', '=', runId).execute();
    expect(await sent(runId)).toBe(PASSWORD);
  });
});

it('a restore goes to a host that a database could have, and to no list of them', async () => {
  for (const host of ['10.0.0.1,192.168.9.9', '-h evil', 'a b', '@abstract', 'x\ny']) {
    const body = { ...LOGIN, host };
    const { status, body: answer } = await app.call('POST', `/api/backups/${backupId}/restore`, { body });
    expect([host, status, answer.details?.[0]?.path]).toEqual([host, 400, ['host']]);
  }
  const login = { username: 'with\0nul', password: 'p' };
  for (const path of ['restore', 'drill']) {
    const { status } = await app.call('POST', `/api/backups/${backupId}/${path}`, { body: login });
    expect([path, status]).toEqual([path, 400]);
  }
  for (const host of ['', null, '/run/postgresql', 'db.internal', '[::1]']) {
    await made(`/api/backups/${backupId}/restore`, { ...LOGIN, host, newName: `to ${host}` });
  }
});
