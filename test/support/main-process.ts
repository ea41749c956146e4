import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { askForShared } from './shared/ask.ts';
import { until } from './until.ts';

export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

/** The program as it is installed, bundled once for all test files. Gives its file. */
export async function mainProgram(): Promise<string> {
  return (await askForShared<{ readonly program: string }>('main')).program;
}

/** A command of the program, in a process of its own that ends. Rejects with `code`, `stdout` and `stderr`. */
export function runMain(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [path, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
}

export interface MainProcess {
  readonly child: ChildProcess;
  readonly url: string;
  output(): string;
  errors(): string;
  /** Its exit status, once it has ended. */
  ended(): number | string | null;
  untilEnded(): Promise<number | string>;
  untilListening(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts it with its data in `dataDir`. What `stdio` does not make a pipe can't be read here. */
export async function startMain(
  path: string,
  dataDir: string,
  {
    env = {},
    args = [],
    stdio = ['ignore', 'pipe', 'pipe'],
    shell,
    uid,
  }: {
    env?: Readonly<Record<string, string>>;
    args?: readonly string[];
    stdio?: StdioOptions;
    /** What is run instead, with `"$@"` for the program. */
    shell?: string;
    uid?: number;
  } = {},
): Promise<MainProcess> {
  const port = await freePort();
  const command = [process.execPath, path, ...args];
  const [program = '', ...rest] =
    shell === undefined ? command : ['/bin/bash', '-c', shell, 'bash', ...command];
  const child = spawn(program, rest, {
    stdio,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: dataDir,
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      RATE_LIMIT_MAX: '100000',
      ...env,
    },
  });
  let output = '';
  let errors = '';
  let status: number | string | null = null;
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const closed = new Promise<void>((done) =>
    child.once('close', (code, signal) => {
      status = code ?? signal ?? 'gone';
      done();
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  const untilEnded = async () => {
    await until('the program to end', 60_000, () => status !== null);
    return status ?? 'gone';
  };
  return {
    child,
    url,
    output: () => output,
    errors: () => errors,
    ended: () => status,
    untilEnded,
    untilListening: () =>
      until('the program to listen', 60_000, async () => {
        if (status !== null) throw new Error(`It ended with ${status}:\n${errors}\n${output}`);
        // A page that is quickly made; the description of the API is not.
        return (await fetch(`${url}/login`, { redirect: 'manual' }).catch(() => null)) !== null;
      }).then(() => undefined),
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
