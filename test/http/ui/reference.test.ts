import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../../../src/auth/login.ts';
import { AppError, type ErrorCode } from '../../../src/errors.ts';
import { apiGroups } from '../../../src/http/api/routes.ts';
import { toFailure } from '../../../src/http/failure.ts';
import { ERROR_CODES } from '../../../src/http/ui/reference/error-codes.ts';
import { createReference, type Reference } from '../../../src/http/ui/reference/reference.ts';
import { MOST_FOUND, searchReference } from '../../../src/http/ui/reference/search.ts';
import { withoutSecrets } from '../../../src/http/ui/reference/try-form.ts';
import { tryRequest } from '../../../src/http/ui/reference/try-request.ts';
import { makeEnvironment } from '../../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

const HERE = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' };
const HTML = `"><script>alert(1)</script><img src=x onerror=alert(1)>' $(id) ü 🐘`;

let app: TestApp;
let reference: Reference;
beforeAll(async () => {
  app = await openTestApp({ env: { RATE_LIMIT_USER_MAX: '1000' } });
  reference = createReference(apiGroups(app.services));
});
afterAll(() => app.close());

async function page(path: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await app.app.request(path, { headers }, PEER);
  return { status: response.status, html: await response.text() };
}

const PEER = { incoming: { socket: { remoteAddress: '203.0.113.9' } } };

/** Sends the form of a route, as the admin unless another token is typed. */
async function attempt(
  id: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
) {
  const form = new URLSearchParams({ token: app.tokens.admin, ...fields });
  const init = { method: 'POST', headers: { ...HERE, ...headers }, body: form.toString() };
  const response = await app.app.request(`/docs/${id}`, init, PEER);
  const html = await response.text();
  return { status: response.status, html, said: answerIn(html) };
}

/** The answer that a page shows: its status, its body, and the command. */
function answerIn(html: string) {
  const told = (text: string | undefined) => unescaped(text ?? '');
  return {
    status: /<span class="badge[^"]*">(\d+)/.exec(html)?.[1],
    body: told(/aria-label="Body of the answer"><pre><code>([^<]*)</.exec(html)?.[1]),
    command: told(/id="curl-line">([^<]*)</.exec(html)?.[1]),
  };
}

function unescaped(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** What is beside a field. */
const errorOf = (html: string, field: string) =>
  unescaped(new RegExp(`id="field-${field.replace('.', '-')}-error"[^>]*>([^<]*)<`).exec(html)?.[1] ?? '');

it('has an example for every body, which the schema takes', () => {
  const refused = [...reference.entries.values()].flatMap(({ route, line, view }) => {
    const { example } = view();
    if (example === null) return [];
    const { error } = route.body?.safeParse(JSON.parse(example)) ?? {};
    return error === undefined ? [] : [`${line.id}: ${example} ${error.message}`];
  });
  expect(refused).toEqual([]);
});

it('names every code of a failure, with its status', () => {
  const thrown: readonly ErrorCode[] = [
    ...(['invalid', 'unauthorized', 'second_factor_required', 'second_factor_missing', 'forbidden'] as const),
    ...(['forbidden_scope', 'not_found', 'conflict', 'key_reused', 'readonly_field'] as const),
    ...(['rate_limited', 'internal', 'unavailable'] as const),
  ];
  const given = thrown.map((code) => {
    const { status, body } = toFailure(new AppError(code, 'x'), 'id');
    return { status, code: body.code };
  });
  expect(ERROR_CODES.map(({ status, code }) => ({ status, code }))).toEqual(given);
});

it('has a page for every route, for anybody, which stays small, and says in one sentence what it does', async () => {
  const paths = ['/docs', '/docs/conventions', ...[...reference.entries.keys()].map((id) => `/docs/${id}`)];
  for (const path of paths) {
    const { status, html } = await page(path);
    expect([path, status]).toEqual([path, 200]);
    expect([path, html.match(/<h1[ >]/g)?.length]).toEqual([path, 1]);
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect([path, ids.length]).toEqual([path, new Set(ids).size]);
    const bytes = Buffer.byteLength(html);
    const nodes = html.match(/<[a-z]/g)?.length ?? 0;
    expect([path, bytes, nodes, bytes <= 60 * 1024 && nodes <= 1500]).toEqual([path, bytes, nodes, true]);
  }
  const summaries = [...reference.entries.values()].map(({ line }) => line.summary);
  expect(summaries.filter((summary) => !/^[A-Z][^.]{5,}$/.test(summary))).toEqual([]);
  expect((await page('/docs/nothing')).status).toBe(404);
  expect((await page('/docs/__proto__')).status).toBe(404);
});

describe('the search', () => {
  const found = (question: string) => searchReference(reference, question).routes.map(({ id }) => id);

  it('finds by path, by words and by fields, the path first, in whatever case', () => {
    expect(found('POST databases/:id/backups')[0]).toBe('post-databases-id-backups');
    expect(found('BACKUPS/:ID/MANIFEST')).toEqual(['get-backups-id-manifest']);
    expect(found('signed manifest completed')).toContain('get-backups-id-manifest');
    expect(found('cronExpression')).toContain('put-databases-id-schedule');
  });

  it('shows a bounded number, takes any text, and keeps it in the address', async () => {
    expect(searchReference(reference, 'api')).toMatchObject({ isMore: true, routes: { length: MOST_FOUND } });
    for (const question of [HTML, '('.repeat(100_000), '\\', '%00', '[a-', ' ']) {
      const { status, html } = await page(`/docs?q=${encodeURIComponent(question.slice(0, 2000))}`);
      expect(status).toBe(200);
      expect(html).not.toContain('<script>alert');
    }
    expect((await page('/docs?q=manifest')).html).toContain('value="manifest"');
  });
});

describe('a route that is tried', () => {
  it('is answered as the API does, as the token that was typed, with the same limits', async () => {
    const { status, html, said } = await attempt('get-environments', {});
    expect(status).toBe(200);
    expect(said.status).toBe('200');
    expect(JSON.parse(said.body)).toEqual((await app.call('GET', '/api/environments')).body);
    expect(html).toContain('x-ratelimit-remaining: ');
    expect((await attempt('get-environments', { token: '' })).said.status).toBe('401');
    const viewer = await attempt('post-environments', {
      ...{ token: app.tokens.viewer, body: '{"name":"x"}', confirm: 'true' },
    });
    expect([viewer.said.status, JSON.parse(viewer.said.body).code]).toEqual(['403', 'FORBIDDEN_ROLE']);
  });

  it('is asked from the address of the person, and never with their cookie', async () => {
    const signIn = { email: 'admin@example.com', password: 'correct horse battery', kind: 'ui' } as const;
    const { token } = await login(app.services, { ...signIn, from: { address: null, browser: null } });
    const cookie = `bridgeport_session=${token}`;
    const { html, said } = await attempt('get-environments', { token: '' }, { cookie });
    expect(html).toContain('Sign out');
    expect(said.status).toBe('401');
    const body = JSON.stringify({ name: 'seen from afar' });
    expect((await attempt('post-environments', { body, confirm: 'true' })).said.status).toBe('200');
    const { logs } = (await app.call('GET', '/api/audit-logs?resourceType=environment')).body;
    expect(logs[0]).toMatchObject({ action: 'create', address: '203.0.113.9' });
  });

  it('changes nothing without a tick, and is refused from another site', async () => {
    const body = JSON.stringify({ name: 'unticked' });
    const unticked = await attempt('post-environments', { body });
    expect(unticked.status).toBe(422);
    expect(errorOf(unticked.html, 'confirm')).toContain('Tick this');
    const forged = await attempt(
      'post-environments',
      { body, confirm: 'true' },
      { 'sec-fetch-site': 'cross-site' },
    );
    expect(forged.status).toBe(403);
    const { environments } = (await app.call('GET', '/api/environments')).body;
    expect(environments.map(({ name }: { name: string }) => name)).not.toContain('unticked');
  });

  it('says what a question answers by 409, and what goes on by 202, as /openapi.json does', async () => {
    const document = await (await app.app.request('/openapi.json')).json();
    for (const [id, status, path, method] of [
      ['put-databases-id-backup-policy', '409', '/api/databases/{id}/backup-policy', 'put'],
      ['post-settings-system-reset', '409', '/api/settings/system/reset', 'post'],
      ['post-settings-spaces-test', '202', '/api/settings/spaces/test', 'post'],
    ] as const) {
      const html = await (await app.app.request(`/docs/${id}`, {}, PEER)).text();
      expect([id, html.includes(`Answer with ${status}`)]).toEqual([id, true]);
      const { schema } = document.paths[path][method].responses[status].content['application/json'];
      const shown = JSON.stringify(schema);
      expect([id, shown.includes(status === '409' ? 'confirmationRequired' : 'scopedKey')]).toEqual([
        id,
        true,
      ]);
      expect(shown.includes('schemas/Error')).toBe(status === '409');
    }
  });

  it('never shows the token again, nor a secret of the body, nor logs them', async () => {
    const secret = 'typed-secret-of-the-body';
    const body = `{"email": "admin@example.com", "password": "${secret}"}`;
    const signIn = await attempt('post-auth-login', { body, confirm: 'true' });
    expect(signIn.said.status).toBe('401');
    const unfinished = await attempt('post-auth-login', { body: body.slice(0, -2), confirm: 'true' });
    expect(errorOf(unfinished.html, 'body')).toContain('This is no JSON');
    const refused = await attempt('post-environments', {
      body: '{"name":"x"}',
      token: `${app.tokens.admin} x`,
    });
    expect(errorOf(refused.html, 'token')).toContain('That is no token');
    const { html, said } = await attempt('get-auth-me', {});
    expect(said.status).toBe('200');
    const nested = `{"of": [{"pass\\u0077ord": "${secret}"}], "code": 4711471, "secretKey": ["${secret}"]}`;
    const odd = await attempt('post-environments', { body: nested, confirm: 'true' });
    const cut = await attempt('post-environments', { body: nested.slice(0, -2), confirm: 'true' });
    expect(odd.html).not.toContain('4711471');
    const ping = await attempt('put-databases-id-ping', {
      ...{ 'param.id': 'none', confirm: 'true' },
      body: `{"url": "https://hc-ping.com/${secret}"}`,
    });
    expect([odd.said.status, ping.said.status]).toEqual(['400', '404']);
    expect(cut.status).toBe(422);
    for (const text of [
      odd.html,
      cut.html,
      ping.html,
      signIn.html,
      unfinished.html,
      refused.html,
      html,
      app.log.join('\n'),
    ]) {
      expect(text).not.toContain(app.tokens.admin);
      expect(text).not.toContain(secret);
    }
    expect(signIn.html).toContain('admin@example.com');
    expect(said.command).toContain('-H "Authorization: Bearer $TOKEN"');
  });

  it.each([
    ['/', '404'],
    ['../../environments', '404'],
    ['?a=b#c', '404'],
    ['a\r\nX-Injected: 1', '404'],
    ['%2e%2e', '404'],
    ['🐘 ü', '404'],
    ['\0', '404'],
  ])('takes %j in its path as that id, and as no other address', async (id, status) => {
    const { said } = await attempt('get-databases-id', { 'param.id': id });
    expect(said.status).toBe(status);
    expect(JSON.parse(said.body)).toMatchObject({ code: 'NOT_FOUND', message: 'Database not found' });
    expect(said.command.split('\n')[0]).toBe(
      `curl -sS -X GET 'http://localhost/api/databases/${encodeURIComponent(id).replaceAll("'", "'\\''")}' \\`,
    );
  });

  it.each(['.', '..', ''])('refuses %j in its path, which would be another address', async (id) => {
    const { status, html } = await attempt('get-databases-id', { 'param.id': id });
    expect(status).toBe(422);
    expect(errorOf(html, 'param.id')).not.toBe('');
  });

  it.each(['a\r\nX-Injected: 1', 'Bearer abc', 'ü', '"', 'a b', '$(id)'])(
    'takes no token %j, which none is',
    async (token) => {
      const { status, html } = await attempt('get-environments', { token });
      expect(status).toBe(422);
      expect(errorOf(html, 'token')).toContain('That is no token');
    },
  );

  it('shows HTML in an answer as text, and writes a command that a shell takes as it is', async () => {
    const { environmentId } = await makeEnvironment(app, HTML.slice(0, 50));
    const { html, said } = await attempt('get-environments-id', { 'param.id': environmentId });
    expect(html).not.toContain('<script>alert');
    expect(JSON.parse(said.body).environment.name).toBe(HTML.slice(0, 50));
    const body = JSON.stringify({ name: HTML });
    const asked = await attempt('post-environments', { body, key: "it's-'$(id)", confirm: 'true' });
    expect(asked.said.command).toContain(`--data-raw '${body.replaceAll("'", "'\\''")}'`);
    expect(asked.said.command).toContain(`-H 'Idempotency-Key: it'\\''s-'\\''$(id)'`);
  });

  it('refuses a body that is too large, and waits for no longer than a form may', async () => {
    expect((await attempt('post-environments', { body: 'x'.repeat(10 * 2 ** 20) })).status).toBe(400);
    expect((await attempt('post-environments', { body: 'x'.repeat(300 * 2 ** 10) })).status).toBe(400);
    const waiting = await attempt('get-backups-id', { 'param.id': 'x', 'query.wait': '600' });
    expect(errorOf(waiting.html, 'query.wait')).toContain('at most 30 seconds');
  });

  it('reads no more of a long answer than it shows', async () => {
    for (let count = 0; count < 60; count += 1) {
      await app.call('GET', '/api/audit-logs/export?format=jsonl&userId=x');
    }
    const { said, html } = await attempt('get-audit-logs-export', { 'query.format': 'jsonl' });
    expect(said.status).toBe('200');
    expect(Buffer.byteLength(said.body)).toBe(16 * 1024);
    expect(html).toContain('Cut after 16 KiB');
  });
});

describe('an answer', () => {
  const request = () => new Request('http://localhost/api/things');
  const tried = (answer: () => Response | Promise<Response>, secret: string | null = null) =>
    tryRequest(answer, { request: request(), env: {}, secret }, { patienceMs: 20 });
  /** Chunks, and then (`isStuck`) nothing more and no end. */
  const stream = (chunks: readonly string[], { isStuck = false } = {}) => {
    const left = [...chunks];
    let isLeft = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = left.shift();
        if (next !== undefined) controller.enqueue(new TextEncoder().encode(next));
        else if (!isStuck) controller.close();
        else return new Promise(() => undefined);
        return undefined;
      },
      cancel() {
        isLeft = true;
      },
    });
    return { body, isLeft: () => isLeft };
  };

  it('that does not come is given up, and so is one that stands still', async () => {
    const never = await tried(() => new Promise(() => undefined));
    expect(never).toMatchObject({
      status: null,
      body: '',
      note: expect.stringContaining('No answer within'),
    });
    const { body, isLeft } = stream(['half a '], { isStuck: true });
    const half = await tried(() => new Response(body, { headers: { 'content-type': 'text/csv' } }));
    expect(half).toMatchObject({ status: 200, body: 'half a ', note: expect.stringContaining('Cut') });
    expect(isLeft()).toBe(true);
  });

  it('is read no further than it is shown, a file not at all', async () => {
    const long = stream(Array.from({ length: 100 }, () => 'x'.repeat(1000)));
    const cut = await tried(() => new Response(long.body, { headers: { 'content-type': 'text/csv' } }));
    expect([cut.body.length, long.isLeft()]).toEqual([16 * 1024, true]);
    const file = stream(['dump']);
    const headers = { 'content-type': 'application/octet-stream' };
    const shown = await tried(() => new Response(file.body, { headers }));
    expect([shown.body, file.isLeft()]).toEqual(['', true]);
  });

  it('does not show the token, whoever repeats it', async () => {
    const repeated = () => Response.json({ said: 'the-token' }, { headers: { 'x-said': 'the-token' } });
    expect(JSON.stringify(await tried(repeated, 'the-token'))).not.toContain('the-token');
  });
});

describe('a body that is shown again', () => {
  it('is nothing where it nests deeper than can be looked through', () => {
    for (const deep of [
      `${'['.repeat(60_000)}${']'.repeat(60_000)}`,
      `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`,
    ]) {
      expect(withoutSecrets(deep)).toBe('');
    }
    expect(withoutSecrets('{"name":"x"}')).toBe('{"name":"x"}');
  });
});
