import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../../src/app.ts';
import { prepareFirstAdmin } from '../../../src/auth/first-admin.ts';
import type { Role } from '../../../src/auth/roles.ts';
import { createUser } from '../../../src/auth/users.ts';
import { createLog } from '../../../src/log.ts';
import { readConfig } from '../../../src/node/read-config.ts';
import { createPruneKind } from '../../../src/retention/prune-kind.ts';
import { createWorker } from '../../../src/runs/worker.ts';
import { createServices, type RunningServices } from '../../../src/services.ts';
import { createDeepTestKind } from '../../../src/storage/deep-test-kind.ts';
import { watchForSecrets } from '../../support/log-secrets.ts';
import { setupCodeOf } from '../../support/setup-code.ts';

export const ORIGIN = 'http://localhost';
export const PASSWORD = 'correct horse battery';

/** What a browser says of a form on a page of ours, over https and on its own machine. */
export const HERE = { 'sec-fetch-site': 'same-origin' } as const;

/** The whole app in this process, without its worker, on a data folder of its own. */
export interface Pages {
  readonly services: RunningServices;
  readonly app: ReturnType<typeof createApp>;
  /** Every line logged so far. */
  readonly log: readonly string[];
  /** Method and path of every page and form, such as `POST /servers/:serverId/delete`. */
  readonly routes: readonly string[];
  /** A browser without JavaScript: it keeps cookies and sends forms. */
  visitor(): Visitor;
  /** The form of the first admin, filled in. */
  firstAdmin(): { readonly email: string; readonly password: string; readonly setupCode: string };
  /** A visitor signed in as a new user of that role. */
  signedIn(role: Role): Promise<Visitor>;
  /** Fails where the log holds a credential of a form. */
  close(): Promise<void>;
}

export interface Visitor {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Sends a form from a page of our own, unless the headers say otherwise. */
  post(
    path: string,
    form?: Readonly<Record<string, string>> | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  cookie(): string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The path and query of a redirect. */
  readonly location: string | null;
  readonly html: string;
}

export async function openPages(env: Readonly<Record<string, string>> = {}): Promise<Pages> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeport-pages-'));
  const log: string[] = [];
  const secrets = watchForSecrets();
  const services = await createServices(
    readConfig({ DATA_DIR: join(folder, 'data'), RATE_LIMIT_MAX: '100000', LOCAL_PATHS: folder, ...env }),
    {
      log: createLog(
        'debug',
        (line) => log.push(line),
        () => new Date(),
      ),
      version: '0.0.0-test',
    },
  );
  await prepareFirstAdmin(services);
  // Of what runs, deep tests and pruning alone: backups wait.
  const worker = createWorker(
    services,
    { deep_test: createDeepTestKind(services), prune: createPruneKind(services) },
    { limits: async () => ({ total: 1, perServer: 1 }), tickMs: 100 },
  );
  worker.start();
  const app = createApp(services);
  const send = async (path: string, init: RequestInit, peer: string) => {
    if (init.body) secrets.note(String(init.body));
    return app.request(`${ORIGIN}${path}`, init, { incoming: { socket: { remoteAddress: peer } } });
  };
  const pages: Pages = {
    services,
    app,
    log,
    routes: [
      ...new Set(
        app.routes
          .filter(({ method, path }) => method !== 'ALL' && !/^\/(api|health|openapi|assets)|\*/.test(path))
          .map(({ method, path }) => `${method} ${path}`),
      ),
    ],
    visitor: () => createVisitor((path, init) => send(path, init, '127.0.0.1')),
    firstAdmin: () => ({ email: 'ada@example.com', password: PASSWORD, setupCode: setupCodeOf(log) }),
    async signedIn(role) {
      const email = `${role}-${crypto.randomUUID()}@example.com`;
      const installation = { userId: null, address: null };
      await createUser(services, installation, { email, password: PASSWORD, role });
      const visitor = pages.visitor();
      const { status } = await visitor.post('/login', { email, password: PASSWORD }, HERE);
      if (status !== 303) throw new Error(`could not sign in as ${role}: ${status}`);
      return visitor;
    },
    async close() {
      await worker.stop(5_000);
      await services.close();
      await rm(folder, { recursive: true, force: true });
      secrets.check(log);
    },
  };
  return pages;
}

function createVisitor(send: (path: string, init: RequestInit) => Promise<Response>): Visitor {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit & { headers: Record<string, string> }) => {
    const response = await send(path, {
      ...init,
      headers: { cookie: cookieHeader(cookies), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = pair.split('=');
      if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const { status, headers } = response;
    return { status, headers, location: headers.get('location'), html: await response.text() };
  };
  return {
    get: (path, headers = {}) => ask(path, { method: 'GET', headers: { ...headers } }),
    post: (path, form = {}, headers = {}) =>
      ask(path, {
        method: 'POST',
        body: typeof form === 'string' ? form : new URLSearchParams(form),
        headers: {
          ...{ origin: ORIGIN, host: new URL(ORIGIN).host },
          ...{ 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8', ...headers },
        },
      }),
    cookie: () => cookieHeader(cookies),
  };
}

function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}
