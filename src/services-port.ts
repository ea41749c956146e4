import type { Sha256 } from './audit/chain-row.ts';
import type { Passwords } from './auth/passwords.ts';
import type { BackupEnds } from './backups/backup-ends.ts';
import type { Channel } from './channels/channel.ts';
import type { Mailer } from './channels/mailer.ts';
import type { Config } from './config.ts';
import type { Db } from './db/schema.ts';
import type { SshUserContext } from './environments/context.ts';
import type { SshKeys } from './environments/ssh-keys.ts';
import type { FreeSpace } from './installation/free-space.ts';
import type { Log } from './log.ts';
import type { ProcessMetrics } from './metrics/process-metrics.ts';
import type { OpenPlace } from './object-stores/opened-store.ts';
import type { S3Opener } from './object-stores/s3/s3.ts';
import type { OidcProvider } from './oidc/provider.ts';
import type { Runs } from './runs/runs.ts';
import type { Vault } from './secrets/vault.ts';
import type { ServerAccess } from './servers/server-access.ts';
import type { ServerMove } from './servers/servers.ts';

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
  /** What becomes of stored passwords when it changes where servers are, or as whom. */
  readonly followSshUser: SshUserContext['followSshUser'];
  readonly databasesThatHold: ServerMove['databasesThatHold'];
  readonly servers: ServerAccess;
  readonly openS3: S3Opener;
  readonly openPlace: OpenPlace;
  readonly channel: Channel;
  readonly mailer: Mailer;
  readonly oidc: OidcProvider;
  readonly runs: Runs;
  readonly backupEnds: BackupEnds;
  readonly processMetrics: ProcessMetrics;
  readonly assets: Assets;
  /** Makes a page smaller on its way. */
  readonly gzip: (text: string | Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
  readonly sha256: Sha256;
  readonly version: string;
  /** Whether the app's own machine is a container: not the machine that people mean by "this one". */
  readonly isContainer: boolean;
  /** Of the disk that the app's own database lies on; null where that is elsewhere, or the system does not tell. */
  readonly freeSpace: () => Promise<FreeSpace | null>;
}

export type AssetEncoding = 'br' | 'gzip';

/** Files of our own origin (css, htmx, icons). */
export interface Assets {
  /** Where pages load it from: an address with the hash of what is there. Throws `internal` for a name that is none. */
  urlOf(name: string): string;
  /** The file under `/assets/<name>`, with or without a hash in the name, in one of the encodings if it may be; or null. */
  read(name: string, encodings: readonly AssetEncoding[]): Promise<Asset | null>;
}

export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly encoding: AssetEncoding | null;
  readonly hash: string;
  /** The name had the hash of what is given: it will never be anything else. */
  readonly isCurrent: boolean;
}
