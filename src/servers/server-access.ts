import type { Actor } from '../audit/audit.ts';
import type { ServerRow } from '../db/schema.ts';
import type { Host } from '../hosts/host.ts';

/** Opens the machine of a registered server, with its environment's key and its pinned host key. */
export interface ServerAccess {
  /**
   * Null is the app's own machine, and so are the hostnames localhost, 127.0.0.1 and ::1.
   * Whoever opens the host closes it. Throws `not_found`, `invalid` (no SSH key for the environment).
   * Connecting errors come from the first command.
   */
  open(serverId: string | null, options: OpenServerOptions): Promise<OpenedServer>;
  /**
   * Judges where a database lies, as seen from that server, by the networks that may be reached. On the app's own machine
   * a name is looked up, and the address given that the tools are to connect to; behind SSH only addresses as such and
   * localhost can be judged. Null where the tools may look for themselves. Throws `host_unreachable`.
   */
  databaseAddress(serverId: string | null, host: string | null): Promise<string | null>;
}

/** Who starts a connection: `person` pins an unknown host key (unless SSH_STRICT), `schedule` never does. */
export type StartedBy = 'person' | 'schedule';

export interface OpenServerOptions {
  readonly startedBy: StartedBy;
  /** A test of the connection may pin also under SSH_STRICT. */
  readonly mayPin?: boolean;
  /** The fingerprint that a person was shown: no other key is pinned. */
  readonly shownHostKey?: string | undefined;
  /** Who that person is, for the audit of a key that is pinned; absent where nobody knows. */
  readonly actor?: Actor | undefined;
}

/** The machine of a server: what decides who gets what is sent there. */
export interface ServerAddress {
  readonly id: string;
  readonly hostname: string;
  readonly port: number;
  /** Whom commands run as. */
  readonly user: string;
}

/** `environmentUser` is that of the server's environment. */
export function addressOf(
  server: Pick<ServerRow, 'id' | 'hostname' | 'ssh_port' | 'ssh_user'>,
  environmentUser: string,
): ServerAddress {
  const { id, hostname, ssh_port: port } = server;
  return { id, hostname, port, user: server.ssh_user ?? environmentUser };
}

export interface OpenedServer {
  readonly host: Host;
  /** Where this very host leads, whatever the server's row says by now; null without a server. */
  readonly address: ServerAddress | null;
  /**
   * Throws `host_path_refused` for a path that may not be used there: on the app's own machine whatever lies in its
   * data folder or outside LOCAL_PATHS, links followed. A path of another machine is its own affair.
   */
  checkPath(path: string): Promise<void>;
  /** The fingerprint pinned by this connection, if it pinned one. */
  pinnedFingerprint(): string | null;
}
