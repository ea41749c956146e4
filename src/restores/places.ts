import type { RestoreRow, ServerRow } from '../db/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { isLocalHostname } from '../servers/open-server.ts';

/** Where a database server listens, or a file lies, with what is known of the server; all null of which is the app's own machine. */
export interface Located extends Pick<RestoreRow, 'server_id' | 'host' | 'port'> {
  readonly hostname: ServerRow['hostname'] | null;
  readonly public_ip: ServerRow['public_ip'];
}

/**
 * Whether the two lead to one database server, or to one machine's files: by whichever registered server, a host that means that server
 * itself, and a port that is left out. A name and an address of one machine count as two where nobody has entered both.
 */
export function isSamePlace(
  engine: Pick<Engine, 'isFile' | 'defaultPort'>,
  one: Located,
  other: Located,
): boolean {
  const portOf = ({ port }: Located) => (engine.isFile ? null : (port ?? engine.defaultPort));
  if (portOf(one) !== portOf(other)) return false;
  const names = namesOf(engine, other);
  return namesOf(engine, one).some((name) => names.includes(name));
}

const OWN_MACHINE = '';

function namesOf({ isFile }: Pick<Engine, 'isFile'>, place: Located): readonly string[] {
  const { server_id: serverId, hostname, public_ip: publicIp, host } = place;
  if (!isFile && !isItself(host)) return [folded(host ?? '')];
  if (serverId === null || isLocalHostname(hostname ?? '')) return [OWN_MACHINE];
  return [hostname, publicIp]
    .filter((name) => name !== null && name !== '')
    .map((name) => folded(name ?? ''));
}

/** As seen from its server: a socket, or a name that a machine has for itself. */
function isItself(host: string | null): boolean {
  return host === null || host === '' || host.startsWith('/') || /^127\./.test(host) || isLocalHostname(host);
}

function folded(host: string): string {
  return host
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
