import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { idempotent } from '../../src/http/idempotent.ts';
import { mountRoutes } from '../../src/http/mount.ts';
import { type ApiEnv, route } from '../../src/http/route.ts';
import { revokeToken } from '../../src/tokens/tokens.ts';
import { makeEnvironment, makeToken } from '../support/api-tokens.ts';
import { type CallOptions, openTestApp, type TestApp } from '../support/app.ts';
import { refuseUpdates } from '../support/trigger.ts';
import { until } from '../support/until.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const KEY = 'deploy #7 + "<script>"';
const send = (
  method: string,
  path: string,
  body: unknown,
  more: CallOptions & { readonly key?: string } = {},
) => {
  const { key = KEY, ...options } = more;
  return app.call(method, path, { body, headers: { 'idempotency-key': key }, ...options });
};
const isReplayed = ({ headers }: { readonly headers: Headers }) =>
  headers.get('idempotent-replayed') === 'true';
const environments = async () =>
  (await app.services.db.selectFrom('environments').select('name').execute()).map(({ name }) => name).sort();

describe('a request with an Idempotency-Key', () => {
  it('is done once, and answered the same again', async () => {
    const first = await send('POST', '/api/environments', { name: 'Größe 🐘' });
    const again = await send('POST', '/api/environments', { name: 'Größe 🐘' });
    expect([first.status, isReplayed(first), again.status, isReplayed(again)]).toEqual([
      200,
      false,
      200,
      true,
    ]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('x-ratelimit-remaining')).not.toBeNull();
    expect(again.headers.get('cache-control')).toBe('no-store');
    expect(await environments()).toEqual(['Größe 🐘']);
  });

  it('is done once where several come at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send('POST', '/api/environments', { name: 'x' })),
    );
    const done = answers.filter((answer) => answer.status === 200 && !isReplayed(answer));
    expect(done).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 200) expect(answer.body).toEqual(done[0]?.body);
      else expect([answer.status, answer.body.code]).toEqual([409, 'CONFLICT']);
    }
    expect(await environments()).toEqual(['x']);
  });

  it('is kept by no hash that a password could be guessed with', async () => {
    const path = `/api/users/${app.userIds.admin}/change-password`;
    const body = { currentPassword: 'correct horse battery', newPassword: '🗝 über correct <script>' };
    expect((await send('POST', path, body)).status).toBe(200);
    const { request_hash: kept } = await app.services.db
      .selectFrom('idempotency_keys')
      .select('request_hash')
      .executeTakeFirstOrThrow();
    const hashes = ['', '\n', 'idempotent:\n'].map((before) =>
      createHash('sha256')
        .update(`${before}${JSON.stringify(body)}`)
        .digest('base64url'),
    );
    expect(hashes).not.toContain(kept);
    expect(kept).toHaveLength(43);
  });

  it('is refused with another body or another query, and answers as before after that', async () => {
    await send('POST', '/api/environments', { name: 'x' });
    for (const [path, body] of [
      ['/api/environments', { name: 'y' }],
      ['/api/environments?a=1', { name: 'x' }],
      ['/api/environments', undefined],
    ] as const) {
      const other = await send('POST', path, body);
      expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    }
    expect(isReplayed(await send('POST', '/api/environments', { name: 'x' }))).toBe(true);
  });

  it('has a key of its own for each credential, method, path and environment', async () => {
    const [one, two] = [await makeEnvironment(app, 'one'), await makeEnvironment(app, 'two')];
    const { token } = await makeToken(app, { userId: app.userIds.admin }, { role: 'admin' });
    const backUp = ({ environmentId, databaseId }: typeof one, more = {}) =>
      send('POST', `/api/environments/${environmentId}/databases/${databaseId}/backups`, {}, more);
    const answers = [
      await backUp(one),
      await backUp(two),
      await backUp(one, { token }),
      await send('PATCH', `/api/databases/${one.databaseId}`, {}),
      await send('PATCH', `/api/databases/${two.databaseId}`, {}),
    ];
    for (const answer of answers) expect([answer.status, isReplayed(answer)]).toEqual([200, false]);
    for (const again of [await backUp(one), await backUp(one, { token })])
      expect(isReplayed(again)).toBe(true);
    const pin = `/api/databases/${one.databaseId}/backups/${answers[0]?.body.backupId}/pin`;
    expect(isReplayed(await send('PUT', pin, { pinned: true }))).toBe(false);
    await app.call('PUT', pin, { body: { pinned: false } });
    const again = await send('PUT', pin, { pinned: true });
    // The first answer, and not what is true by now.
    expect([isReplayed(again), again.body.backup.isPinned]).toEqual([true, true]);
    expect((await app.call('GET', `/api/backups/${answers[0]?.body.backupId}`)).body.backup.isPinned).toBe(
      false,
    );
  });

  it('leaves its key free where nothing came of it', async () => {
    for (const name of ['', 7]) {
      expect((await send('POST', '/api/environments', { name })).status).toBe(400);
    }
    expect((await send('POST', '/api/environments', undefined, { text: '{"name":' })).status).toBe(400);
    const right = await send('POST', '/api/environments', { name: 'x' });
    expect([right.status, isReplayed(right)]).toEqual([200, false]);
    const unknown = await send('POST', '/api/databases/nothing/backups', {});
    expect(unknown.status).toBe(404);
    expect(isReplayed(await send('POST', '/api/databases/nothing/backups', {}))).toBe(false);
  });

  it('answers nobody who may not do it any more', async () => {
    const made = await makeToken(app, { userId: app.userIds.operator });
    const { databaseId } = await makeEnvironment(app, 'x');
    const ask = () => send('POST', `/api/databases/${databaseId}/backups`, {}, { token: made.token });
    expect((await ask()).status).toBe(200);
    await app.call('PATCH', `/api/users/${app.userIds.operator}`, { body: { role: 'viewer' } });
    expect((await ask()).status).toBe(403);
    await revokeToken(app.services, { userId: null, address: null }, made.id);
    expect((await ask()).status).toBe(401);
  });

  it('gives what is shown once again, which is nowhere to be read', async () => {
    const body = {
      ...{ name: 'x', ownerUserId: app.userIds.admin, role: 'viewer' },
      ...{ allEnvironments: true, expiresInDays: 1 },
    };
    const first = await send('POST', '/api/admin/tokens', body);
    const again = await send('POST', '/api/admin/tokens', body);
    expect([isReplayed(again), again.body.token]).toEqual([true, first.body.token]);
    const rows = await app.services.db.selectFrom('idempotency_keys').selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(first.body.token.slice(14));
  });

  it('is done where its answer can’t be kept', async () => {
    const { drop } = await refuseUpdates(app.services.db, 'idempotency_keys', 'answer');
    expect((await send('POST', '/api/environments', { name: 'x' })).status).toBe(200);
    await drop();
    // Nobody knows yet that it is over: its time has to pass.
    const again = await send('POST', '/api/environments', { name: 'x' });
    expect([again.status, again.body.code, again.headers.get('retry-after')]).toEqual([409, 'CONFLICT', '1']);
  });

  it('answers anew where nothing is changed, and keeps nothing of it', async () => {
    const { databaseId } = await makeEnvironment(app, 'x');
    const preview = () => send('POST', `/api/databases/${databaseId}/backup-policy/preview`, {});
    for (const { status, headers } of [await preview(), await preview()]) {
      expect([status, headers.get('idempotent-replayed')]).toEqual([200, null]);
    }
    expect(await app.services.db.selectFrom('idempotency_keys').select('id').execute()).toEqual([]);
    const reading = routesOf(apiGroups(app.services)).filter(({ isReading }) => isReading);
    expect(reading.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/databases/:id/backup-policy/preview',
    ]);
  });

  it('has an answer of at most 64 KiB kept, and is free after a larger one', async () => {
    const room = 65_536 - '{"text":""}'.length;
    const texts = { fits: 'x'.repeat(room), large: `${'x'.repeat(room - 1)}ü` };
    let done = 0;
    const routes = Object.entries(texts).map(([name, text]) =>
      route({
        ...{ method: 'POST', path: `/api/${name}`, access: 'viewer', summary: name },
        answer: z.object({ text: z.string() }),
        handle: async () => {
          done += 1;
          return { text };
        },
      }),
    );
    const mounted = mountRoutes(app.services, routes, { api: () => undefined });
    const headers = { authorization: `Bearer ${app.tokens.admin}`, 'idempotency-key': KEY };
    const answers = [];
    for (const name of ['fits', 'fits', 'large', 'large']) {
      answers.push(await mounted.request(`/api/${name}`, { method: 'POST', headers }));
    }
    expect([answers.map(isReplayed), done]).toEqual([[false, true, false, false], 3]);
    expect(await answers[1]?.json()).toEqual({ text: texts.fits });
  });

  it('is told of in the log where it becomes another’s while its request goes on', async () => {
    const { services, log } = app;
    const told = (text: string) => log.filter((line) => line.includes(text)).length;
    const LOST = 'an idempotency key is another request';
    const mine = new Hono<ApiEnv>();
    const user = { id: 'x', email: 'x', name: null, role: 'viewer', lastActiveAt: null } as const;
    mine.use(async (c, next) => {
      const person = { ...user, createdAt: '', updatedAt: '' };
      c.set('session', { id: 'x', user: person, lacksFactor: false, token: null });
      await next();
    });
    mine.post('/x', idempotent(services, { renewEveryMs: 5 }), async (c) => {
      await services.db.updateTable('idempotency_keys').set({ claimed_by: 'another' }).execute();
      await until('a word of the lost claim', 10_000, async () => told(LOST) > 0 || undefined);
      return c.json({});
    });
    const answer = await mine.request('/x', { method: 'POST', headers: { 'idempotency-key': KEY } });
    expect([answer.status, told(LOST), told('an answer was not kept')]).toEqual([200, 1, 1]);
    const rows = await services.db.selectFrom('idempotency_keys').select(['claimed_by', 'answer']).execute();
    expect(rows).toEqual([{ claimed_by: 'another', answer: null }]);
  });

  it('is refused above 1,000 in a day, with when to come again', async () => {
    const row = { request_hash: 'a', claimed_by: 'x', lease_until: null, answer: 'sealed' };
    const { db } = app.services;
    expect((await send('POST', '/api/environments', { name: 'x' })).status).toBe(200);
    const { credential, created_at } = await db
      .selectFrom('idempotency_keys')
      .select(['credential', 'created_at'])
      .executeTakeFirstOrThrow();
    const others = Array.from({ length: 999 }, (_, id) => ({ id: `${id}`, credential, created_at, ...row }));
    await db.insertInto('idempotency_keys').values(others).execute();
    const over = await send('POST', '/api/environments', { name: 'y' }, { key: 'y' });
    expect([over.status, over.body.code, Number(over.headers.get('retry-after')) > 86_000]).toEqual([
      ...[429, 'RATE_LIMITED', true],
    ]);
    expect(isReplayed(await send('POST', '/api/environments', { name: 'x' }))).toBe(true);
    expect((await app.call('POST', '/api/environments', { body: { name: 'y' } })).status).toBe(200);
  });

  it.each(['', 'k'.repeat(201)])('is refused where the key is %j', async (key) => {
    const { status, body } = await send('POST', '/api/environments', { name: 'x' }, { key });
    expect([status, body.message]).toEqual([400, 'Idempotency-Key must have 1 to 200 characters.']);
    expect(await environments()).toEqual([]);
  });

  it('stands in /openapi.json wherever it counts', async () => {
    const { body } = await app.call('GET', '/openapi.json', { token: null });
    for (const { method, path, access, isReading } of routesOf(apiGroups(app.services))) {
      const { parameters } = body.paths[path.replaceAll(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      const has = parameters.some(({ name }: { name: string }) => name === 'Idempotency-Key');
      expect([method, path, has]).toEqual([
        ...[method, path],
        access !== 'public' && ['POST', 'PUT', 'PATCH'].includes(method) && !isReading,
      ]);
    }
  });
});
