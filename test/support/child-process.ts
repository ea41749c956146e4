import { spawn } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Json } from './installation.ts';
import { watchForSecrets } from './log-secrets.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
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

/** Bundles the app once for all children; native packages stay outside, so that the file must lie in the repository. */
export async function buildChildApp(): Promise<string> {
  const outfile = join(REPOSITORY, 'dist/test', `child-app-${process.pid}.js`);
  await build({
    entryPoints: [join(REPOSITORY, 'test/support/child-app.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    external: ['better-sqlite3', 'ssh2'],
    banner: {
      js: "import { createRequire as bundleRequire } from 'node:module'; const require = bundleRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  // What its pages do beyond HTML: the bundle looks for it beside itself.
  await cp(join(REPOSITORY, 'public/ui.js'), join(REPOSITORY, 'dist/test/assets/ui.js'));
  return outfile;
}

export async function removeChildApp(program: string): Promise<void> {
  for (const path of [program, compiledOf(program)]) await rm(path, { recursive: true, force: true });
}

/** What the first start compiles, the next ones take: a sixth of what a start costs. */
const compiledOf = (program: string) => `${program}.compiled`;

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
