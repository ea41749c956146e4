import { createSlots } from '../../at-once.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Host, HostAddress, HostTimeouts } from '../host.ts';
import { abortable, type Channel, startProcess } from './process.ts';
import { openChannel } from './ssh-channel.ts';
import { connectSsh, type SshConnection } from './ssh-connection.ts';

/** Below OpenSSH's MaxSessions of 10, so that there is room for the channels that kill. */
const CHANNELS_PER_CONNECTION = 8;

/**
 * A machine reached over SSH. It connects at the first command; the commands of one host share the connection, and a
 * command after a dropped connection makes a new one. At most 8 commands run at once, further ones wait.
 */
export function openSshHost(address: HostAddress, timeouts: HostTimeouts, log: Log): Host {
  const { label } = address;
  const slots = createSlots(CHANNELS_PER_CONNECTION);
  let current: Promise<SshConnection> | null = null;
  let hostKey = address.hostKey;
  const closing = new AbortController();

  const connected = async (): Promise<SshConnection> => {
    if (closing.signal.aborted)
      throw new AppError('internal', `The connection to ${label} is closed already.`);
    current ??= connect();
    const attempt = current;
    const connection = await attempt;
    if (!connection.dropped()) return connection;
    if (current === attempt) current = null;
    return connected();
  };
  const connect = (): Promise<SshConnection> => {
    const attempt = connectSsh({ ...address, hostKey }, timeouts, closing.signal);
    attempt.then(
      (connection) => {
        // What the first connection accepted holds for the next ones.
        hostKey = connection.hostKey;
      },
      () => {
        if (current === attempt) current = null;
      },
    );
    return attempt;
  };
  const open = async (commandLine: string, signal: AbortSignal): Promise<Channel> => {
    const release = await slots.take(signal);
    try {
      const connection = await abortable(connected(), signal);
      const channel = await openChannel(connection, commandLine, { label, log, signal });
      channel.ended.then(release);
      return channel;
    } catch (error) {
      release();
      throw error;
    }
  };
  return {
    label,
    isLocal: false,
    run: (command, options) =>
      startProcess({ label, command, options, open, startTimeoutMs: timeouts.startTimeoutMs }),
    async close() {
      // A host that does not answer must not keep whoever gave it up.
      closing.abort();
      const connection = await current?.catch(() => null);
      await connection?.close();
    },
  };
}
