import { AppError, isAppError } from '../../errors.ts';
import type { HostAddress } from '../host.ts';

/** Where a connection was when it failed. */
export type Reached = 'nothing' | 'port' | 'handshake';

/** Translates what ssh2 or the socket reports before a connection is ready. */
export function connectingError(error: Error, address: HostAddress, reached: Reached): AppError {
  const level = textOf(error, 'level');
  const code = textOf(error, 'code');
  // A server that is called by its address is named once.
  const named = address.label === address.hostname ? '' : `${address.label}, `;
  const target = `${named}${address.hostname} port ${address.port}`;
  if (isAppError(error)) return error;
  const unreachable = (what: string) =>
    new AppError('host_unreachable', `${target}: ${what}`, {
      cause: error,
      details: { hostname: address.hostname, port: address.port, reason: code || level || error.message },
    });
  if (level === 'client-authentication') {
    return new AppError(
      'host_auth',
      `${target} refused the SSH key for user ${address.username}. Check the user name, and that the environment's public key is in that user's ~/.ssh/authorized_keys. If it is, look at that folder and file (modes 700 and 600, both the user's own) and at AllowUsers and AuthorizedKeysFile in sshd_config: journalctl -u ssh (or sshd) on the server says which it is.`,
      { cause: error, details: { username: address.username } },
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return unreachable(
      'the name is not known to DNS. Check the spelling, and the name server of this machine.',
    );
  }
  if (code === 'ECONNREFUSED') {
    return unreachable(
      'the connection was refused: nothing listens there. Check the port, and that sshd runs.',
    );
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return unreachable('there is no route to that address. Check the address and the network.');
  }
  if (level === 'client-timeout' || code === 'ETIMEDOUT') {
    return unreachable(
      reached === 'nothing'
        ? 'no answer within the time limit. Check the address, and that no firewall drops the connection.'
        : 'the port answered, but the SSH log-in did not end within the time limit. Check that sshd listens there and is not overloaded.',
    );
  }
  return unreachable(
    `the SSH connection could not be made (${error.message}). Check that sshd listens on that port${reached === 'nothing' ? '' : ' and allows common algorithms'}.`,
  );
}

/** The private key can't be used at all, for the reason that `readSshKey` found; nothing was sent. */
export function unreadableKey(error: unknown, address: HostAddress): AppError {
  const reason = isAppError(error) ? error.details.reason : undefined;
  const advice = typeof reason === 'string' ? reason : 'Store it again, whole.';
  return new AppError('host_auth', `The SSH key for ${address.label} can't be read. ${advice}`, {
    cause: error,
  });
}

export function hostKeyChanged(address: HostAddress, expected: string, presented: string): AppError {
  return new AppError(
    'host_key_changed',
    `${address.label} presented the host key ${presented}, but ${expected} is pinned. Either the machine was reinstalled or somebody stands in between: nothing was sent. If the change is yours, forget the old key on the server's page and test the connection again, which pins the new one (in the API: PUT or DELETE /api/servers/:id/host-key).`,
    { details: { expected, presented } },
  );
}

export function hostKeyUnknown(address: HostAddress, presented: string): AppError {
  return new AppError(
    'host_key_unknown',
    `The host key of ${address.label} (${presented}) is not known yet, so nothing was sent. Compare it with the machine's own (cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf - prints it there) and test the server's connection to pin it (in the API also: PUT /api/servers/:id/host-key).`,
    { details: { presented } },
  );
}

export function droppedConnection(label: string, cause: Error | null): AppError {
  const why = cause ? ` (${cause.message})` : '';
  return new AppError(
    'host_dropped',
    `The SSH connection to ${label} ended while a command ran${why}. Nothing of it counts; look at the network and at the host's sshd log, then try again.`,
    cause ? { cause } : {},
  );
}

function textOf(error: Error, name: 'level' | 'code'): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}
