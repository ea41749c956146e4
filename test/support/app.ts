import { isDeepStrictEqual } from 'node:util';
import type { Hono } from 'hono';
import { createApp } from '../../src/app.ts';
import { sha256 } from '../../src/audit/node/sha256.ts';
import { createPasswords } from '../../src/auth/node/passwords.ts';
import type { Role } from '../../src/auth/roles.ts';
import { startSession } from '../../src/auth/sessions.ts';
import { createUser } from '../../src/auth/users.ts';
import { createBackupEnds } from '../../src/backups/backup-ends.ts';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import { createGuardedFetch } from '../../src/channels/node/guarded-fetch.ts';
import { createMailer } from '../../src/channels/node/smtp-mailer.ts';
import { databasesThatHold, followSshUser } from '../../src/databases/password-targets.ts';
import type { Db } from '../../src/db/schema.ts';
import { networksOf } from '../../src/hosts/networks.ts';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLocalPathCheck } from '../../src/hosts/node/local-paths.ts';
import { lookUp } from '../../src/hosts/node/look-up.ts';
import { openSshHost } from '../../src/hosts/node/ssh.ts';
import { sshKeys } from '../../src/hosts/node/ssh-keys.ts';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { gzipText } from '../../src/http/node/gzip.ts';
import type { ApiEnv, ApiRoute } from '../../src/http/route.ts';
import { createLog } from '../../src/log.ts';
import { createProcessMetrics } from '../../src/metrics/node/process-metrics.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createPartMemory } from '../../src/object-stores/part-memory.ts';
import { createS3 } from '../../src/object-stores/s3/client.ts';
import { createNodePlatform } from '../../src/object-stores/s3/node/platform.ts';
import { createOidcProvider } from '../../src/oidc/client.ts';
import { createPruneKind } from '../../src/retention/prune-kind.ts';
import { createWorker } from '../../src/runs/worker.ts';
import type { Worker } from '../../src/runs/worker-port.ts';
import { checkVault } from '../../src/secrets/signing-keys.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { createServerAccess } from '../../src/servers/open-server.ts';
import { checkOwnMachine } from '../../src/servers/own-machine.ts';
import type { Services } from '../../src/services-port.ts';
import { privateHostsOf, readSettings } from '../../src/settings/settings.ts';
import { createDeepTestKind, type DeepTestLimits } from '../../src/storage/deep-test-kind.ts';
import { createOpenPlace } from '../../src/storage/open-place.ts';
import { openTestDatabase } from './database.ts';
import { watchForSecrets } from './log-secrets.ts';
import { QUICK } from './s3.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // A test reads what it expects; a wrong guess fails it.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what is tested
  readonly body: any;
}

export interface CallOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  /** Sent as it is. */
  readonly text?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address of the peer; default another machine's. */
  readonly from?: string;
  /** True where what is sent is random: words of it in the log are no leaked credentials. */
  readonly isNoise?: boolean;
}

/** The whole app on an empty database, with every adapter; its worker runs no backups: they wait as `pending`. */
export interface TestApp {
  readonly app: Hono<ApiEnv>;
  readonly services: Services;
  readonly worker: Worker;
  readonly log: readonly string[];
  /** Tokens of a user of each role. */
  readonly tokens: Readonly<Record<Role, string>>;
  readonly userIds: Readonly<Record<Role, string>>;
  setNow(now: Date): void;
  /** As the admin unless another token is given. */
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  /** Fails where the log holds a credential that was sent or answered. */
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** PEM that the storage's certificate is checked against. */
  readonly ca?: string;
  readonly withoutUsers?: boolean;
  /** Of the deep test, other than the usual ones. */
  readonly probeLimits?: DeepTestLimits;
  /** Instead of an empty one. */
  readonly db?: Db;
  /** Instead of the real ones. */
  readonly services?: Partial<Pick<Services, 'openPlace'>>;
}

/** It is woken where there is something to run. */
const TICK_MS = 60_000;
const PASSWORD = 'correct horse battery';
/** What a hash costs in production is tested where hashes are; here it would be most of a sign-in's time. */
const CHEAP_HASHES = { memory: 64, passes: 1 };

export async function openTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  let fixedNow: Date | null = null;
  const now = () => fixedNow ?? new Date();
  const lines: string[] = [];
  const log = createLog('debug', (line) => lines.push(line), now);
  const config = readConfig({ DATA_DIR: '/srv/bridgeport-data', RATE_LIMIT_MAX: '1000000', ...options.env });
  const db = options.db ?? (await openTestDatabase());
  const vault = await createVault(new Uint8Array(32).fill(5));
  await checkVault(db, vault, now());
  const platform = createNodePlatform({
    log,
    now,
    partMemory: createPartMemory(16 * 2 ** 20),
    publicEndpoint: null,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const servers = createServerAccess({
    db,
    vault,
    log,
    now,
    networks: networksOf(config.reachableNetworks),
    lookUp,
    sshStrict: config.sshStrict,
    readyTimeoutMs: async () => 10_000,
    checkLocalPath: createLocalPathCheck(config),
    checkOwnMachine: () => checkOwnMachine(config),
    openLocal: () => openLocalHost({ label: 'this machine', log }),
    openSsh: (address, timeouts) => openSshHost(address, timeouts, log),
  });
  const openS3: Services['openS3'] = (settings) => createS3(settings, platform, QUICK);
  const allowed = async () => privateHostsOf((await readSettings(db)).privateHosts);
  const services: Services = {
    config,
    db,
    vault,
    log,
    now,
    uptimeMs: () => performance.now(),
    passwords: createPasswords(CHEAP_HASHES),
    sshKeys,
    followSshUser,
    databasesThatHold,
    servers,
    openS3,
    openPlace: createOpenPlace({ db, vault, openS3, servers }),
    channel: createChannel({ allowed }),
    mailer: createMailer(),
    oidc: createOidcProvider({ fetch: createGuardedFetch({ allowed, timeoutMs: 2000 }), now }),
    runs: { wake: () => worker.wake(), cancel: (id) => worker.cancel(id), progress: () => null },
    backupEnds: createBackupEnds({ db, log }, { lookEveryMs: 20 }),
    processMetrics: createProcessMetrics({ log }),
    assets: { read: async () => null, urlOf: (name) => `/assets/${name}` },
    gzip: gzipText,
    sha256,
    version: '0.0.0-test',
    isContainer: false,
    freeSpace: async () => null,
    ...options.services,
  };
  const worker = createWorker(
    services,
    { deep_test: createDeepTestKind(services, options.probeLimits), prune: createPruneKind(services) },
    { limits: async () => ({ total: 1, perServer: 1 }), tickMs: TICK_MS },
  );
  worker.start();
  const app = createApp(services);
  routes ??= routesOf(apiGroups(services));
  const secrets = watchForSecrets();
  const people = options.withoutUsers ? NOBODY : await createPeople(services);

  return {
    app,
    services,
    worker,
    log: lines,
    ...people,
    setNow: (date) => {
      fixedNow = date;
    },
    async call(method, path, options = {}) {
      const { token = people.tokens.admin, body, text, headers = {}, from, isNoise = false } = options;
      const payload =
        method === 'GET' ? undefined : (text ?? (body === undefined ? undefined : JSON.stringify(body)));
      if (!isNoise) secrets.note(body ?? text);
      const response = await app.request(
        path,
        {
          method,
          headers: {
            ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
            ...(token === null || token === '' ? {} : { authorization: `Bearer ${token}` }),
            ...headers,
          },
          ...(payload === undefined ? {} : { body: payload }),
        },
        { incoming: { socket: { remoteAddress: from ?? '203.0.113.7' } } },
      );
      const answer = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
      const parsed = isJson ? JSON.parse(answer) : answer;
      if (isJson && !isNoise) secrets.note(parsed);
      if (response.status === 200 && isJson) checkDeclared(method, path, parsed);
      return { status: response.status, headers: response.headers, body: parsed };
    },
    async close() {
      await worker.stop(10_000);
      await platform.close();
      await db.destroy();
      secrets.check(lines);
    },
  };
}

/** Of the first app: the shapes of answers are the same for all. */
let routes: readonly ApiRoute[] | undefined;

/** Every success that a test sees has the shape that its route declares, and no field beside it. */
function checkDeclared(method: string, path: string, answer: unknown): void {
  const { pathname } = new URL(path, 'http://localhost');
  const route = routes?.find(
    (candidate) =>
      candidate.method === method &&
      new RegExp(`^${candidate.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(pathname),
  );
  const checked = route?.answer.safeParse(answer);
  if (checked?.success === false) {
    throw new Error(`${method} ${path} does not answer as declared: ${checked.error.message}`);
  }
  // What the schema does not name is left out of what it gives.
  if (checked?.success && !isDeepStrictEqual(checked.data, answer)) {
    throw new Error(`${method} ${path} answers more than it declares: ${JSON.stringify(answer)}`);
  }
}

const NOBODY = {
  tokens: { admin: '', operator: '', viewer: '' },
  userIds: { admin: '', operator: '', viewer: '' },
};

/** Hashed once: every test wants these three. */
let hashed: Promise<string> | undefined;

async function createPeople(services: Services): Promise<Pick<TestApp, 'tokens' | 'userIds'>> {
  hashed ??= services.passwords.hash(PASSWORD);
  const passwords = { ...services.passwords, hash: async () => (await hashed) ?? '' };
  const person = async (role: Role) => {
    const input = { email: `${role}@example.com`, password: PASSWORD, role };
    const user = await createUser({ ...services, passwords }, { userId: null, address: null }, input);
    return { id: user.id, token: (await startSession(services, user, 'api')).token };
  };
  const [admin, operator, viewer] = [await person('admin'), await person('operator'), await person('viewer')];
  return {
    tokens: { admin: admin.token, operator: operator.token, viewer: viewer.token },
    userIds: { admin: admin.id, operator: operator.id, viewer: viewer.id },
  };
}
