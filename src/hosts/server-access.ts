import type { Host } from './host.ts';

/** Opens the machine of a registered server, with its environment's key and its pinned host key. */
export interface ServerAccess {
  /**
   * Null is the app's own machine, and so are the hostnames localhost, 127.0.0.1 and ::1.
   * Whoever opens the host closes it. Throws `not_found`, `invalid` (no SSH key for the environment).
   * Connecting errors come from the first command.
   */
  open(serverId: string | null, options: OpenServerOptions): Promise<OpenedServer>;
}

export interface OpenServerOptions {
  /** Who starts the connection: `person` pins an unknown host key (unless SSH_STRICT), `schedule` never does. */
  readonly startedBy: 'person' | 'schedule';
  /** A test of the connection may pin also under SSH_STRICT. */
  readonly mayPin?: boolean;
}

export interface OpenedServer {
  readonly host: Host;
  /**
   * Throws `host_path_refused` for a path that may not be used there: on the app's own machine whatever lies in its
   * data folder or outside LOCAL_PATHS, links followed. A path of another machine is its own affair.
   */
  checkPath(path: string): Promise<void>;
  /** The fingerprint pinned by this connection, if it pinned one. */
  pinnedFingerprint(): string | null;
}
