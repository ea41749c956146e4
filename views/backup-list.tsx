import { BackupBadge, type BackupOutcome, type BackupStatus } from './parts/backup-badge.tsx';
import { Badge } from './parts/badge.tsx';
import { Confirm } from './parts/confirm.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { PostButton } from './parts/form.tsx';
import { formatBytes, formatDuration } from './parts/format.ts';
import { Instant } from './parts/instant.tsx';
import { type PageOfMany, Pager } from './parts/pager.tsx';
import { ACTIONS, Table } from './parts/table.tsx';

export interface BackupItem {
  readonly id: string;
  readonly filename: string;
  readonly status: BackupStatus;
  readonly outcome: BackupOutcome | null;
  readonly type: 'manual' | 'scheduled';
  readonly startedBy: string | null;
  readonly createdAt: string;
  readonly size: number;
  /** Seconds. */
  readonly duration: number | null;
  readonly storagePath: string;
  readonly storageType: 'local' | 'spaces';
  readonly isPinned: boolean;
  readonly failure: BackupFailure | null;
}

export interface BackupFailure {
  readonly step: string | null;
  readonly message: string;
  readonly stderr: string | null;
  readonly exitCode: number | null;
  /** What of the storage is to be looked at; null where it is none of its business. */
  readonly storageProblem: 'not-configured' | 'upload' | null;
}

interface BackupListProps {
  readonly databaseId: string;
  readonly backups: readonly BackupItem[];
  readonly page: PageOfMany;
  readonly allowDownload: boolean;
  /** False where the storage is not enabled for the environment: its backups there can't be downloaded now. */
  readonly isStorageEnabled: boolean;
  readonly mayChange: boolean;
  /** Who may open Admin > Storage. */
  readonly mayConfigure: boolean;
}

/** A database's backups, newest first; it loads itself again when a run has begun or ended. */
export function BackupList(props: BackupListProps) {
  const { databaseId, backups, page } = props;
  return (
    <div
      id="backup-list"
      hx-get={`/databases/${databaseId}/backups?offset=${page.offset}`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerHTML"
    >
      {backups.length === 0 ? (
        <EmptyState title="No backups yet">
          {props.mayChange && <p>Backup now makes the first one.</p>}
        </EmptyState>
      ) : (
        <>
          <Table caption="Backups" columns={COLUMNS}>
            {backups.map((backup) => (
              <BackupRow key={backup.id} backup={backup} list={props} />
            ))}
          </Table>
          {props.allowDownload &&
            backups.some((one) => one.status === 'completed' && canBeRead(one, props)) && (
              <p class="field-help">
                The download link of a backup in Spaces is valid for 1 hour. When the storage answers 403 to
                it, it has expired: click Download again.
              </p>
            )}
          <Pager page={page} path={`/databases/${databaseId}`} />
        </>
      )}
    </div>
  );
}

const COLUMNS = ['Started', 'Status', 'Size', 'Duration', 'File', ACTIONS];

/** A backup, and below it what went wrong. */
function BackupRow({ backup, list }: { backup: BackupItem; list: BackupListProps }) {
  const isCompleted = backup.status === 'completed';
  return (
    <>
      <tr>
        <th scope="row">
          <Instant at={backup.createdAt} />
          <small class="field-help">
            {backup.type}
            {backup.startedBy === null ? '' : `, ${backup.startedBy}`}
          </small>
        </th>
        <td data-label="Status">
          <BackupBadge status={backup.status} outcome={backup.outcome} />
          {backup.isPinned && <Badge tone="neutral" text="pinned" />}
        </td>
        <td class="size" data-label="Size">
          {isCompleted ? formatBytes(backup.size) : '–'}
        </td>
        <td class="size" data-label="Duration">
          {backup.duration === null ? '–' : formatDuration(backup.duration)}
        </td>
        <td class="file" data-label="File">
          <code>{backup.storagePath}</code>
        </td>
        <td>
          <BackupActions backup={backup} list={list} />
        </td>
      </tr>
      {backup.failure !== null && backup.outcome !== 'cancelled' && (
        <tr class="failure-row">
          <td colspan={COLUMNS.length}>
            <Failure failure={backup.failure} list={list} />
          </td>
        </tr>
      )}
    </>
  );
}

/** A link is given only to what can be read as things are. */
function canBeRead({ storageType }: BackupItem, { isStorageEnabled }: BackupListProps): boolean {
  return storageType === 'local' || isStorageEnabled;
}

function BackupActions({ backup, list }: { backup: BackupItem; list: BackupListProps }) {
  const isOver = backup.status === 'completed' || backup.status === 'failed';
  return (
    <div class="row-actions">
      {list.allowDownload && backup.status === 'completed' && !canBeRead(backup, list) && (
        <small class="field-help">
          No download: the storage is not enabled for this environment
          {list.mayConfigure ? ' (Admin > Storage)' : '; ask an admin'}.
        </small>
      )}
      {list.allowDownload && backup.status === 'completed' && canBeRead(backup, list) && (
        <a href={`/backups/${backup.id}/download`} aria-label={`Download ${backup.filename}`}>
          Download
        </a>
      )}
      {list.mayChange && backup.status === 'completed' && (
        <PostButton
          action={`/backups/${backup.id}/pin`}
          label={backup.isPinned ? 'Unpin' : 'Pin'}
          accessibleLabel={`${backup.isPinned ? 'Unpin' : 'Pin'} ${backup.filename}`}
          values={{ pinned: backup.isPinned ? 'false' : 'true' }}
          kind="link"
        />
      )}
      {list.mayChange && isOver && (
        <Confirm
          id={`delete-${backup.id}`}
          label="Delete"
          accessibleLabel={`Delete ${backup.filename}`}
          title="Delete this backup?"
          action={`/backups/${backup.id}/delete`}
          submit="Delete backup"
          kind="link"
        >
          <p>
            <code>{backup.filename}</code> and its stored file are deleted for good.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function Failure({ failure, list }: { failure: BackupFailure; list: BackupListProps }) {
  const { exitCode, storageProblem } = failure;
  const stderr = failure.stderr ?? '';
  const summary = `${failure.step === null ? '' : `Failed at ${failure.step}: `}${failure.message}`;
  if (exitCode === null && stderr === '' && storageProblem === null) {
    return <p class="failure">{summary}</p>;
  }
  return (
    <details class="failure">
      <summary>{summary}</summary>
      {storageProblem === 'not-configured' && <NotConfigured mayConfigure={list.mayConfigure} />}
      {storageProblem === 'upload' && <UploadChecks list={list} />}
      {exitCode !== null && <p>Exit status {exitCode}.</p>}
      {stderr !== '' && (
        <pre>
          <code>{stderr}</code>
        </pre>
      )}
    </details>
  );
}

function NotConfigured({ mayConfigure }: { mayConfigure: boolean }) {
  return (
    <>
      <p>Either:</p>
      <ul>
        <li>
          Global storage credentials have not been configured (
          <StorageLink mayConfigure={mayConfigure} />
          ), or
        </li>
        <li>
          Storage is not enabled for the database’s environment (
          <StorageLink mayConfigure={mayConfigure} section="environment-access" />)
        </li>
      </ul>
    </>
  );
}

function UploadChecks({ list }: { list: BackupListProps }) {
  return (
    <>
      <p>Check that:</p>
      <ul>
        <li>
          Storage is enabled for the environment (
          <StorageLink mayConfigure={list.mayConfigure} section="environment-access" />)
        </li>
        <li>
          The database has a bucket configured
          {list.mayChange && (
            <>
              {' '}
              (<a href={`/databases/${list.databaseId}/edit`}>Edit the database</a>)
            </>
          )}
        </li>
        <li>The configured bucket name matches one the key can access</li>
      </ul>
    </>
  );
}

/** A link for who may follow it, else the way in words. */
function StorageLink(props: { mayConfigure: boolean; section?: 'environment-access' }) {
  const { mayConfigure, section } = props;
  const label = section === undefined ? 'Admin > Storage' : 'Admin > Storage > Environment Access';
  if (!mayConfigure) return <>{label}</>;
  return <a href={`/admin/storage${section === undefined ? '' : `#${section}`}`}>{label}</a>;
}
