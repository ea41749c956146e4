import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface AppProcess {
  readonly url: string;
  readonly startedInMs: number;
  /** The most memory the process has held at once, in bytes; 0 where the system does not tell. */
  peakMemoryBytes(): number;
  stop(): Promise<void>;
}

const START_WITHIN_MS = 60_000;
const USUAL_PORT = 3000;

interface AppOptions {
  dataDir: string;
  caFile: string | null;
  localPaths: readonly string[];
  admin: { readonly email: string; readonly password: string };
  log: string;
  /** The built app; default beside this file. */
  program?: string;
}

/** Starts the built app as a process of its own on 127.0.0.1, at port 3000 or, where that is taken, a free one. */
export async function startApp(options: AppOptions): Promise<AppProcess> {
  const startedAt = performance.now();
  const { child, url } =
    ((await isFree(USUAL_PORT)) ? await listeningAt(USUAL_PORT, options) : null) ??
    (await listeningAt(0, options)) ??
    fail(`the app found no port to listen on; see ${options.log}`);
  await untilHealthy(child, url, options.log);
  const startedInMs = Math.round(performance.now() - startedAt);
  return { url, startedInMs, peakMemoryBytes: () => peakMemory(child.pid), stop: () => stop(child) };
}

/** Null where somebody else has taken the port meanwhile; 0 is any free one. Throws where the app ends for another reason. */
async function listeningAt(
  port: number,
  options: AppOptions,
): Promise<{ readonly child: ChildProcess; readonly url: string } | null> {
  const child = spawn(
    process.execPath,
    [options.program ?? fileURLToPath(new URL('./main.js', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOST: '127.0.0.1',
        PORT: String(port),
        DATA_DIR: options.dataDir,
        LOCAL_PATHS: options.localPaths.join(','),
        ADMIN_EMAIL: options.admin.email,
        ADMIN_PASSWORD: options.admin.password,
        ...(options.caFile === null ? {} : { STORAGE_CA_FILE: options.caFile }),
      },
    },
  );
  const log = createWriteStream(options.log);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS);
  const output = await untilListening(child);
  clearTimeout(tooLong);
  const [, found] = LISTENING.exec(output) ?? [];
  if (found !== undefined) return { child, url: `http://127.0.0.1:${found}` };
  if (output.includes('EADDRINUSE')) return null;
  return fail(`the app ended (${child.exitCode ?? child.signalCode}) before it listened; see ${options.log}`);
}

/** As its log tells it: whoever else answers at that port is not the app. */
const LISTENING = /"listening".*?"port":(\d+)/;

/** What it has said until then, or until its end. */
function untilListening(child: ChildProcess): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk;
      if (LISTENING.test(text)) end();
    };
    const end = () => {
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read);
      done(text);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', read);
    child.once('close', end);
  });
}

async function untilHealthy(child: ChildProcess, url: string, log: string): Promise<void> {
  const signal = AbortSignal.timeout(START_WITHIN_MS);
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`the app stopped with exit status ${child.exitCode}; see ${log}`);
    try {
      if ((await fetch(`${url}/health`, { signal })).ok) return;
    } catch (error) {
      if (signal.aborted)
        throw new Error(`the app did not answer within ${START_WITHIN_MS / 1000} s; see ${log}`, {
          cause: error,
        });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function fail(message: string): never {
  throw new Error(message);
}

function peakMemory(pid: number | undefined): number {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? 0 : Number(kib) * 1024;
  } catch {
    return 0;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}
