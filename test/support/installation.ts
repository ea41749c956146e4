import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../src/app.ts';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import type { Tuning } from '../../src/object-stores/s3/tuning.ts';
import { createServices, type RunningServices, type Timing } from '../../src/services.ts';
import { watchForSecrets } from './log-secrets.ts';
import { until } from './until.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** The whole app in this process on a data folder of its own, used through its HTTP API as a client would. */
export interface Installation {
  readonly services: RunningServices;
  /** Every line logged so far. */
  readonly log: readonly string[];
  readonly folder: string;
  call(method: string, path: string, body?: Json): Promise<Answer>;
  /** As `call`, and throws for an answer that is no success. */
  ask(method: string, path: string, body?: Json): Promise<Json>;
  /** The id of what was created: `create('server', …)` posts and reads `answer.server.id`. */
  create(name: string, path: string, body: Json): Promise<string>;
  startBackup(databaseId: string): Promise<string>;
  untilEnded(backupId: string, withinMs?: number): Promise<EndedBackup>;
  backUp(databaseId: string, withinMs?: number): Promise<EndedBackup>;
  /** Fails where the log holds a credential that was sent to the API or came from it. */
  close(): Promise<void>;
}

export interface EndedBackup {
  readonly id: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly size: number;
  readonly sha256: string | null;
  readonly filename: string;
  readonly storagePath: string;
  readonly error: {
    readonly message: string;
    readonly step: string;
    readonly code: string;
    readonly stderr?: string;
  } | null;
  readonly raw: Json;
}

/** Retries as in production, with shorter waits between them. */
export const QUICK = {
  patienceMs: 0,
  retryBaseMs: 5,
  retryCapMs: 100,
  settleBaseMs: 20,
  attemptTimeoutMs: 5_000,
  // Long enough for a machine that is busy: an upload that could not be aborted in time is a leftover.
  cancelGraceMs: 1_000,
} as const;

/** A dump of three parts is one of 12 MiB with these, and one of 36 as in production. */
export const SMALL_PARTS = { usualPartBytes: 5 * 2 ** 20 } as const;

const ADMIN = { ADMIN_EMAIL: 'admin@example.com', ADMIN_PASSWORD: 'correct horse battery' };

export async function startInstallation(
  options: {
    env?: Readonly<Record<string, string>>;
    timing?: Timing;
    tuning?: Partial<Tuning>;
    folder?: string;
  } = {},
): Promise<Installation> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'bridgeport-')));
  const log: string[] = [];
  const config = readConfig({
    DATA_DIR: join(folder, 'data'),
    RATE_LIMIT_MAX: '100000',
    LOG_LEVEL: 'debug',
    ...ADMIN,
    ...options.env,
  });
  const services = await createServices(config, {
    log: createLog(
      'debug',
      (line) => log.push(line),
      () => new Date(),
    ),
    version: '0.0.0-test',
    tuning: { ...QUICK, ...options.tuning },
    timing: {
      tickMs: 100,
      leaseMs: 5_000,
      sweepEveryMs: 200,
      // Who counts what lies in a bucket writes them itself.
      manifestsEveryMs: 3_600_000,
      askAgainMs: 200,
      completeMayTakeMs: 1_000,
      ...options.timing,
    },
  });
  await services.exclusively(() => prepareFirstAdmin(services));
  const app = await createApp(services);
  let token: string | undefined;

  const secrets = watchForSecrets();
  const call = async (method: string, path: string, body?: Json): Promise<Answer> => {
    secrets.note(body);
    const response = await app.request(path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Json;
    secrets.note(answer);
    return { status: response.status, body: answer };
  };
  const ask = async (method: string, path: string, body?: Json): Promise<Json> => {
    const answer = await call(method, path, body);
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const login = await ask('POST', '/api/auth/login', {
    email: ADMIN.ADMIN_EMAIL,
    password: ADMIN.ADMIN_PASSWORD,
  });
  token = String(login['token']);
  services.worker.start();

  const installation: Installation = {
    services,
    log,
    folder,
    call,
    ask,
    async create(name, path, body) {
      const made = (await ask('POST', path, body))[name] as Json;
      return String(made['id']);
    },
    async startBackup(databaseId) {
      return String((await ask('POST', `/api/databases/${databaseId}/backups`, {}))['backupId']);
    },
    untilEnded: (backupId, withinMs = 120_000) =>
      until(`backup ${backupId} to end`, withinMs, async () => {
        // Asked many times a second, which is cheap here; what counts is the API's answer.
        const row = await services.db
          .selectFrom('backups')
          .select(['status', 'outcome'])
          .where('id', '=', backupId)
          .executeTakeFirst();
        if (row !== undefined && isOpen(row)) return undefined;
        const { backup } = (await ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
        return isOpen(backup) ? undefined : ended(backup);
      }),
    async backUp(databaseId, withinMs) {
      return installation.untilEnded(await installation.startBackup(databaseId), withinMs);
    },
    async close() {
      await services.worker.stop(10_000);
      await services.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
      secrets.check(log);
    },
  };
  return installation;
}

/** Also where the outcome is uncertain: it is asked about again until it is known. */
function isOpen({ status, outcome }: { readonly status?: unknown; readonly outcome?: unknown }): boolean {
  return status === 'pending' || status === 'in_progress' || outcome === 'uncertain';
}

function ended(backup: Json): EndedBackup {
  const error = backup['error'];
  return {
    id: String(backup['id']),
    status: String(backup['status']),
    outcome: backup['outcome'] as string | null,
    size: Number(backup['size']),
    sha256: backup['sha256'] as string | null,
    filename: String(backup['filename']),
    storagePath: String(backup['storagePath']),
    error: typeof error === 'string' ? (JSON.parse(error) as EndedBackup['error']) : null,
    raw: backup,
  };
}
