import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { apiGroups, routesOf } from '../../../src/http/api/routes.ts';
import { mountRoutes } from '../../../src/http/mount.ts';
import { type ApiRoute, route } from '../../../src/http/route.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
let routes: readonly ApiRoute[];
beforeAll(async () => {
  app = await openTestApp();
  routes = routesOf(apiGroups(app.services));
});
afterAll(() => app.close());

const pathOf = (path: string, id = 'unknown') => path.replaceAll(/:\w+/g, id);

describe('roles', () => {
  it('decide before validation and look-ups, for every route', async () => {
    for (const { method, path, access } of routes) {
      const name = `${method} ${path}`;
      const statusFor = async (token: string | null) =>
        (await app.call(method, pathOf(path), { token, text: '{"malformed' })).status;
      const isRefused = [401, 403];
      if (access === 'public') {
        expect(await statusFor(null), name).toBe(400);
        continue;
      }
      expect(await statusFor(null), name).toBe(401);
      if (path === '/api/auth/logout') continue;
      const allowed = {
        viewer: access === 'viewer',
        operator: access === 'viewer' || access === 'operator',
        admin: true,
      };
      for (const role of ['viewer', 'operator', 'admin'] as const) {
        const status = await statusFor(app.tokens[role]);
        if (allowed[role]) expect(isRefused, `${name} as ${role}`).not.toContain(status);
        else expect(status, `${name} as ${role}`).toBe(403);
      }
    }
  });

  it('refuse with the texts of the contract', async () => {
    const message = async (token: string, method: string, path: string) => {
      const { status, body } = await app.call(method, path, { token });
      expect([status, body.code]).toEqual([403, 'FORBIDDEN_ROLE']);
      return body.message;
    };
    const { viewer, operator } = app.tokens;
    const mutating = 'This action requires operator or admin role';
    expect(await message(viewer, 'DELETE', '/api/environments/x')).toBe(mutating);
    expect(await message(viewer, 'POST', '/api/databases/x/backups')).toBe(mutating);
    expect(await message(viewer, 'PATCH', '/api/users/x')).toBe(mutating);
    expect(await message(viewer, 'GET', '/api/users')).toBe('Admin access required');
    expect(await message(operator, 'POST', '/api/environments')).toBe('Admin access required');
    expect(await message(operator, 'GET', '/api/users/x')).toBe('Access denied');
  });

  it('must be declared: a route without one does not start', () => {
    const declared = route({
      method: 'GET',
      path: '/api/x',
      access: 'viewer',
      summary: '',
      answer: z.object({}),
      handle: async () => ({}),
    });
    const { access: _, ...withoutAccess } = declared;
    const mount = (given: unknown) =>
      mountRoutes(app.services, [given as ApiRoute], { api: () => undefined });
    expect(() => mount(declared)).not.toThrow();
    expect(() => mount(withoutAccess)).toThrow('does not say who may call it');
  });
});

describe('hostile input', () => {
  const key = fc.constantFrom(
    ...[
      'name',
      'hostname',
      'type',
      'email',
      'password',
      'role',
      'tags',
      'port',
      'sshPort',
      'serverId',
      'options',
    ],
    ...[
      'backupSpacesPrefix',
      'backupLocalPath',
      'pgDumpOptions',
      'accessKey',
      'secretKey',
      'region',
      'endpoint',
    ],
    ...[
      'buckets',
      'enabled',
      'pinned',
      'hostKey',
      'sshPrivateKey',
      'allowBackupDownload',
      'sshUser',
      '__proto__',
    ],
    ...['constructor', 'filePath', 'newPassword', 'username', 'publicIp', 'databaseName', 'host'],
  );
  const nasty = fc.constantFrom(
    ...[
      '',
      ' ',
      "'",
      '"',
      '$(id)',
      '`id`',
      '../../etc/passwd',
      '/etc/../root',
      '\u0000',
      '\n',
      '\r\nX: y',
      '\u202e',
    ],
    ...[
      '\ud800',
      '💥',
      'postgres',
      'sqlite',
      'postgres://u:p@h/d',
      'admin',
      '127.0.0.1',
      'http://[',
      'a'.repeat(5000),
    ],
    ...['ssh-ed25519 AAAA', 'https://user:pw@host', 'null', '%00', '{{7*7}}', "'; drop table users; --"],
  );
  const value = fc.oneof(nasty, fc.anything({ maxDepth: 2 }), fc.integer(), fc.boolean(), fc.array(nasty));
  // Good values with a few bad ones over them get further than noise.
  const good = {
    ...{
      name: 'appdb',
      hostname: '10.0.0.5',
      type: 'postgres',
      email: 'a@example.com',
      password: 'long enough',
    },
    ...{ accessKey: 'key', secretKey: 'secret', enabled: true, pinned: true, sshPrivateKey: 'key' },
    newPassword: 'long enough',
  };
  const body = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.dictionary(key, value, { maxKeys: 3 }).map((bad) => ({ ...good, ...bad })),
    },
    { weight: 2, arbitrary: fc.dictionary(key, value, { maxKeys: 8 }) },
    fc.anything({ maxDepth: 3 }),
    fc.string().map((text) => ({ raw: text })),
  );

  it('is never answered with a 5xx, on any route', async () => {
    const environment = await app.call('POST', '/api/environments', { body: { name: 'fuzz' } });
    const envId: string = environment.body.environment.id;
    const ids = fc.oneof(
      { weight: 3, arbitrary: fc.constant(envId) },
      fc.constantFrom('unknown', '..', '%2e%2e', "'", '%00', '%F0%9F%92%A5', '%', 'a'.repeat(3000), '%0d%0a'),
    );
    const reachable = routes.filter(
      ({ path }) => !/auth|users|health|test-ssh/.test(path) || path.endsWith('login'),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(reachable.length - 1), ids, body, nasty, async (at, id, payload, text) => {
        const target = reachable[at];
        if (target === undefined) throw new Error('no such route');
        const query =
          target.query === null ? '' : `?limit=${encodeURIComponent(text.toWellFormed())}&offset=${id}`;
        const { status, body: answer } = await app.call(target.method, pathOf(target.path, id) + query, {
          text: textOf(payload),
          // Its secrets are words that texts of ours hold too.
          isNoise: true,
        });
        expect(status, `${target.method} ${target.path} ${JSON.stringify(answer)}`).toBeLessThan(500);
        // Everything that is not a success is the envelope.
        if (status >= 400)
          expect(answer).toMatchObject({ code: expect.any(String), message: expect.any(String) });
      }),
      { numRuns: 600 },
    );
  });

  function textOf(payload: unknown): string {
    if (typeof payload === 'object' && payload !== null && 'raw' in payload) return String(payload.raw);
    try {
      return JSON.stringify(payload) ?? '';
    } catch {
      return String(payload);
    }
  }
});

describe('bodies', () => {
  it('that are malformed answer 400', async () => {
    const { status, body } = await app.call('POST', '/api/environments', { text: '{"name":' });
    expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it.each(['null', '[]', '7', '"text"'])('that are %s and no object answer 400', async (text) => {
    expect((await app.call('POST', '/api/environments', { text })).status).toBe(400);
  });

  it('that are absent or empty count as {}', async () => {
    const patch = `/api/environments/unknown/settings/data`;
    expect((await app.call('PATCH', patch)).body.message).toBe('Environment not found');
    const empty = await app.call('PATCH', patch, {
      text: '',
      headers: { 'content-type': 'application/json' },
    });
    expect(empty.body.message).toBe('Environment not found');
  });

  it.each([
    ['compressed', { 'content-encoding': 'gzip' }, '{"name":"x"}', 'Content-Encoding "gzip"'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, '{"name":"x"}', 'Content-Type'],
    [
      'plain text',
      { 'content-type': 'text/plain;charset=UTF-8' },
      '{"name":"x"}',
      'Content-Type "text/plain"',
    ],
    ['of another charset', { 'content-type': 'application/json; charset=latin1' }, '{"name":"x"}', 'UTF-8'],
    ['not UTF-8', {}, Buffer.from('{"name":"p\xe4ss"}', 'latin1'), 'UTF-8'],
  ])(
    'that are %s and can’t be read as what they claim answer 400 and change nothing',
    async (_, headers, text, why) => {
      const { status, body } = await app.call('POST', '/api/environments', { text, headers });
      expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR']);
      expect(body.message).toContain(why);
    },
  );

  it('without a content type are read as JSON', async () => {
    const answer = await app.app.request('/api/environments', {
      method: 'POST',
      headers: { authorization: `Bearer ${app.tokens.admin}` },
      body: new TextEncoder().encode('{"name":"typeless ü"}'),
    });
    expect([answer.status, (await answer.json()).environment.name]).toEqual([200, 'typeless ü']);
  });

  it.each([
    ['a value', '{"name":"half \\ud83d"}', ['name']],
    ['a secret', '{"name":"x","sshPrivateKey":"\\udc00"}', ['sshPrivateKey']],
    ['an item', '{"name":"x","tags":["fine 💥","\\ud800x"]}', ['tags', '1']],
    ['an unknown key', '{"name":"x","more":{"\\ud800":1}}', ['more', '\ufffd']],
  ])('that hold half a surrogate pair as %s are refused by name', async (_, text, path) => {
    const { status, body } = await app.call('POST', '/api/environments', { text });
    expect([status, body.message]).toEqual([400, 'Invalid input']);
    expect(body.details).toMatchObject([{ path, message: 'Must be valid Unicode' }]);
  });

  it('that hold half a surrogate pair as a password are refused, also where nobody is signed in', async () => {
    const text = '{"email":"a@example.com","password":"long enough \\ud800"}';
    const { status, body } = await app.call('POST', '/api/auth/login', { text, token: null });
    expect([status, body.details[0].path]).toEqual([400, ['password']]);
  });

  it('that an address spells in other bytes than UTF-8 are refused, in path and query', async () => {
    for (const path of [
      '/api/databases/%F0%9F',
      '/api/audit-logs?resourceId=%ED%A0%80',
      '/api/users?limit=1&%FF=1',
    ]) {
      const { status, body } = await app.call('GET', path);
      expect([path, status]).toEqual([path, 400]);
      expect(body.message).toMatch(/^The address holds bytes that are not text in UTF-8/);
    }
    for (const path of ['/api/users?search=100%', '/api/users?search=gr%C3%BCn%20%F0%9F%92%A5%zz']) {
      expect([path, (await app.call('GET', path)).status]).toEqual([path, 200]);
    }
  });

  it.each([
    ['users', ['id', 'createdAt', 'updatedAt', 'email', 'passwordHash', 'lastActiveAt']],
    [
      'servers',
      [
        ...[
          'id',
          'createdAt',
          'updatedAt',
          'environmentId',
          'status',
          'serverType',
          'agentToken',
          'agentStatus',
        ],
        ...['agentVersion', 'agentStatusChangedAt', 'lastAgentPushAt', 'lastCheckedAt', 'lastHealthCheckAt'],
        ...[
          'lastHealthCheckStatus',
          'lastHealthCheckType',
          'lastHealthCheckDurationMs',
          'lastHealthCheckError',
        ],
        'metricsMode',
      ],
    ],
    [
      'databases',
      [
        ...['id', 'createdAt', 'updatedAt', 'environmentId', 'encryptedCredentials', 'credentialsNonce'],
        ...['monitoringStatus', 'lastCollectedAt', 'lastMonitoringError'],
      ],
    ],
  ])(
    'of a PATCH of %s that hold what only the server sets are refused by its name, before all else',
    async (what, fields) => {
      for (const field of fields) {
        const { status, body } = await app.call('PATCH', `/api/${what}/nobody`, {
          body: { [field]: 'x', name: 7 },
        });
        expect([status, body.code, body.field]).toEqual([422, 'READONLY_FIELD', field]);
        expect(body.hint).not.toBe('');
      }
    },
  );

  it('nested as deeply as 1 MiB allows answer, and quickly', async () => {
    const text = `{"name":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    expect((await app.call('POST', '/api/environments', { text, isNoise: true })).status).toBe(400);
  });

  it('may hold unknown keys, and nothing is coerced', async () => {
    const ok = await app.call('POST', '/api/environments', { body: { name: 'unknown keys', colour: 'red' } });
    expect(ok.status).toBe(200);
    const number = await app.call('POST', '/api/environments', { body: { name: 7 } });
    expect([number.status, number.body.message]).toEqual([400, 'Invalid input']);
  });

  it('above 1 MiB answer 400', async () => {
    const { status, body } = await app.call('POST', '/api/environments', {
      text: ' '.repeat(1024 * 1024 + 1),
    });
    expect([status, body.message]).toEqual([400, 'The request body is larger than 1 MiB']);
  });
});

describe('switches in the query', () => {
  it.each(['1', 'yes', 'TRUE', ''])('refuse %j by name', async (value) => {
    const { status, body } = await app.call('PUT', `/api/settings/spaces?validate=${value}`, {
      body: { accessKey: 'a', secretKey: 's' },
    });
    expect([status, body.details]).toEqual([400, [expect.objectContaining({ path: ['validate'] })]]);
  });
});

describe('pages of lists', () => {
  it.each(['-1', 'x', '1.5', '', '1e3'])('refuse limit=%s', async (limit) => {
    const { status } = await app.call('GET', `/api/environments/unknown/servers?limit=${limit}`);
    expect(status).toBe(400);
  });
});

describe('the surface', () => {
  it('tells its health to anybody', async () => {
    const { status, body } = await app.call('GET', '/health', { token: null });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      version: '0.0.0-test',
      timestamp: expect.stringMatching(/Z$/),
    });
  });

  it('answers 404 in the envelope to an unknown route, without rate-limit headers', async () => {
    const { status, body, headers } = await app.call('GET', '/api/nothing', { token: null });
    expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    expect(headers.get('x-ratelimit-limit')).toBeNull();
  });

  it.each(['/health', '/openapi.json', '/api/auth/me', '/api/unknown'])(
    'lets no browser take %s for a page of its own, or frame it',
    async (path) => {
      const { headers } = await app.call('GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    },
  );

  it('describes every route in /openapi.json', async () => {
    const { body } = await app.call('GET', '/openapi.json', { token: null });
    expect(body.openapi).toBe('3.0.3');
    const described = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`).sort(),
    );
  });

  it('is never kept by caches', async () => {
    const { headers } = await app.call('GET', '/api/auth/me');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('CORS', () => {
  it('lets only the configured origins in', async () => {
    const open = await openTestApp({ env: { CORS_ORIGIN: 'https://app.example.com' } });
    const from = async (origin: string) =>
      (await open.call('GET', '/api/auth/me', { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      );
    expect(await from('https://app.example.com')).toBe('https://app.example.com');
    expect(await from('https://evil.example')).toBeNull();
    const origin = 'https://app.example.com';
    const refused = await open.call('GET', '/api/auth/me', { token: null, headers: { origin } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin]);
    const preflight = await open.call('OPTIONS', '/api/users', {
      token: null,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET,HEAD,PUT,PATCH,POST,DELETE');
    await open.close();
    const any = await openTestApp({ env: { CORS_ORIGIN: '*' } });
    const answer = await any.call('GET', '/api/auth/me', { headers: { origin: 'http://localhost:5173' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    await any.close();
    const { headers } = await app.call('GET', '/api/auth/me', {
      headers: { origin: 'https://app.example.com' },
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
