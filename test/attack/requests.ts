import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildApp, LOGIN, startChildApp } from '../support/child-process.ts';
import { backupsOf, create, type Ground } from './ground.ts';
import { API_FIELDS, fieldsOf, NASTY_IDS, NASTY_TEXTS, valueFor } from './nasty.ts';
import { pick } from './verdict.ts';

/** Each batch meets a fresh installation: some requests end the sessions or remove what later ones need. */
const BATCH = 5_000;
const AT_ONCE = 8;
const ANSWER_WITHIN_MS = 60_000;
const PASSWORD = 'correct horse battery staple';
const ROLES = ['admin', 'operator', 'viewer'] as const;

interface Visitor {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Sends fuzzed requests to every route of the API and every page, as each role and as nobody: no 5xx, no silence. */
export async function attackWithRequests(ground: Ground, requests: number): Promise<void> {
  const startedAt = performance.now();
  const statuses = new Map<number, number>();
  const times: number[] = [];
  for (let sent = 0; sent < requests; sent += BATCH) {
    await attackOnce(ground, Math.min(BATCH, requests - sent), { statuses, times });
    console.log(
      `requests: ${Math.min(requests, sent + BATCH)} ${JSON.stringify(Object.fromEntries(statuses))}`,
    );
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  console.log(
    `requests: ${times.length} in ${Math.round((performance.now() - startedAt) / 1000)} s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`,
  );
}

interface Figures {
  readonly statuses: Map<number, number>;
  readonly times: number[];
}

async function attackOnce(ground: Ground, requests: number, figures: Figures): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'attack-requests-'));
  const app = await startChildApp(ground.program, {
    DATA_DIR: join(folder, 'data'),
    LOCAL_PATHS: folder,
    LOG_LEVEL: 'warn',
    RATE_LIMIT_MAX: '1000000',
  });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    const ids = await prepare(app);
    const visitors = await signInAll(app);
    const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
      for (let count = lane; count < requests; count += AT_ONCE) {
        await sendOne(ground, { app, agent, figures }, compose(ground.random, app, visitors, ids));
      }
    });
    await Promise.all(lanes);
    const alive = await send(app.url, agent, {
      method: 'GET',
      path: '/health',
      headers: {},
      body: null,
    }).catch(String);
    ground.verdict.check('the app answers after the batch', alive === 200, alive);
    const crashes = app
      .output()
      .split('\n')
      .filter((line) => /uncaught|unhandled/i.test(line));
    ground.verdict.check('nothing went past every handler', crashes.length === 0, crashes.slice(0, 3));
  } finally {
    agent.destroy();
    await app.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One of each thing that a path may name. Nothing of it leads beyond this machine. */
async function prepare(app: ChildApp): Promise<ReadonlyMap<string, string>> {
  const environment = await create(app, 'environment', '/api/environments', { name: 'ü + 😀' });
  const server = await create(app, 'server', `/api/environments/${environment}/servers`, {
    name: 'host',
    hostname: '127.0.0.2',
    sshPort: 1,
  });
  const database = await create(app, 'database', `/api/environments/${environment}/databases`, {
    ...{ name: 'db + ü', type: 'postgres', host: '127.0.0.1', port: 1, username: 'a', databaseName: 'a' },
    serverId: server,
  });
  await app.ask('POST', `/api/databases/${database}/backups`, {});
  const [backup] = await backupsOf(app, database);
  for (const role of ROLES) {
    await app.ask('POST', '/api/users', {
      email: `${role}@example.test`,
      password: PASSWORD,
      role,
      name: role,
    });
  }
  const other = { email: 'other@example.test', password: PASSWORD, role: 'viewer', name: 'other' };
  const user = await create(app, 'user', '/api/users', other);
  const named = {
    environment,
    env: environment,
    server,
    database,
    user,
    backup: String(backup?.['id'] ?? ''),
  };
  return new Map(Object.entries(named));
}

async function signInAll(app: ChildApp): Promise<readonly Visitor[]> {
  const visitors: Visitor[] = [
    { name: 'nobody', headers: {} },
    {
      name: 'a stranger',
      headers: { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.', cookie: 'session=a; session=b' },
    },
  ];
  for (const role of ROLES) {
    const login = { email: `${role}@example.test`, password: PASSWORD };
    const { token } = await app.ask('POST', '/api/auth/login', login);
    visitors.push({ name: `${role} by token`, headers: { authorization: `Bearer ${token}` } });
    const page = await fetch(`${app.url}/login`, {
      method: 'POST',
      body: new URLSearchParams(login),
      headers: { origin: app.url },
      redirect: 'manual',
    });
    const cookie = page.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    if (cookie === '')
      throw new Error(`could not sign in as ${role}: ${page.status} (${LOGIN.email} is the admin)`);
    visitors.push({ name: `${role} in a browser`, headers: { cookie, origin: app.url } });
  }
  return visitors;
}

/** Where a request would sign its own visitor out or remove all that is there, once and for all. */
const RARE = /logout|setup|rotate|:userId\/(password|delete)|account\/password|environments\/:\w+\/delete/;

function compose(
  random: () => number,
  app: ChildApp,
  visitors: readonly Visitor[],
  ids: ReadonlyMap<string, string>,
): Sent {
  const choose = <T>(items: readonly T[], otherwise: T): T => pick(random, items) ?? otherwise;
  let route = choose(app.routes, 'GET /');
  if (RARE.test(route) && random() < 0.9) route = 'GET /';
  const [declared = 'GET', pattern = '/'] = route.split(' ');
  const isRemoval = declared === 'DELETE' || /\/delete$/.test(pattern);
  const method =
    declared === 'ALL' || random() < 0.03
      ? choose(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], 'GET')
      : declared;
  const known = (name: string) => ids.get(name.replace(/Id$/, '')) ?? idByPath(pattern, name, ids);
  const path = pattern
    .replace(/\*/g, () => choose(NASTY_IDS, 'x'))
    .replace(/:(\w+)(\{[^}]*\})?/g, (_, name: string) =>
      random() < (isRemoval ? 0.1 : 0.85) ? known(name) : choose(NASTY_IDS, 'x'),
    );
  const query = random() < 0.4 ? `?${queryOf(random)}` : '';
  const isApi = pattern.startsWith('/api');
  const visitor = choose(
    visitors.filter(
      ({ name }) => random() < 0.1 || /nobody|stranger/.test(name) || name.endsWith('token') === isApi,
    ),
    { name: 'nobody', headers: {} },
  );
  const body = method === 'GET' || method === 'HEAD' ? null : isApi ? jsonBody(random) : formBody(random);
  return {
    method,
    path: (path + query).replace(/[^\x21-\x7e]/gu, (sign) => encodeURIComponent(sign.toWellFormed())),
    headers: { ...visitor.headers, ...oddHeaders(random, isApi) },
    body,
  };
}

/** `:id` of `/api/servers/:id` is a server's. */
function idByPath(pattern: string, name: string, ids: ReadonlyMap<string, string>): string {
  const before =
    pattern
      .slice(0, pattern.indexOf(`:${name}`))
      .split('/')
      .filter(Boolean)
      .at(-1) ?? '';
  return ids.get(before.replace(/s$/, '')) ?? ids.get('environment') ?? 'x';
}

function queryOf(random: () => number): string {
  const pairs = Array.from({ length: Math.floor(random() * 3) + 1 }, () => {
    const value = pick(random, NASTY_TEXTS) ?? '';
    return `${pick(random, API_FIELDS)}=${random() < 0.2 ? value.replace(/[^\x21-\x7e]/g, '') : encodeURIComponent(value.toWellFormed())}`;
  });
  return pairs.join('&').replace(/[#\s]/g, '');
}

function jsonBody(random: () => number): string {
  const way = random();
  if (way < 0.05)
    return pick(random, ['{', '', 'null', '[]', '"a"', '{"a":1}}', '\u0000', '[1', 'NaN']) ?? '';
  if (way < 0.07) return `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  if (way < 0.075) return JSON.stringify({ name: 'a'.repeat(1_500_000) });
  const text = JSON.stringify(fieldsOf(random, API_FIELDS, true));
  // Half of a surrogate pair, which JSON can carry and UTF-8 can't.
  return random() < 0.05 ? text.replace(/":"/, '":"\\ud800') : text;
}

function formBody(random: () => number): string {
  if (random() < 0.03) return pick(random, ['%', '%zz=%', '=', '&&&', 'a=%ff%fe', '\u0000']) ?? '';
  const fields = Object.entries(fieldsOf(random, API_FIELDS, false));
  return fields
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value).toWellFormed())}`)
    .join('&');
}

function oddHeaders(random: () => number, isApi: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': isApi ? 'application/json' : 'application/x-www-form-urlencoded',
  };
  if (random() < 0.05)
    headers['content-type'] =
      pick(random, [
        'text/plain',
        'multipart/form-data',
        'application/json; charset=utf-7',
        '{}',
        'multipart/form-data; boundary=x',
      ]) ?? '';
  if (random() < 0.05)
    headers['range'] = pick(random, ['bytes=0-', 'bytes=-0', 'bytes=9-1', 'bytes=0-0,2-3', 'x']) ?? '';
  if (random() < 0.05) headers['origin'] = pick(random, ['null', 'http://[', 'https://other.example']) ?? '';
  if (random() < 0.05)
    headers['accept-language'] =
      valueFor(random, 'name', false)
        ?.toString()
        .replace(/[^\x20-\x7e]/g, '') ?? '';
  if (random() < 0.1) headers['hx-request'] = 'true';
  if (random() < 0.03) headers['if-none-match'] = '"x", *';
  if (random() < 0.03) headers['x-forwarded-for'] = '::1, [::1]:80, nonsense,,';
  return headers;
}

async function sendOne(
  { verdict }: Ground,
  { app, agent, figures }: { readonly app: ChildApp; readonly agent: Agent; readonly figures: Figures },
  sent: Sent,
): Promise<void> {
  const startedAt = performance.now();
  const status = await send(app.url, agent, sent).catch((error: unknown) => String(error));
  figures.times.push(performance.now() - startedAt);
  const shown = { ...sent, headers: Object.keys(sent.headers), body: sent.body?.slice(0, 500) };
  if (typeof status === 'string') {
    verdict.check('a request is answered in time', false, { status, ...shown });
    return;
  }
  figures.statuses.set(status, (figures.statuses.get(status) ?? 0) + 1);
  verdict.check('no request is answered with a 5xx', status < 500, { status, ...shown });
}

/** The status, once the whole answer was read. */
function send(url: string, agent: Agent, { method, path, headers, body }: Sent): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    // Node tells no length by itself for a DELETE: its body would be read as the next request.
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { hostname, port, agent, method, path, headers: { ...headers, ...length } };
    const asked = request(options, (response) => {
      response.on('error', fail);
      response.on('end', () => done(response.statusCode ?? 0));
      response.resume();
    });
    const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), ANSWER_WITHIN_MS);
    asked.on('close', () => clearTimeout(timer));
    asked.on('error', fail);
    asked.end(body ?? undefined);
  });
}
