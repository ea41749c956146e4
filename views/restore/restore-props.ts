import type { Frame } from '../frame/frame.ts';
import type { FormState } from '../parts/form-state.ts';
import type { RestorableBackup, RestoreChoices } from './which-backup.tsx';

export interface RestoreServer {
  /** Empty: the app's own machine. */
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  readonly isElsewhere: boolean;
}

export interface RestorePageProps {
  readonly frame: Frame;
  readonly backup: RestorableBackup;
  readonly database: {
    readonly id: string;
    readonly name: string;
    readonly environmentName: string;
    readonly engineName: string;
    /** A file on its host, so that there is no login. */
    readonly isFile: boolean;
    /** What is restored can take the place of what is there. */
    readonly swaps: boolean;
  };
  /** Single tables of it can be restored. */
  readonly selectsTables: boolean;
  /** Several connections can load it at once. */
  readonly takesJobs: boolean;
  readonly choices: RestoreChoices;
  readonly servers: readonly RestoreServer[];
  /** Of the machine that the database is on; empty: the app's own. */
  readonly ownServerId: string;
  /** How long it took when last measured, reckoned for this backup; null where nothing was. */
  readonly aboutSeconds: number | null;
  readonly form: FormState;
  /** What the form holds before anybody has typed. */
  readonly proposed: Readonly<Record<string, string>>;
  /** What a look found, before anything is made; null: nobody has looked. */
  readonly checks: readonly RestoreCheck[] | null;
}

export interface RestoreCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Nobody could tell, and so it keeps nothing back. */
  readonly isUnknown?: boolean | undefined;
  readonly says: string;
  /** To be pasted; `says` ends with it. */
  readonly command?: string | undefined;
}

/** Whether the user that it signs in as lacks what the restore needs. */
export function lacksRights(checks: readonly RestoreCheck[] | null): boolean {
  return checks?.some(({ name, ok }) => name === 'Rights' && !ok) ?? false;
}
