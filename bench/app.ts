import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { appEnvironment, appFlags } from '../scripts/app-memory.mjs';
import { COMPILED } from '../scripts/warm-up.mjs';
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
  signIn(login?: Login): Promise<Api>;
  /**
   * The most CPU time in ms that the main thread spent between two looks of a 1 ms timer since the last call: what ran
   * in one piece took at most as much. Only of an app that was started with `watchLoop`.
   */
  longestBlockMs(): Promise<number>;
  stop(): Promise<void>;
}

export interface Login {
  readonly email: string;
  readonly password: string;
}

const PROGRAM = resolve(import.meta.dirname, '../dist/main.js');
const LOOP_WATCH = resolve(import.meta.dirname, 'loop-watch.mjs');
const LOGIN = { email: 'admin@example.com', password: 'correct horse battery staple' };
const START_WITHIN_MS = 30_000;

export async function startApp(options: {
  readonly storage?: Storage;
  readonly dataDir?: string;
  readonly port: number;
  readonly watchLoop?: boolean;
}): Promise<App> {
  const dataDir = options.dataDir ?? join(await newFolder(), 'data');
  const startedAt = performance.now();
  const watch = options.watchLoop ? ['--import', LOOP_WATCH] : [];
  const child = spawn(process.execPath, [...appFlags, ...triedFlags(), ...watch, PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.watchLoop ? (['ipc'] as const) : [])],
    detached: true,
    env: {
      ...appEnvironment,
      NODE_COMPILE_CACHE: join(dirname(PROGRAM), COMPILED),
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(options.port),
      DATA_DIR: dataDir,
      RATE_LIMIT_MAX: '1000000',
      RATE_LIMIT_USER_MAX: '1000000',
      ADMIN_EMAIL: LOGIN.email,
      ADMIN_PASSWORD: LOGIN.password,
      ...(options.storage ? { STORAGE_CA_FILE: options.storage.caFile } : {}),
    },
  });
  const forget = endWithBench(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
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
    signIn: (login = LOGIN) => signIn(url, login),
    async longestBlockMs() {
      const answer = new Promise<number>((done) => child.once('message', (ms) => done(Number(ms))));
      child.send('longest block');
      return answer;
    },
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
