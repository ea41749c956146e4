import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { LOGIN } from '../dev/fill/fill.ts';
import type { Size } from '../dev/fill/size.ts';
import type { App } from './app.ts';
import { cpuMsOf } from './measure.ts';
import { endWithBench } from './processes.ts';
import { cleanEnvironment } from './upload.ts';

const QUIET_LOOKS = 180;
/** In each of so many seconds one after the other. */
const QUIET_CPU_MS = 30;
const QUIET_SECONDS = 4;

/** Gives the seconds that it took. */
export async function fillFolder(dataDir: string, size: Size): Promise<number> {
  const program = resolve(import.meta.dirname, '../dev/fill/main.ts');
  const args = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
    env: { ...cleanEnvironment(), DATA_DIR: dataDir },
  });
  const forget = endWithBench(child.pid);
  const status = await new Promise((done) => child.once('close', done));
  forget();
  if (status !== 0) throw new Error(`filling ended with status ${status}`);
  return (performance.now() - startedAt) / 1000;
}

/** The worker's first minutes, in which it finds a storage that does not answer, are nobody's page. */
export async function untilQuiet(app: App): Promise<void> {
  let quiet = 0;
  for (let look = 0; look < QUIET_LOOKS && quiet < QUIET_SECONDS; look += 1) {
    const before = cpuMsOf(app.pid);
    await new Promise((done) => setTimeout(done, 1000));
    quiet = cpuMsOf(app.pid) - before < QUIET_CPU_MS ? quiet + 1 : 0;
  }
}

/** The cookie of a new session of the filled installation's admin. */
export async function signInToPages(app: App): Promise<string> {
  const response = await fetch(`${app.url}/login`, {
    method: 'POST',
    headers: { origin: app.url },
    body: new URLSearchParams(LOGIN),
    redirect: 'manual',
  });
  await response.text();
  if (response.status !== 303) throw new Error(`signing in to the pages: ${response.status}`);
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
}
