import type { Passwords } from './auth/passwords.ts';
import type { Config } from './config.ts';
import type { Db } from './db/schema.ts';
import type { SshKeys } from './environments/ssh-keys.ts';
import type { Log } from './log.ts';
import type { OpenPlace } from './object-stores/opened-store.ts';
import type { S3Opener } from './object-stores/s3/s3.ts';
import type { Runs } from './runs/runs.ts';
import type { Vault } from './secrets/vault.ts';
import type { ServerAccess } from './servers/server-access.ts';

/**
 * What the composition root (`services.ts`) hands to the app and to http/, which alone import it: a use case is handed the
 * little of it that it needs, as a context. Types only: nothing is imported at run time.
 */
export interface Services {
  readonly config: Config;
  readonly db: Db;
  readonly vault: Vault;
  readonly log: Log;
  readonly now: () => Date;
  /** Milliseconds of a clock that only goes forward, for durations; its zero means nothing. */
  readonly uptimeMs: () => number;
  readonly passwords: Passwords;
  readonly sshKeys: SshKeys;
  readonly servers: ServerAccess;
  readonly openS3: S3Opener;
  readonly openPlace: OpenPlace;
  readonly runs: Runs;
  readonly assets: Assets;
  readonly version: string;
  /** Whether the app's own machine is a container: not the machine that people mean by "this one". */
  readonly isContainer: boolean;
}

/** Files of our own origin (css, htmx, icons). */
export interface Assets {
  /** The file under `/assets/<name>`, or null. */
  read(
    name: string,
  ): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly contentType: string } | null>;
}
