import type { Child } from 'hono/jsx';
import { FailureDetails, type FailureReader, hasDetails, summaryOf } from '../backup/failure.tsx';
import { LevelBadge } from '../backup/level.tsx';
import { Ago } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { dayText } from '../parts/charts/day-text.ts';
import { Chips } from '../parts/chips.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { formatBytes, formatDuration } from '../parts/format.ts';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { SizeChange } from '../parts/size-change.tsx';
import { ACTIONS, type Column, SELECT, Table } from '../parts/table.tsx';
import { type BackupItem, foldFailures, type Row } from './backup-rows.ts';

export interface BackupListProps extends FailureReader {
  readonly backups: readonly BackupItem[];
  readonly page: PageOfMany;
  readonly filter: {
    readonly result?: 'good' | 'failed' | 'pinned' | undefined;
    readonly day?: string | undefined;
    /** Failures in a row are not folded. */
    readonly each?: boolean;
  };
  readonly counts: Readonly<Record<'all' | 'good' | 'failed' | 'pinned', number>>;
  readonly environment: { readonly id: string; readonly name: string };
  readonly allowDownload: boolean;
  /** False where the storage is not enabled for the environment: its backups there can't be downloaded now. */
  readonly isStorageEnabled: boolean;
}

const SELECTION = 'selection';

/** A database's backups, newest first; it loads itself again when a run has begun or ended. */
export function BackupList(props: BackupListProps) {
  const { databaseId, backups, page, filter } = props;
  const query = queryOf(filter);
  const rows = filter.each ? backups.map(alone) : foldFailures(backups);
  return (
    <section
      id="backup-list"
      aria-label="Backups"
      hx-get={`/databases/${databaseId}/backups${withOffset(query, page.offset)}`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerMorph"
    >
      {props.counts.all === 0 ? (
        <EmptyState title="No backups yet">
          {props.mayChange && <p>Back up now makes the first one.</p>}
        </EmptyState>
      ) : (
        <>
          <div class="list-bar">
            <Chips label="By result" chips={chipsOf(props)} />
            {props.mayChange && backups.length > 0 && <SelectionBar databaseId={databaseId} />}
          </div>
          {filter.day !== undefined && (
            <p>
              Asked for on {dayText(filter.day)} (UTC). <a href={`/databases/${databaseId}`}>Show all days</a>
            </p>
          )}
          <DownloadNote {...props} />
          {backups.length === 0 ? (
            <EmptyState title="None of the backups that are still there is like that" />
          ) : (
            <Table caption="Backups" columns={columnsOf(props)} dense>
              {rows.map((row) => (
                <BackupRow key={row.backup.id} row={row} list={props} />
              ))}
            </Table>
          )}
          <Pager page={page} path={`/databases/${databaseId}${query}`} />
        </>
      )}
    </section>
  );
}

const alone = (backup: BackupItem): Row => ({ backup, times: 1, since: backup.createdAt });

function columnsOf({ mayChange }: BackupListProps): readonly (string | Column)[] {
  return [
    ...(mayChange ? [SELECT] : []),
    'When',
    'Result',
    { label: 'Size', isFigure: true },
    { label: 'Took', isFigure: true },
    'By',
    'Kept',
    ACTIONS,
  ];
}

function queryOf({ result, day, each }: BackupListProps['filter']): string {
  const query = new URLSearchParams({
    ...(result === undefined ? {} : { result }),
    ...(day === undefined ? {} : { day }),
    ...(each ? { each: '1' } : {}),
  }).toString();
  return query === '' ? '' : `?${query}`;
}

function withOffset(query: string, offset: number): string {
  if (offset === 0) return query;
  return `${query === '' ? '?' : `${query}&`}offset=${offset}`;
}

function chipsOf({ databaseId, counts, filter }: BackupListProps) {
  const chips = [
    ['All', undefined, counts.all],
    ['Good', 'good', counts.good],
    ['Failed', 'failed', counts.failed],
    ['Kept for ever', 'pinned', counts.pinned],
  ] as const;
  return chips.map(([label, result, count]) => ({
    label,
    count,
    href: `/databases/${databaseId}${queryOf({ result })}`,
    isChosen: filter.result === result && filter.day === undefined,
  }));
}

/** The boxes in the rows are this form's; it leads to the page with the question. */
function SelectionBar({ databaseId }: { readonly databaseId: string }): Child {
  return (
    <form id={SELECTION} method="get" action={`/databases/${databaseId}`} class="selection">
      <button
        type="submit"
        class="secondary outline"
        formmethod="post"
        formaction={`/databases/${databaseId}/backups/pin`}
      >
        Keep the selected for ever
      </button>
      <button type="submit" class="secondary outline">
        Delete the selected
      </button>
    </form>
  );
}

/** Why nothing here can be downloaded, once, with the way to the setting for who may change it. */
function DownloadNote(props: BackupListProps) {
  const { allowDownload, environment, mayConfigure, backups } = props;
  if (!backups.some(({ status }) => status === 'completed')) return null;
  if (!allowDownload) {
    return (
      <p class="field-help">
        Download is off for {environment.name}.
        {mayConfigure && (
          <>
            {' '}
            <a href={`/environments/${environment.id}/settings#downloads`}>Change that</a>
          </>
        )}
      </p>
    );
  }
  if (!backups.some((one) => one.status === 'completed' && canBeRead(one, props))) return null;
  return (
    <p class="field-help">
      The download link of a backup in Spaces is valid for 1 hour. When the storage answers 403 to it, it has
      expired: click Download again.
    </p>
  );
}

/** A backup, and below it what went wrong. */
function BackupRow({ row, list }: { readonly row: Row; readonly list: BackupListProps }) {
  const { backup, times } = row;
  const isCompleted = backup.status === 'completed';
  return (
    <>
      <tr>
        {list.mayChange && (
          <td class="select">
            <input
              type="checkbox"
              form={SELECTION}
              name="select"
              value={backup.id}
              aria-label={`Select ${labelOf(backup)}`}
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
          {times > 1 && ` ${times} times`}
          {backup.isPinned && <Badge tone="neutral" text="kept" />}
        </td>
        <td class="figure size">
          {isCompleted ? formatBytes(backup.size) : '–'}
          {isCompleted && backup.sizeChange !== null && <SizeChange change={backup.sizeChange} />}
        </td>
        <td class="figure took">{backup.duration === null ? '–' : formatDuration(backup.duration)}</td>
        <td class="by">{backup.startedBy ?? (backup.type === 'scheduled' ? 'schedule' : '–')}</td>
        <td class="kept">
          {backup.kept === null ? '–' : <span title={backup.kept.rule}>{backup.kept.words}</span>}
        </td>
        <td class="row-action">{isCompleted && <Links backup={backup} list={list} />}</td>
      </tr>
      {backup.failure !== null && backup.outcome !== 'cancelled' && <FailureRow row={row} list={list} />}
    </>
  );
}

/** A link is given only to what can be read as things are. */
function canBeRead({ storageType }: BackupItem, { isStorageEnabled }: BackupListProps): boolean {
  return storageType === 'local' || isStorageEnabled;
}

function Links({ backup, list }: { readonly backup: BackupItem; readonly list: BackupListProps }) {
  return (
    <>
      {list.allowDownload && !canBeRead(backup, list) && (
        <small class="field-help">
          No download: the storage is not enabled for this environment
          {list.mayConfigure ? ' (Admin > Storage)' : '; ask an admin'}.
        </small>
      )}
      {list.allowDownload && canBeRead(backup, list) && (
        <a href={`/backups/${backup.id}/download`} aria-label={`Download ${labelOf(backup)}`}>
          Download
        </a>
      )}{' '}
      <a
        href={list.mayChange ? `/backups/${backup.id}/restore` : `/backups/${backup.id}#restore-by-hand`}
        aria-label={`Restore ${labelOf(backup)}`}
      >
        Restore
      </a>
    </>
  );
}

/** A short name of it, for who hears the row's links alone. */
const labelOf = ({ createdAt }: BackupItem): string =>
  `the backup of ${createdAt.slice(0, 16).replace('T', ' ')}`;

function FailureRow({ row, list }: { readonly row: Row; readonly list: BackupListProps }) {
  const { backup, times, since } = row;
  const { failure } = backup;
  if (failure === null) return null;
  const summary = (
    <>
      {times > 1 && (
        <>
          {times} times in a row, first <Ago at={since} />.{' '}
        </>
      )}
      {summaryOf(failure)}
    </>
  );
  return (
    <tr class="failure-row">
      <td colspan={list.mayChange ? 8 : 7}>
        {hasDetails(failure) ? (
          <details class="failure">
            <summary>{summary}</summary>
            <FailureDetails failure={failure} reader={list} id={`failure-${backup.id}`} />
          </details>
        ) : (
          <p class="failure">{summary}</p>
        )}
        {times > 1 && <a href={`/databases/${list.databaseId}?result=failed&each=1`}>Show each</a>}
      </td>
    </tr>
  );
}
