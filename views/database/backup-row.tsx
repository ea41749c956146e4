import { FailureDetails, hasDetails, summaryOf } from '../backup/failure.tsx';
import { LevelBadge } from '../backup/level.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { formatBytes, formatDuration } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { useReader } from '../parts/reader.ts';
import { rowId } from '../parts/row-id.ts';
import { SizeChange } from '../parts/size-change.tsx';
import type { BackupItem, Row } from './backup-rows.ts';
import { SELECTION } from './backup-selection.tsx';
import { type BackupListProps, canBeRead } from './listed-backups.ts';

interface RowProps {
  readonly row: Row;
  readonly list: BackupListProps;
  /** As much of what a failure says as there is room for. */
  cut(text: string): string;
}

/** A backup, or several of the same failure in a row, and below it what went wrong. */
export function BackupRow({ row, list, cut }: RowProps) {
  const { backup, ids } = row;
  const isCompleted = backup.status === 'completed';
  // A short name of it, for who hears the row's links alone.
  const name = formatMinute(backup.createdAt, useReader()?.zone ?? 'UTC');
  return (
    <>
      <tr id={rowId(backup.id)}>
        {list.mayChange && (
          <td class="select">
            <input
              type="checkbox"
              form={SELECTION}
              name="select"
              value={ids.join()}
              checked={list.filter.all}
              aria-label={ids.length > 1 ? `Select ${ids.length} up to ${name}` : `Select ${name}`}
            />
          </td>
        )}
        <th scope="row">
          <a href={`/backups/${backup.id}`}>
            <Ago at={backup.createdAt} />
          </a>
        </th>
        <td class="result">
          <LevelBadge of={backup} />
          {ids.length > 1 && ` ${ids.length} times`}
          {backup.isPinned && <Badge tone="setting" text="kept" />}
        </td>
        <td class="figure size">
          {isCompleted ? formatBytes(backup.size) : '–'}
          {isCompleted && backup.sizeChange !== null && <SizeChange change={backup.sizeChange} />}
        </td>
        <td class="figure took">{backup.duration === null ? '–' : formatDuration(backup.duration)}</td>
        <td class="by">{backup.startedBy ?? (backup.type === 'scheduled' ? 'schedule' : '–')}</td>
        {list.hasKept && <td class="kept">{backup.kept?.until ?? '–'}</td>}
        <td class="row-action">{isCompleted && <Links backup={backup} name={name} list={list} />}</td>
      </tr>
      {backup.failure !== null && backup.outcome !== 'cancelled' && (
        <FailureRow row={row} list={list} cut={cut} />
      )}
    </>
  );
}

function Links({
  backup,
  name,
  list,
}: {
  readonly backup: BackupItem;
  readonly name: string;
  readonly list: BackupListProps;
}) {
  return (
    <>
      {list.allowDownload && !canBeRead(backup, list) && (
        <small class="field-help">
          No download: the storage is not enabled for this environment
          {list.mayConfigure ? ' (Admin > Storage)' : '; ask an admin'}.
        </small>
      )}
      {list.allowDownload && canBeRead(backup, list) && (
        <a href={`/backups/${backup.id}/download`} aria-label={`Download ${name}`}>
          Download
        </a>
      )}{' '}
      <a
        href={list.mayChange ? `/backups/${backup.id}/restore` : `/backups/${backup.id}#restore-by-hand`}
        aria-label={`Restore ${name}`}
      >
        Restore
      </a>
    </>
  );
}

function FailureRow({ row, list, cut }: RowProps) {
  const { backup, ids, since } = row;
  const { failure } = backup;
  if (failure === null) return null;
  const message = cut(failure.message);
  const isCut = message !== failure.message;
  const all = { href: `/backups/${backup.id}`, label: 'All of it' };
  const summary = (
    <>
      {ids.length > 1 && (
        <>
          {ids.length} times in a row, first <Ago at={since} />.{' '}
        </>
      )}
      {summaryOf({ ...failure, message })}
    </>
  );
  return (
    <tr class="failure-row">
      <td colspan={6 + (list.mayChange ? 1 : 0) + (list.hasKept ? 1 : 0)}>
        {hasDetails(failure) ? (
          <details class="failure">
            <summary>{summary}</summary>
            <FailureDetails
              failure={failure}
              reader={list}
              id={`failure-${backup.id}`}
              cut={cut}
              all={isCut ? null : all}
            />
          </details>
        ) : (
          <p class="failure">{summary}</p>
        )}
        {isCut && <a href={all.href}>{all.label}</a>}
        {ids.length > 1 && <a href={`/databases/${list.databaseId}?result=failed&each=1`}>Show each</a>}
      </td>
    </tr>
  );
}
