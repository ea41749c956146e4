import { isLocalHostname } from '../../servers/open-server.ts';
import type { NewServer } from '../../servers/servers.ts';
import type { Parsed } from './kit/submit.ts';

/**
 * Refuses, beside that field, a new server whose address means the app's own machine and that has a user or a port: who typed those
 * wants SSH, and commands would run here without it.
 */
export function refuseLoopback(parsed: Parsed<NewServer>, field: string): Parsed<NewServer> {
  if (!parsed.success || !isLocalHostname(parsed.data.hostname)) return parsed;
  const { hostname, sshUser, sshPort } = parsed.data;
  const wantsSsh = (sshUser ?? '') !== '' || (sshPort !== undefined && sshPort !== SSH_PORT);
  if (!wantsSsh) return parsed;
  const message =
    `${hostname} always means the machine that BRIDGEPORT itself runs on, where commands run without SSH. For an SSH server that ` +
    'listens on it, such as a tunnel or another container, enter another name or address of it, such as 127.0.0.2; ' +
    'for this machine itself, leave out user and port.';
  return { success: false, error: { issues: [{ path: [field], message }] } };
}

const SSH_PORT = 22;
