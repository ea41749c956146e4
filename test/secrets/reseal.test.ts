import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resealAll } from '../../src/secrets/reseal.ts';
import { SEALED, SEALED_COLUMNS } from '../../src/secrets/sealed.ts';
import { createVault, type Vault } from '../../src/secrets/vault.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { restoreRow } from '../support/restore-row.ts';
import { newSshKeys } from '../support/ssh-key.ts';
import { refuseUpdates } from '../support/trigger.ts';

/** The key that the test app seals with, and its successors. */
const OLD = new Uint8Array(32).fill(5);
const NEW = new Uint8Array(32).fill(6);
const OTHER = new Uint8Array(32).fill(7);

let app: TestApp;
let both: Vault;
let fresh: Vault;

beforeEach(async () => {
  app = await openTestApp();
  [both, fresh] = [await createVault(NEW, [OLD]), await createVault(NEW)];
  const { environment } = (await app.call('POST', '/api/environments', { body: { name: 'production' } }))
    .body;
  const key = { sshPrivateKey: newSshKeys().private, sshUser: 'root' };
  await app.call('PUT', `/api/environments/${environment.id}/ssh`, { body: key });
  const storage = { accessKey: 'KEY', secretKey: 'secret', sessionToken: 'a session token +/=' };
  await app.call('PUT', '/api/settings/spaces', { body: storage });
  for (const name of ['one', 'two']) {
    const database = { name, type: 'postgres', username: 'me', password: `password of ${name}` };
    const made = await app.call('POST', `/api/environments/${environment.id}/databases`, { body: database });
    expect(made.status).toBe(200);
    const ping = { url: `https://hc-ping.com/token-of-${name}` };
    const switched = await app.call('PUT', `/api/databases/${made.body.database.id}/ping`, { body: ping });
    expect(switched.status).toBe(200);
  }
  const server = { name: 'db1', hostname: '10.0.0.5' };
  const { body } = await app.call('POST', `/api/environments/${environment.id}/servers`, { body: server });
  const restores = { username: 'me', password: 'password of the server’s restores' };
  const stored = await app.call('PUT', `/api/servers/${body.server.id}/restore-logins/postgres`, {
    body: restores,
  });
  expect(stored.status).toBe(200);
  const { db, vault } = app.services;
  const login = JSON.stringify({ username: 'me', password: 'password of a restore' });
  const credentials = await vault.seal(login, SEALED.restoreCredentials.identity('waiting'));
  await db
    .insertInto('restores')
    .values(restoreRow({ id: 'waiting', credentials }))
    .execute();
  const password = await vault.seal('password of the mail server', SEALED.smtpPassword.identity('smtp'));
  const mail = {
    host: 'mail.example.com',
    port: 587,
    security: 'starttls',
    sender: 'app@example.com',
  } as const;
  const at = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' };
  await db
    .insertInto('smtp_settings')
    .values({ id: 'smtp', ...mail, ...at, username: 'me', password })
    .execute();
  const provider = {
    ...{ issuer: 'https://auth.example.com', client_id: 'me', scopes: 'openid', name: 'auth' },
    ...{ role_claim: 'groups', admin_values: '[]', operator_values: '[]', viewer_values: '[]' },
  };
  const clientSecret = await vault.seal('secret of the client', SEALED.oidcClientSecret.identity('oidc'));
  await db
    .insertInto('oidc_settings')
    .values({
      ...{ id: 'oidc', ...provider, ...at, others: 'refused', creates_people: 0 },
      client_secret: clientSecret,
    })
    .execute();
  const secondFactor = await vault.seal('JBSWY3DPEHPK3PXP', SEALED.secondFactor.identity(app.userIds.viewer));
  await db
    .insertInto('second_factors')
    .values({ id: app.userIds.viewer, secret: secondFactor, created_at: at.created_at })
    .execute();
  const webhook = { url: 'https://example.com/hook', generateSecret: true, events: ['backup.failed'] };
  const subscribed = await app.call('POST', `/api/environments/${environment.id}/webhooks`, {
    body: webhook,
  });
  expect(subscribed.status).toBe(201);
  await db
    .insertInto('notification_channels')
    .values({
      ...{
        id: 'chat',
        kind: 'ntfy',
        name: 'chat',
        host: 'ntfy.sh',
        least_severity: 'info',
        enabled: 1,
        ...at,
      },
      url: await vault.seal('https://ntfy.sh/topic', SEALED.channelUrl.identity('chat')),
      secret: await vault.seal('a token of ntfy', SEALED.channelSecret.identity('chat')),
    })
    .execute();
  const headers = { 'idempotency-key': 'once' };
  const answered = await app.call('POST', '/api/environments', { body: { name: 'once' }, headers });
  expect(answered.status).toBe(200);
});
afterEach(() => app.close());

/** Every sealed value by its place, in every text column of every table. */
async function sealedValues(): Promise<ReadonlyMap<string, string>> {
  const { db } = app.services;
  const found = new Map<string, string>();
  for (const { name } of await db.introspection.getTables()) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(db);
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        if (/^v1\.[\w-]{8}\./.test(String(value))) found.set(`${name}.${column} ${row['id']}`, String(value));
      }
    }
  }
  return found;
}

const plainValues = async (vault: Vault): Promise<readonly string[]> =>
  Promise.all(
    [...(await sealedValues())].map(async ([place, sealed]) => {
      const [column = '', id = ''] = place.split(' ');
      const known = SEALED_COLUMNS.find((entry) => `${entry.table}.${entry.column}` === column);
      return vault.open(sealed, known?.identity(id) ?? `unknown column ${column}`);
    }),
  );

describe('sealing every secret anew', () => {
  it('reaches each sealed value of the database, whose content stays', async () => {
    const before = await plainValues(app.services.vault);
    for (const part of ['PRIVATE KEY', 'password of one', 'secret'])
      expect(before.some((plain) => plain.includes(part))).toBe(true);
    expect(await resealAll(app.services.db, both)).toEqual({ resealed: before.length, already: 0 });
    expect(await plainValues(fresh)).toEqual(before);
    const columns = new Set([...(await sealedValues()).keys()].map((place) => place.split(' ')[0]));
    expect([...columns].sort()).toEqual(
      SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
    );
  });

  it('does nothing the second time', async () => {
    const { resealed } = await resealAll(app.services.db, both);
    const after = await sealedValues();
    expect(await resealAll(app.services.db, both)).toEqual({ resealed: 0, already: resealed });
    expect(await sealedValues()).toEqual(after);
  });

  it('changes nothing with a wrong previous key', async () => {
    const before = await sealedValues();
    const wrong = await createVault(NEW, [OTHER]);
    await expect(resealAll(app.services.db, wrong)).rejects.toMatchObject({ code: 'secret_unreadable' });
    expect(await sealedValues()).toEqual(before);
  });

  it('changes nothing when one of the secrets is damaged', async () => {
    await sql`update databases set credentials = credentials || 'x' where name = 'two'`.execute(
      app.services.db,
    );
    const before = await sealedValues();
    await expect(resealAll(app.services.db, both)).rejects.toMatchObject({ code: 'secret_unreadable' });
    expect(await sealedValues()).toEqual(before);
  });

  it('changes nothing when the database fails in the middle', async () => {
    const before = await sealedValues();
    await refuseUpdates(app.services.db, 'signing_keys');
    await expect(resealAll(app.services.db, both)).rejects.toThrow('disk');
    expect(await sealedValues()).toEqual(before);
  });

  it('keeps what a running app changes meanwhile, and begins again', async () => {
    const { db } = app.services;
    const id = (await db.selectFrom('databases').select('id').where('name', '=', 'one').executeTakeFirst())
      ?.id;
    let isChanged = false;
    const interrupted: Vault = {
      ...both,
      async seal(plain, identity) {
        if (!isChanged) {
          isChanged = true;
          const credentials = await both.seal('changed', `database:${id}:credentials`);
          await db.updateTable('databases').set({ credentials }).where('name', '=', 'one').execute();
        }
        return both.seal(plain, identity);
      },
    };
    await resealAll(db, interrupted);
    expect((await plainValues(fresh)).filter((plain) => plain === 'changed')).toHaveLength(1);
  });

  it('lets a running app with both keys go on before, meanwhile and after', async () => {
    const { db } = app.services;
    const before = await sealedValues();
    const place = [...before.keys()].find((name) => name.startsWith('environments.')) ?? '';
    const id = place.split(' ')[1] ?? '';
    const open = async (vault: Vault) =>
      vault.open((await sealedValues()).get(place) ?? '', `environment:${id}:ssh_private_key`);
    const plain = await open(both);
    await resealAll(db, both);
    expect(await open(both)).toBe(plain);
    expect(await open(fresh)).toBe(plain);
  });
});
