import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { removeBundle } from './bundle.ts';
import { bundleChildApp } from './child-bundle.ts';
import type { Json } from './installation.ts';
import { watchForSecrets } from './log-secrets.ts';

export const LOGIN = { email: 'admin@example.com', password: 'correct horse battery' };

export interface ChildApp {
  ask(method: string, path: string, body?: Json): Promise<Json>;
  /** Ends it at once, as a power cut would; fails, as `stop` does, where its output holds a credential. */
  kill(): Promise<void>;
  /** SIGTERM; gives how long the end took, in milliseconds. */
  stop(): Promise<number>;
  output(): string;
  readonly url: string;
  readonly pid: number;
  /** Method and path of every route, such as `POST /servers/:serverId/delete`. */
  readonly routes: readonly string[];
}

interface Listening {
  readonly port: number;
  readonly routes: readonly string[];
}

/** The app's program: the one of all test files where they run, and one of its own elsewhere. */
export async function buildChildApp(): Promise<string> {
  if (!process.env['VITEST']) return bundleChildApp();
  const { askForShared } = await import('./shared/ask.ts');
  return (await askForShared<{ readonly program: string }>('childApp')).program;
}

/** The one of all test files ends with their run. */
export async function removeChildApp(program: string): Promise<void> {
  if (!process.env['VITEST']) await removeBundle(program);
}

/** What the first start compiles, the next ones take: a sixth of what a start costs. */
const compiledOf = (program: string) => join(dirname(program), 'compiled');

/** Starts the app on a data folder and signs in; `flags` are Node's. */
export async function startChildApp(
  program: string,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<ChildApp> {
  const child = spawn(process.execPath, [...flags, program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      ADMIN_EMAIL: LOGIN.email,
      ADMIN_PASSWORD: LOGIN.password,
      RATE_LIMIT_MAX: '100000',
      NODE_COMPILE_CACHE: compiledOf(program),
      ...env,
    },
  });
  let output = '';
  const exited = new Promise<void>((done) => child.once('close', () => done()));
  const { port, routes } = await new Promise<Listening>((done, fail) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const found = /^\{"listening":.*\}$/m.exec(output)?.[0];
      if (found === undefined) return;
      const { listening, routes } = JSON.parse(found) as { listening: number; routes: string[] };
      done({ port: listening, routes });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (status) => fail(new Error(`the app ended with ${status}:\n${output}`)));
  });
  const url = `http://127.0.0.1:${port}`;
  let token = '';
  const secrets = watchForSecrets();
  secrets.note([LOGIN, env]);
  const ask = async (method: string, path: string, body?: Json): Promise<Json> => {
    secrets.note(body);
    const response = await fetch(url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Json;
    secrets.note(answer);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  token = String((await ask('POST', '/api/auth/login', LOGIN))['token']);
  return {
    ask,
    url,
    pid: child.pid ?? 0,
    routes,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await exited;
      secrets.check(output.split('\n'));
    },
    async stop() {
      const startedAt = performance.now();
      child.kill('SIGTERM');
      await exited;
      const took = performance.now() - startedAt;
      secrets.check(output.split('\n'));
      return took;
    },
  };
}
