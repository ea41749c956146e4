import { dayText } from '../parts/charts/day-text.ts';
import { Chips } from '../parts/chips.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Pager } from '../parts/pager.tsx';
import { cutTo } from '../parts/room.ts';
import { ACTIONS, type Column, SELECT, Table } from '../parts/table.tsx';
import { BackupRow } from './backup-row.tsx';
import { adviseOnce, type BackupItem, foldFailures, type Row } from './backup-rows.ts';
import { DayForm, SelectionBar } from './backup-selection.tsx';
import { type BackupListProps, canBeRead, queryOf, withOffset } from './listed-backups.ts';

/** For what all of them say that failed, in bytes of the page. */
const ROOM_FOR_FAILURES = 15 * 1024;

/** A database's backups, newest first; it loads itself again when a run has begun or ended. */
export function BackupList(props: BackupListProps) {
  const { databaseId, backups, page, filter } = props;
  const query = queryOf(filter);
  const rows = adviseOnce(filter.each ? backups.map(alone) : foldFailures(backups));
  const cut = cutTo(
    ROOM_FOR_FAILURES,
    rows.flatMap(({ backup: { failure } }) => [failure?.message ?? null, failure?.stderr ?? null]),
  );
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
            <DayForm {...props} />
          </div>
          {filter.day !== undefined && (
            <p>
              Asked for on {dayText(filter.day)} (UTC). <a href={`/databases/${databaseId}`}>Show all days</a>
            </p>
          )}
          {props.mayChange && backups.length > 0 && (
            <div class="list-bar">
              <SelectionBar {...props} />
            </div>
          )}
          <DownloadNote {...props} />
          {backups.length === 0 ? (
            <EmptyState title="None of the backups that are still there is like that" />
          ) : (
            <Table caption="Backups" columns={columnsOf(props)} dense>
              {rows.map((row) => (
                <BackupRow key={row.backup.id} row={row} list={props} cut={cut} />
              ))}
            </Table>
          )}
          <Pager page={page} path={`/databases/${databaseId}${queryOf({ ...filter, all: false })}`} />
        </>
      )}
    </section>
  );
}

const alone = (backup: BackupItem): Row => ({ backup, ids: [backup.id], since: backup.createdAt });

function columnsOf({ mayChange, hasKept }: BackupListProps): readonly (string | Column)[] {
  return [
    ...(mayChange ? [SELECT] : []),
    'When',
    'Result',
    { label: 'Size', isFigure: true },
    { label: 'Took', isFigure: true },
    'By',
    ...(hasKept ? ['Kept until'] : []),
    ACTIONS,
  ];
}

function chipsOf({ databaseId, counts, filter }: BackupListProps) {
  const chips = [
    ['All', undefined, counts.all],
    ['Completed', 'good', counts.good],
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
