import type { FailureReader } from '../backup/failure.tsx';
import type { PageOfMany } from '../parts/pager.tsx';
import type { BackupItem } from './backup-rows.ts';

export interface BackupListProps extends FailureReader {
  readonly backups: readonly BackupItem[];
  readonly page: PageOfMany;
  readonly filter: BackupListFilter;
  readonly counts: Readonly<Record<'all' | 'good' | 'failed' | 'pinned', number>>;
  readonly environment: { readonly id: string; readonly name: string };
  readonly allowDownload: boolean;
  /** False where the storage is not enabled for the environment: its backups there can't be downloaded now. */
  readonly isStorageEnabled: boolean;
  /** Whether it is known how long each is kept. */
  readonly hasKept: boolean;
  /** By UTC, the last one that a backup may be of. */
  readonly today: string;
}

export interface BackupListFilter {
  readonly result?: 'good' | 'failed' | 'pinned' | undefined;
  readonly day?: string | undefined;
  /** Failures in a row are not folded. */
  readonly each?: boolean;
  /** All boxes of the page come ticked. */
  readonly all?: boolean;
}

/** The list as the address asks for it. */
export function queryOf({ result, day, each, all }: BackupListFilter): string {
  const query = new URLSearchParams({
    ...(result === undefined ? {} : { result }),
    ...(day === undefined ? {} : { day }),
    ...(each ? { each: '1' } : {}),
    ...(all ? { all: '1' } : {}),
  }).toString();
  return query === '' ? '' : `?${query}`;
}

export function withOffset(query: string, offset: number): string {
  if (offset === 0) return query;
  return `${query === '' ? '?' : `${query}&`}offset=${offset}`;
}

/** A link is given only to what can be read as things are. */
export function canBeRead(
  { storageType }: BackupItem,
  { isStorageEnabled }: Pick<BackupListProps, 'isStorageEnabled'>,
): boolean {
  return storageType === 'local' || isStorageEnabled;
}
