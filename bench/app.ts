import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { appEnvironment, appFlags } from '../scripts/app-memory.mjs';
import { type Api, signIn } from './api.ts';
import { endWithBench } from './processes.ts';
import { newFolder, type Storage } from './storage.ts';

/** The built app as a process of its own, as `npm start` runs it. */
export interface App {
  readonly pid: number;
  readonly url: string;
  readonly dataDir: string;
  /** From the start of the process to the first answer of /health. */
  readonly startedInMs: number;
  signIn(): Promise<Api>;
  stop(): Promise<void>;
}

const PROGRAM = resolve(import.meta.dirname, '../dist/main.js');
const LOGIN = { email: 'admin@example.com', password: 'correct horse battery staple' };
const START_WITHIN_MS = 30_000;

export async function startApp(options: {
  readonly storage?: Storage;
  readonly dataDir?: string;
  readonly port: number;
}): Promise<App> {
  const dataDir = options.dataDir ?? join(await newFolder(), 'data');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...appFlags, ...triedFlags(), PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      ...appEnvironment,
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(options.port),
      DATA_DIR: dataDir,
      RATE_LIMIT_MAX: '1000000',
      ADMIN_EMAIL: LOGIN.email,
      ADMIN_PASSWORD: LOGIN.password,
      ...(options.storage ? { STORAGE_CA_FILE: options.storage.caFile } : {}),
    },
  });
  const forget = endWithBench(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  const exited = new Promise<void>((done) => child.once('close', () => done()));
  const url = `http://127.0.0.1:${options.port}`;
  await untilHealthy(
    url,
    () => child.exitCode !== null,
    () => output,
  );
  return {
    pid: child.pid ?? 0,
    url,
    dataDir,
    startedInMs: performance.now() - startedAt,
    signIn: () => signIn(url, LOGIN),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      forget();
    },
  };
}

/** For trying V8's flags out, such as BENCH_NODE_FLAGS='--single-threaded-gc'. */
function triedFlags(): readonly string[] {
  return (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean);
}

async function untilHealthy(url: string, hasEnded: () => boolean, output: () => string): Promise<void> {
  const deadline = Date.now() + START_WITHIN_MS;
  for (;;) {
    if (hasEnded() || Date.now() > deadline) throw new Error(`the app did not start:\n${output()}`);
    try {
      if ((await fetch(`${url}/health`)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((done) => setTimeout(done, 2));
  }
}
