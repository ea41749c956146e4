/**
 * The port to a machine that commands run on. Two adapters: `ssh.ts` and `local.ts`.
 */
import type { Networks } from './networks.ts';

/** A POSIX shell script and the secrets it reads. Every value in `script` has been through `quote`. */
export interface HostCommand {
  readonly script: string;
  /**
   * Shell variables that the script finds set (not exported). They travel on stdin, one base64 line each, never in an
   * argument or the environment of the connection. Names match `[A-Z_]+`; values may hold anything but NUL.
   */
  readonly secrets?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Bytes for the script's stdin. Without it the script's stdin is empty. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Fails with `host_timeout` when no byte came from stdout for this long. No limit when absent. */
  readonly idleTimeoutMs?: number;
  /**
   * For much output: it comes gathered, up to 256 KiB at once, in memory that is used again, so that only the last
   * `VALID_CHUNKS` are valid.
   */
  readonly bulk?: boolean;
}

/** A reader of bulk output may work on a chunk while it has the next one wait; both are lost once it asks for two more. */
export const VALID_CHUNKS = 2;

/**
 * A running command: iterating gives stdout, at the pace of the reader. The iteration throws unless the exit status
 * was 0 and the connection was healthy to the end (a dropped SSH connection looks like a clean end of stdout):
 * `host_command` (details: exitCode or exitSignal, stderr), `host_dropped`, `host_timeout` (details:
 * isSilent where it was ended for its silence), `cancelled`.
 * Leaving the iteration early kills the remote process. One iteration only.
 */
export interface HostProcess extends AsyncIterable<Uint8Array> {
  /** The telling parts of stderr so far, at most 8 KiB, as text; secrets of the command blanked out. */
  stderr(): string;
}

export interface Host {
  /** How messages name this machine, such as `db1 (10.0.0.5)`. */
  readonly label: string;
  /** True when commands run on the app's own machine. */
  readonly isLocal: boolean;
  /** Starts a command; errors come out of the iteration. */
  run(command: HostCommand, options: RunOptions): HostProcess;
  close(): Promise<void>;
}

/** What an adapter needs to reach a machine. */
export interface HostAddress {
  readonly label: string;
  readonly hostname: string;
  readonly port: number;
  /** Addresses outside of them are not connected to: `host_unreachable`. */
  readonly networks: Networks;
  readonly username: string;
  /** PEM or OpenSSH text. */
  readonly privateKey: string;
  /** The pinned key as `type base64` (as in known_hosts), or null when none is pinned yet. */
  readonly hostKey: string | null;
  /**
   * Called when no key is pinned. True accepts and has stored the key; false refuses the connection with
   * `host_key_unknown`. A key that differs from the pinned one never gets here: it is `host_key_changed`.
   */
  readonly acceptNewHostKey: (key: PresentedHostKey) => Promise<boolean>;
}

export interface PresentedHostKey {
  /** `type base64`, to be stored. */
  readonly key: string;
  readonly type: string;
  /** `SHA256:…` as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

export interface HostTimeouts {
  readonly readyTimeoutMs: number;
  /** How long a login shell may take before a command of ours starts; 30 s when absent. */
  readonly startTimeoutMs?: number;
}
