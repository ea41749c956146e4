import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { listNotifications } from '../../src/notifications/inbox.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { watchCertificates } from '../../src/watches/certificates.ts';
import { hasDiskNews, watchDisk } from '../../src/watches/disk.ts';
import { createCertificateReader } from '../../src/watches/node/certificates.ts';
import { watchTokens } from '../../src/watches/tokens.ts';
import { makeAuthority, type TestCertificate } from '../support/certificates.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;
const NAME = 'nightly "ü" <script> 🗝';
const never = new AbortController().signal;
const reader = createCertificateReader(() => true);

let folder: string;
let certificate: TestCertificate;
let until: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watches-'));
  certificate = await (await makeAuthority(folder, 'Zürich')).sign('localhost', 30);
  until = Date.parse(reader.ofPem(certificate.certificate)?.until ?? '');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await dropStates();
});

describe.each(STATES)('what is looked at by itself, on %s', (state) => {
  let db: Db;
  let at: number;
  const now = () => new Date(at);
  const iso = (ms: number) => new Date(ms).toISOString();

  beforeEach(async () => {
    db = await openState(state);
    at = until - 29 * DAY_MS;
    const people = (['admin', 'operator', 'viewer'] as const).map((role) => ({
      ...{ id: role, role, email: `${role}+"x"@example.com`, password_hash: '-' },
      ...{ created_at: iso(at), updated_at: iso(at) },
    }));
    await db.insertInto('users').values(people).execute();
  });
  afterEach(() => db.destroy());

  /** What that user was told, oldest first. */
  const told = async (userId: string) => {
    await tellEvents({ db, now, log: createLog('debug', () => undefined, now) });
    const rows = await listNotifications(db, userId, {}, { limit: 100, offset: 0 });
    return rows.map(({ title }) => title).reverse();
  };

  it('is a disk that is nearly full, told once to admins, and again when there is room', async () => {
    let free = 50 * GIB;
    const context = { db, now, freeSpace: async () => ({ free, total: 100 * GIB }) };
    expect(await hasDiskNews(context)).toBe(false);
    free = 9 * GIB;
    expect(await hasDiskNews(context)).toBe(true);
    await Promise.all([watchDisk(context), watchDisk(context), watchDisk(context)]);
    free = 2 * GIB;
    await watchDisk(context);
    free = 11 * GIB;
    await watchDisk(context);
    expect([await told('admin'), await told('operator')]).toEqual([
      ['The disk of the app is nearly full'],
      [],
    ]);
    free = 60 * GIB;
    at += 1000;
    await Promise.all([watchDisk(context), watchDisk(context)]);
    expect(await told('admin')).toEqual([
      'The disk of the app is nearly full',
      'The disk of the app has room again',
    ]);
    expect(await db.selectFrom('noted_troubles').selectAll().execute()).toEqual([]);
    expect(await hasDiskNews({ ...context, freeSpace: async () => null })).toBe(false);
  });

  it('is a token that ends in a week and in a day, told to whose it is; of a service account to admins', async () => {
    const begin = at;
    const token = (id: string, of: object, days: number) => ({
      ...{
        id,
        name: `${id} ${NAME}`,
        token_hash: id,
        token_prefix: 'bpt_123456789a',
        role: 'viewer' as const,
      },
      ...{ access: 'full' as const, all_environments: 1 as const, user_id: null, service_account_id: null },
      ...{ created_at: iso(begin), expires_at: iso(begin + days * DAY_MS), ...of },
    });
    const account = { role: 'viewer', created_at: iso(at), updated_at: iso(at) } as const;
    await db
      .insertInto('service_accounts')
      .values([
        { id: 'on', name: 'pipeline', disabled: 0, ...account },
        { id: 'off', name: 'retired', disabled: 1, ...account },
      ])
      .execute();
    await db
      .insertInto('api_tokens')
      .values([
        token('own', { user_id: 'operator' }, 30),
        token('machine', { service_account_id: 'on' }, 30),
        token('retired', { service_account_id: 'off' }, 30),
        token('brief', { user_id: 'operator' }, 1),
      ])
      .execute();
    for (const day of [0, 22, 23, 24, 29.5, 29.9, 30, 31]) {
      at = begin + day * DAY_MS;
      await Promise.all([watchTokens({ db, now }), watchTokens({ db, now })]);
      await told('admin');
    }
    const own = `API token about to end: own ${NAME}`;
    const machine = `API token about to end: machine ${NAME}`;
    expect(await told('operator')).toEqual([own, own]);
    expect(await told('admin')).toEqual([machine, machine]);
    expect(await told('viewer')).toEqual([]);
    expect(await db.selectFrom('noted_troubles').selectAll().execute()).toEqual([]);
  });

  it('are certificates: of the storage as it shows it, of its authority, and of databases', async () => {
    const server = createServer({ key: certificate.key, cert: certificate.certificate });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await db
      .insertInto('spaces_config')
      .values({
        ...{ id: newId(), access_key: '-', secret_key: '-', region: 'x', buckets: '[]', encryption: 'none' },
        ...{ endpoint: `https://127.0.0.1:${port}`, created_at: iso(at), updated_at: iso(at) },
      })
      .execute();
    await db
      .insertInto('environments')
      .values({ id: 'e', name: 'e', created_at: iso(at), updated_at: iso(at) } as never)
      .execute();
    const databases = ['one', 'two', 'three', 'four', 'plain'].map((name) => ({
      ...{ id: name, name: `${name} 😀`, environment_id: 'e', type: 'postgres', created_at: iso(at) },
      options: JSON.stringify(name === 'plain' ? {} : { tlsCa: `\n${certificate.certificate}` }),
      updated_at: iso(at),
    }));
    await db
      .insertInto('databases')
      .values(databases as never)
      .execute();
    const context = { ...{ db, now, certificates: reader, publicUrl: null }, storageCa: 'no certificate' };
    try {
      await watchCertificates(context, never);
      expect(await told('admin')).toEqual([]);
      at = until - 6 * DAY_MS;
      await Promise.all([watchCertificates(context, never), watchCertificates(context, never)]);
      const near = [
        'Certificate about to end: the authority of databases "four 😀", "one 😀", "three 😀" and 1 more',
        `Certificate about to end: the storage at 127.0.0.1:${port}`,
      ];
      expect((await told('admin')).sort()).toEqual(near);
      expect(await told('operator')).toEqual([]);
    } finally {
      await new Promise((done) => server.close(done));
    }
    // Nobody answers any more: what was known of it stays, and nothing is told.
    at = until - DAY_MS / 2;
    await db.deleteFrom('databases').execute();
    await watchCertificates(context, never);
    expect(await told('admin')).toHaveLength(2);
    expect(
      (await db.selectFrom('noted_troubles').select('stage').execute()).map(({ stage }) => stage),
    ).toEqual(['week']);
    at = until + 1;
    await watchCertificates({ ...context, storageCa: certificate.certificate }, never);
    expect((await told('admin')).at(-1)).toBe(
      'Certificate has ended: the storage’s authority (STORAGE_CA_FILE)',
    );
  });
});

describe('a certificate', () => {
  it('is read of the last to end in a file, and not of what is none', () => {
    const damaged = certificate.certificate.replace(/[A-Za-z0-9]{20}/, 'AAAA');
    expect(reader.ofPem(`${damaged}${certificate.certificate}`)?.until).toBe(iso(until));
    expect([reader.ofPem(''), reader.ofPem(damaged)]).toEqual([null, null]);
  });

  it('is not asked for of a server behind a proxy, of one without TLS, or after a stop', async () => {
    const behind = createCertificateReader(() => false);
    expect(await behind.ofServer('https://127.0.0.1:1', never)).toBeNull();
    expect(await reader.ofServer('http://127.0.0.1:1', never)).toBeNull();
    expect(await reader.ofServer('https://127.0.0.1:1', AbortSignal.abort())).toBeNull();
  });

  const iso = (ms: number) => new Date(ms).toISOString();
});
