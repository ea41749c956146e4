import { BackupBadge, type BackupOutcome, type BackupStatus } from './backup-badge.tsx';
import { Badge } from './badge.tsx';
import { Confirm } from './confirm.tsx';
import { EmptyState } from './empty-state.tsx';
import { PostButton } from './form.tsx';
import { formatBytes, formatDuration } from './format.ts';
import { Instant } from './instant.tsx';
import { type PageOfMany, Pager } from './pager.tsx';
import { ACTIONS, Table } from './table.tsx';

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
  readonly isPinned: boolean;
  readonly failure: BackupFailure | null;
}

export interface BackupFailure {
  readonly step: string | null;
  readonly message: string;
  readonly advice: string | null;
  readonly stderr: string | null;
  readonly exitCode: number | null;
}

interface BackupListProps {
  readonly databaseId: string;
  readonly backups: readonly BackupItem[];
  readonly page: PageOfMany;
  readonly allowDownload: boolean;
  readonly mayChange: boolean;
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
          <Table caption="Backups" columns={['Started', 'Status', 'Size', 'Duration', 'File', ACTIONS]}>
            {backups.map((backup) => (
              <BackupRow key={backup.id} backup={backup} list={props} />
            ))}
          </Table>
          <Pager page={page} path={`/databases/${databaseId}`} />
        </>
      )}
    </div>
  );
}

function BackupRow({ backup, list }: { backup: BackupItem; list: BackupListProps }) {
  const isCompleted = backup.status === 'completed';
  return (
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
        {backup.failure !== null && backup.outcome !== 'cancelled' && <Failure failure={backup.failure} />}
      </td>
      <td>
        <BackupActions backup={backup} list={list} />
      </td>
    </tr>
  );
}

function BackupActions({ backup, list }: { backup: BackupItem; list: BackupListProps }) {
  const isOver = backup.status === 'completed' || backup.status === 'failed';
  return (
    <div class="row-actions">
      {list.allowDownload && backup.status === 'completed' && (
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

function Failure({ failure }: { failure: BackupFailure }) {
  const { advice, exitCode } = failure;
  const stderr = failure.stderr ?? '';
  const summary = `${failure.step === null ? '' : `Failed at ${failure.step}: `}${failure.message}`;
  if (advice === null && exitCode === null && stderr === '') return <p class="failure">{summary}</p>;
  return (
    <details class="failure">
      <summary>{summary}</summary>
      {advice !== null && <p>{advice}</p>}
      {exitCode !== null && <p>Exit status {exitCode}.</p>}
      {stderr !== '' && (
        <pre>
          <code>{stderr}</code>
        </pre>
      )}
    </details>
  );
}
