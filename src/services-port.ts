import type { Config } from './config.ts';
import type { Db } from './db/schema.ts';
import type { Log } from './log.ts';
import type { ObjectStore } from './object-stores/object-store.ts';
import type { Place } from './object-stores/place.ts';
import type { S3Opener } from './object-stores/s3/s3.ts';
import type { Vault } from './secrets/vault.ts';
import type { ServerAccess } from './servers/server-access.ts';

/** What the composition root (`services.ts`) hands to the app and to the use cases. Types only: nothing is imported at run time. */
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
}

/** Password hashing, which only Node has (argon2id). */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** False for a wrong password and for a hash that can't be read. Takes as long for an absent hash. */
  verify(password: string, hash: string | null): Promise<boolean>;
  /** True for one of the 10,000 that are tried first. */
  isCommon(password: string): Promise<boolean>;
}

/** SSH private keys, which only the SSH client reads. */
export interface SshKeys {
  /** Throws `invalid` for text that no connection could log in with, and says what it is instead. */
  check(privateKey: string): Promise<void>;
}

/** Opens the store of a recorded place with the present credentials. Whoever opens it closes it. */
export type OpenPlace = (place: Place) => Promise<OpenedStore>;

export interface OpenedStore {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/** The worker of this process, as the use cases see it. */
export interface Runs {
  /** Looks for waiting runs now, not at the next round. */
  wake(): void;
  /** Aborts a run of this process; false when it runs none of that id. */
  cancel(runId: string): boolean;
  /** Fresher numbers than the row's, while that backup runs here. */
  progress(backupId: string): RunProgress | null;
}

export interface RunProgress {
  readonly step: 'connect' | 'dump' | 'upload' | 'verify';
  readonly progress: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly estimatedBytes: number | null;
  /** Bytes per second of the dump, over the last seconds. */
  readonly bytesPerSecond: number;
  /** What it waits for without a byte, once that has lasted; null while bytes come. */
  readonly waiting: { readonly for: 'storage' | 'host'; readonly since: string } | null;
}

/** Files of our own origin (css, htmx, icons). */
export interface Assets {
  /** The file under `/assets/<name>`, or null. */
  read(
    name: string,
  ): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly contentType: string } | null>;
}
