import type { ClientChannel } from 'ssh2';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { abortable, type Channel, type ChannelEnd } from './process.ts';
import type { Packets } from './read-output.ts';
import type { SshConnection } from './ssh-connection.ts';
import { droppedConnection } from './ssh-errors.ts';
import { killScript } from './wrapper.ts';

const OPEN_TRIES = 8;
const NEVER = new AbortController().signal;

interface ChannelContext {
  readonly label: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Runs a command line in a channel of its own. A server at its limit of sessions (MaxSessions) is asked again. */
export async function openChannel(
  connection: SshConnection,
  commandLine: string,
  { label, log, signal }: ChannelContext,
): Promise<Channel> {
  try {
    return await retryingOpen(signal, () => {
      const opening = connection.exec(commandLine, (raw) => adapt(raw, connection, label, log));
      // Nothing has started on the host yet: the wrapper waits for us, or sees the end of stdin.
      return abortable(opening, signal, (late) => late.abandon());
    });
  } catch (error) {
    signal.throwIfAborted();
    throw connection.dropped() ?? sessionRefused(label, error);
  }
}

async function retryingOpen<T>(signal: AbortSignal, open: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await open();
    } catch (error) {
      if (attempt === OPEN_TRIES || !isOpenFailure(error)) throw error;
      await abortable(pause(50 * 2 ** attempt), signal);
    }
  }
}

function adapt(raw: ClientChannel, connection: SshConnection, label: string, log: Log): Channel {
  return {
    stdin: raw,
    stdout: raw,
    packets: packetsOf(raw),
    stderr: raw.stderr,
    ended: ended(raw, connection, label),
    // Not channel.signal(): OpenSSH refuses it for root log-ins. Closing the channel kills nothing.
    async kill(processGroup, signal) {
      try {
        await retryingOpen(NEVER, () =>
          connection.exec(killScript(processGroup, signal), (killing) => {
            killing.resume().end();
            killing.stderr.resume();
          }),
        );
      } catch (error) {
        log.debug('No channel to end a command', { host: label, error });
      }
    },
    abandon() {
      if (!connection.dropped()) log.warn('The channel of a command was given up', { host: label });
      raw.resume();
      raw.stderr.resume();
      raw.close();
    },
  };
}

/**
 * Packets past the stream's buffer, in which they would wait for their reader, grow old, and be freed only by
 * collections of V8's whole heap. ssh2 re-opens the window of 2 MiB while `push` says true, and then not before `_read`.
 * Stderr has the same window, so it may not re-open it while stdout is held up.
 */
function packetsOf(raw: ClientChannel): Packets {
  const { stderr } = raw;
  const push = raw.push.bind(raw);
  const pushStderr = stderr.push.bind(stderr);
  let isHeldUp = false;
  return {
    divert(take) {
      const pass = (chunk: Uint8Array): boolean => {
        isHeldUp = !take(chunk);
        return !isHeldUp;
      };
      const early: Uint8Array | null = raw.read();
      if (early) pass(early);
      raw.push = (chunk: unknown) => (chunk instanceof Uint8Array ? pass(chunk) : push(chunk));
      stderr.push = (chunk: unknown) => pushStderr(chunk) && !isHeldUp;
      stderr._read = () => {
        if (!isHeldUp) raw._read(0);
      };
    },
    resume() {
      isHeldUp = false;
      raw._read(0);
    },
  };
}

/**
 * A dropped connection ends stdout like a finished command, and 'close' then comes with whatever status had arrived,
 * which sshd may send before the last output. So the connection must be healthy at the end, too.
 */
function ended(raw: ClientChannel, connection: SshConnection, label: string): Promise<ChannelEnd> {
  let exit: ChannelEnd | null = null;
  raw.once('exit', (exitCode: number | null, exitSignal?: string) => {
    exit = { exitCode, exitSignal: exitSignal ?? null };
  });
  return new Promise((done) => {
    const finish = () => {
      const dropped = connection.dropped();
      done(dropped || !exit ? { dropped: dropped ?? droppedConnection(label, null) } : exit);
    };
    raw.once('close', () => {
      if (raw.stderr.readableEnded) finish();
      else raw.stderr.once('end', finish);
    });
  });
}

/** Reasons of RFC 4254, 5.1: OpenSSH answers 2 at MaxSessions, others 1 (prohibited) or 4 (resource shortage). */
function isOpenFailure(error: unknown): boolean {
  return error instanceof Error && [1, 2, 4].includes(Number(Reflect.get(error, 'reason')));
}

function sessionRefused(label: string, cause: unknown): AppError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new AppError(
    'host_unreachable',
    `${label} accepted the log-in but ran no command (${said}). Check MaxSessions in its sshd_config, and that the user may run commands.`,
    { cause },
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
