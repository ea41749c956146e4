import { NO_BUCKET, STORAGE_NOT_CONFIGURED } from './destination.ts';
import type { BackupError } from './step-error.ts';

/** Where what failed a backup is mended: a field of the database's form, or a page. */
export type Mend =
  | { readonly on: 'database-form'; readonly field: string }
  | { readonly on: 'database' | 'server' | 'environment' | 'storage' | 'environment-access' };

export interface Advice {
  /** What to do, in a sentence; the error itself has said what came back. */
  readonly text: string;
  readonly mend: Mend;
}

const FIELD = (field: string): Mend => ({ on: 'database-form', field });

const BY_CODE: Readonly<Record<string, Advice>> = {
  host_unreachable: { text: 'Check the address of the server, and that it runs.', mend: { on: 'server' } },
  host_auth: { text: 'Check the SSH user and key.', mend: { on: 'environment' } },
  host_key_unknown: { text: 'Test SSH once: it pins the host key.', mend: { on: 'server' } },
  host_key_changed: { text: 'Compare the fingerprint before you pin the new key.', mend: { on: 'server' } },
  host_dropped: {
    text: 'Look at the server and the network between; then try again.',
    mend: { on: 'server' },
  },
  host_timeout: {
    text: 'If the dump needs longer, raise its time limit.',
    mend: FIELD('giveUpMinutes'),
  },
  host_path_refused: { text: 'Choose another path.', mend: FIELD('backupLocalPath') },
  dump_tool_missing: { text: 'Install the dump tool on the server.', mend: { on: 'server' } },
  dump_client_too_old: { text: 'Install a newer dump tool on the server.', mend: { on: 'server' } },
  dump_source_missing: { text: 'Check what is to be dumped.', mend: FIELD('databaseName') },
  dump_refused: { text: 'Check user, password and rights of the database.', mend: FIELD('username') },
  password_held: {
    text: 'Type the password again, or let an admin confirm where it goes.',
    mend: { on: 'database' },
  },
  storage_no_bucket: { text: 'Choose a bucket that there is.', mend: FIELD('backupSpacesBucket') },
  storage_exists: { text: 'Choose another prefix, or try again.', mend: FIELD('backupSpacesPrefix') },
};

/** Codes that say by themselves where to look. */
export const ADVISED_CODES: readonly string[] = Object.keys(BY_CODE);

/** Of a file, which has no database name, no user and no password. */
const OF_A_FILE: Readonly<Record<string, Advice>> = {
  dump_source_missing: { text: 'Check the path of the file.', mend: FIELD('filePath') },
  dump_refused: { text: 'Let the SSH user read the file.', mend: FIELD('filePath') },
};

/** What to do about a failed backup, and where; undefined where the error's own words are all there is. */
export function adviceFor(
  { message, code, step }: Pick<BackupError, 'message' | 'code' | 'step'>,
  { isFile }: { readonly isFile: boolean },
): Advice | undefined {
  if (message === STORAGE_NOT_CONFIGURED) {
    return { text: 'Enable the storage for this environment.', mend: { on: 'environment-access' } };
  }
  if (message === NO_BUCKET) return { text: 'Choose a bucket.', mend: FIELD('backupSpacesBucket') };
  if (isFile && Object.hasOwn(OF_A_FILE, code)) return OF_A_FILE[code];
  // Which of the two paths: that of the file is looked at before anything is written.
  if (isFile && code === 'host_path_refused' && step !== 'upload') {
    return { text: 'Choose another path.', mend: FIELD('filePath') };
  }
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  if (code.startsWith('storage_') && code !== 'storage_uncertain') {
    return { text: 'Test the storage: it says what the key can do.', mend: { on: 'storage' } };
  }
  return undefined;
}
