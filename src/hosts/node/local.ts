import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Host } from '../host.ts';
import { type Channel, type ChannelEnd, startProcess } from './process.ts';

/** The app's own variables hold its secrets: a command gets these three alone. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/',
  LANG: 'C.UTF-8',
};

export interface LocalHostOptions {
  readonly label: string;
  readonly log: Log;
  /** More variables for its commands; no secrets. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The machine that the app runs on, as a host. Commands run as the app's user. */
export function openLocalHost({ label, log, environment }: LocalHostOptions): Host {
  return {
    label,
    isLocal: true,
    run: (command, options) =>
      startProcess({
        label,
        command,
        options,
        open: (commandLine) => open(commandLine, { ...ENVIRONMENT, ...environment }, label, log),
      }),
    close: async () => {},
  };
}

async function open(
  commandLine: string,
  environment: Readonly<Record<string, string>>,
  label: string,
  log: Log,
): Promise<Channel> {
  // Detached: a session and process group of its own, as under sshd.
  const child = spawn('/bin/sh', ['-c', commandLine], { detached: true, env: environment, cwd: '/' });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: ended(child, label),
    async kill(processGroup, signal) {
      try {
        process.kill(-processGroup, `SIG${signal}`);
      } catch (error) {
        log.debug('The process to end was gone', { processGroup, error });
      }
    },
    abandon() {
      log.warn('A command on this machine did not end when killed', { pid: child.pid });
      for (const stream of streamsOf(child)) stream.destroy();
    },
  };
}

function ended(child: ChildProcess, label: string): Promise<ChannelEnd> {
  return new Promise((done) => {
    child.once('error', (cause) => {
      const message = `No command can be started on ${label}: ${cause.message}.`;
      done({ dropped: new AppError('host_command', message, { cause }) });
    });
    child.once('close', (exitCode, exitSignal) => done({ exitCode, exitSignal }));
  });
}

function streamsOf(child: ChildProcess): (Readable | Writable)[] {
  return [child.stdin, child.stdout, child.stderr].filter((stream) => stream !== null);
}
