import type { Insertable } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Schema } from '../../../src/db/schema.ts';
import { newId } from '../../../src/ids.ts';
import { SEALED } from '../../../src/secrets/sealed.ts';
import { saveStorage } from '../../../src/storage/save-storage.ts';
import { openPages, PASSWORD, type Pages, type Visitor } from './pages.ts';

const KIB = 1024;
const ODD = `Größe + "x" <b> 🐘 שלום`;
const MANY = 120;
const ENVIRONMENTS = 70;
const PER_PAGE = 50;
const AT = '2026-03-04T05:06:07.890Z';

let pages: Pages;
let admin: Visitor;
let own: string;
beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  const { db, vault } = pages.services;
  own = (await db.selectFrom('users').select('id').executeTakeFirstOrThrow()).id;
  const times = { created_at: AT, updated_at: AT };
  const rows = <Table extends keyof Schema>(table: Table, made: readonly Insertable<Schema[Table]>[]) =>
    db
      .insertInto(table)
      .values(made as never)
      .execute();
  const many = Array.from({ length: MANY }, (_, number) => ({ id: newId(), number }));
  await rows(
    'users',
    many.map(({ id, number }) => ({
      ...{ id, email: `user-${number}@example.com`, name: ODD, role: 'viewer' as const },
      ...{ password_hash: '', last_active_at: AT, ...times },
    })),
  );
  await rows(
    'service_accounts',
    many.map(({ id, number }) => ({
      ...{ id, name: `account-${number}`, description: ODD, role: 'viewer' as const, disabled: 0 as const },
      ...{ created_by_user_id: null, ...times },
    })),
  );
  await rows(
    'environments',
    many.slice(0, ENVIRONMENTS).map(({ id, number }) => ({
      id,
      name: number === 0 ? ODD : `environment-${number}`,
      ssh_user: 'root',
      ...times,
    })) as never,
  );
  await rows(
    'webhook_subscriptions',
    await Promise.all(
      many.map(async ({ id, number }) => ({
        ...{
          id,
          environment_id: many[number % ENVIRONMENTS]?.id ?? '',
          secret: null,
          events: '["backup.failed"]',
          enabled: 1 as const,
        },
        url: await vault.seal(`https://hooks.example.com/${number}`, SEALED.webhookUrl.identity(id)),
        ...times,
      })),
    ),
  );
  const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  await rows(
    'sessions',
    many.map(({ id, number }) => ({
      ...{ id, user_id: own, kind: 'api' as const, agent: `curl/${number}`, address: '2001:db8::7' },
      ...{ created_at: AT, expires_at: until(7), last_used_at: AT },
    })) as never,
  );
  await rows(
    'api_tokens',
    many.map(({ id, number }) => ({
      ...{ id, name: `${number} ${ODD}`, token_hash: id, token_prefix: 'bp_abc', role: 'viewer' as const },
      ...{ access: 'full' as const, all_environments: 1 as const, user_id: own, service_account_id: null },
      // Those made first are open still.
      ...{ last_used_at: null, expires_at: until(number < 30 ? 1 : -1) },
      created_at: new Date(Date.parse(AT) + number * 1000).toISOString(),
    })) as never,
  );
  const storage = {
    accessKey: 'A',
    secretKey: 'S',
    region: 'fra1',
    endpoint: '127.0.0.1:9',
    buckets: ['b-1'],
  };
  const untested = { by: 'api', validate: false } as const;
  const nobody = { userId: null, address: null };
  await saveStorage(pages.services, nobody, storage, untested, AbortSignal.timeout(10_000));
});
afterAll(() => pages.close());

/** What the rows of the page's tables link to or are called, and how large the page is. */
async function listed(path: string, row: RegExp) {
  const { status, html } = await admin.get(path);
  const nodes = html.match(/<[a-z]/g)?.length ?? 0;
  const bytes = Buffer.byteLength(html);
  expect([path, status, bytes, nodes, bytes <= 60 * KIB && nodes <= 1500]).toEqual([
    ...[path, 200, bytes, nodes, true],
  ]);
  // A link with a script has its address twice.
  const found = [...new Set([...html.matchAll(row)].map(([, name = '']) => name))];
  const links = [...html.matchAll(/<a href="([^"]*)">(?:← Previous|Next →)<\/a>/g)].map(([, href]) => href);
  return { found, links, html };
}

const LISTS: readonly (readonly [path: string, row: RegExp, total: number, perPage: number, at: string])[] = [
  ['/admin/users', /href="\/admin\/users\/(c[^"]*)"/g, MANY + 1, PER_PAGE, ''],
  ['/admin/service-accounts', /href="\/admin\/service-accounts\/(c[^"]*)"/g, MANY, PER_PAGE, ''],
  ['/environments', /href="\/environments\/(c[^"/]*)\/settings"/g, ENVIRONMENTS, PER_PAGE, ''],
  ['/notifications/webhooks', /[?;&]remove=(c[^"]*)"/g, MANY, PER_PAGE, ''],
  [
    '/admin/storage',
    /action="\/admin\/storage\/environments\/(c[^"]*)"/g,
    ENVIRONMENTS,
    PER_PAGE,
    '#environment-access',
  ],
  ['/account', /[?;&]end=([^"]*)"/g, MANY + 1, 20, '#sessions'],
];

describe.each(LISTS)('the list %s', (path, row, total, perPage, at) => {
  it('has pages, on which each of it is once', async () => {
    const seen: string[] = [];
    for (let offset = 0; offset < total; offset += perPage) {
      const { found, links } = await listed(`${path}?offset=${offset}`, row);
      expect([offset, found.length]).toEqual([offset, Math.min(perPage, total - offset)]);
      expect(links).toEqual([
        ...(offset === 0 ? [] : [`${path}?offset=${offset - perPage}${at}`]),
        ...(offset + perPage >= total ? [] : [`${path}?offset=${offset + perPage}${at}`]),
      ]);
      seen.push(...found);
    }
    expect(new Set(seen).size).toBe(total);
  });

  it('is the first page where the address makes no sense, and empty beyond its end', async () => {
    for (const nonsense of ['-1', '1e9', 'x', '%00', '🐘', '9'.repeat(300), '']) {
      expect((await listed(`${path}?offset=${nonsense}`, row)).found).toHaveLength(perPage);
    }
    const { found, links } = await listed(`${path}?offset=999999999`, row);
    const last = Math.floor((total - 1) / perPage) * perPage;
    expect([found, links]).toEqual([[], [`${path}?offset=${last}${at}`]]);
  });
});

describe('a page beyond the first', () => {
  it('asks its questions on itself, and leads back', async () => {
    const { html } = await admin.get('/notifications/webhooks?offset=50');
    const [asked = ''] = /\/notifications\/webhooks\?offset=50&amp;remove=c[^"]*/.exec(html) ?? [];
    const question = (await admin.get(asked.replaceAll('&amp;', '&'))).html;
    expect(question).toContain('Remove the webhook?');
    expect(question).toMatch(/<a[^>]*href="\/notifications\/webhooks\?offset=50"[^>]*>\s*Cancel/);
    const sessions = (await admin.get('/account?offset=40')).html;
    const [end = ''] = /\/account\?offset=40&amp;end=c[^"]*/.exec(sessions) ?? [];
    expect((await admin.get(end.replaceAll('&amp;', '&'))).html).toContain('End the session?');
  });

  it('of the environments that may use the storage is there again after one was enabled', async () => {
    const { html } = await admin.get('/admin/storage?offset=50');
    const [, id = ''] = /action="\/admin\/storage\/environments\/(c[^"]*)"/.exec(html) ?? [];
    const enabled = await admin.post(`/admin/storage/environments/${id}`, { enabled: 'true', offset: '50' });
    expect(enabled.location).toBe('/admin/storage?offset=50');
    for (const offset of ['-1', 'x', '//evil.example', '9'.repeat(99)]) {
      const { location } = await admin.post(`/admin/storage/environments/${id}`, { enabled: 'true', offset });
      expect([offset, location]).toEqual([offset, '/admin/storage']);
    }
    await admin.post(`/admin/storage/environments/${id}`, { enabled: 'false' });
  });
});

describe('the list of users', () => {
  const found = async (search: string, row = /<th scope="row">([^<]*)<\/th>/g) =>
    (await listed(`/admin/users?q=${encodeURIComponent(search)}`, row)).found;

  it('is searched by email and name, and its pages keep that', async () => {
    expect(await found('USER-17@')).toEqual(['user-17@example.com']);
    expect((await found('user-1')).length).toBe(31);
    const { html, links } = await listed('/admin/users?q=gr%C3%96%C3%9Fe+%2B+%22X%22', /x/g);
    expect([html.includes('1–50 of 120'), links]).toEqual([
      true,
      ['/admin/users?q=gr%C3%96%C3%9Fe+%2B+%22X%22&amp;offset=50'],
    ]);
    for (const none of ['%', '_', '\\', 'nobody', "'--", '__proto__', '🐘🐘', 'x'.repeat(5000)]) {
      expect([none, await found(none)]).toEqual([none, []]);
    }
    expect((await listed('/admin/users?q=nobody', /x/g)).html).toContain('No user is called so');
    expect((await listed('/admin/users?q=+', /x/g)).html).toContain(`1–50 of ${MANY + 1}`);
  });
});

it('One’s own tokens that open something come before those that have ended, of which some are told by their number alone', async () => {
  const { html } = await admin.get('/account');
  expect(new Set(html.match(/\?revoke=c\w+/g)).size).toBe(50);
  expect(html.match(/>ended</g)).toHaveLength(20);
  expect(html).toContain('And 70 more that have ended.');
  expect(html.indexOf(' 0 Größe')).toBeLessThan(html.indexOf('>ended<'));
});

it('The API lists all of them, as it did', async () => {
  const { app } = pages;
  const { email } = await pages.services.db
    .selectFrom('users')
    .select('email')
    .where('id', '=', own)
    .executeTakeFirstOrThrow();
  const login = await app.request('/api/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  const { token } = await login.json();
  const length = async (path: string, list: string) => {
    const response = await app.request(path, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json())[list].length;
  };
  expect(await length('/api/users', 'users')).toBe(MANY + 1);
  expect(await length('/api/environments', 'environments')).toBe(ENVIRONMENTS);
  expect(await length('/api/admin/service-accounts', 'serviceAccounts')).toBe(MANY);
  expect(await length(`/api/users/${own}/sessions`, 'sessions')).toBe(100);
});
