import { AskLink } from '../parts/dialog.tsx';
import { type BackupListProps, queryOf, withOffset } from './listed-backups.ts';

/** The form that the boxes in the rows belong to. */
export const SELECTION = 'selection';

type Listed = Pick<BackupListProps, 'databaseId' | 'filter' | 'page' | 'backups' | 'counts' | 'today'>;

/** The boxes in the rows are this form's; it leads to the page with the question, and keeps the list as it is. */
export function SelectionBar({ databaseId, filter, page, backups, counts }: Listed) {
  const path = `/databases/${databaseId}`;
  const others = withOffset(queryOf({ ...filter, all: !filter.all }), page.offset);
  return (
    <form id={SELECTION} method="get" action={path} class="selection">
      {Object.entries(keptOf(filter, page.offset)).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button type="submit" class="secondary outline" formmethod="post" formaction={`${path}/backups/pin`}>
        Keep the selected for ever
      </button>
      <button type="submit" class="secondary outline" formmethod="post" formaction={`${path}/backups/read`}>
        Read the selected in full
      </button>
      <button type="submit" class="secondary outline" name="ask" value="delete">
        Delete the selected
      </button>
      <a href={`${path}${others}#backup-list`}>
        {filter.all ? 'Select none' : `Select all ${backups.length} on this page`}
      </a>
      {filter.result === 'failed' && filter.day === undefined && (
        <AskLink
          href={`${path}?result=failed&ask=delete-failed`}
          label={counts.failed === 1 ? 'Delete the failed one…' : `Delete all ${counts.failed} failed…`}
        />
      )}
    </form>
  );
}

function keptOf({ result, day, each }: Listed['filter'], offset: number): Readonly<Record<string, string>> {
  return {
    ...(result === undefined ? {} : { result }),
    ...(day === undefined ? {} : { day }),
    ...(each ? { each: '1' } : {}),
    ...(offset === 0 ? {} : { offset: String(offset) }),
  };
}

/** Leads to a day, for whom the cells of the calendar are out of reach. */
export function DayForm({ databaseId, filter, today }: Listed) {
  return (
    <form class="filter" method="get" action={`/databases/${databaseId}`}>
      {filter.result !== undefined && <input type="hidden" name="result" value={filter.result} />}
      <label class="day-field">
        Day (UTC) <input type="date" name="day" value={filter.day ?? ''} max={today} required />
      </label>
      <button type="submit" class="secondary outline">
        Show
      </button>
    </form>
  );
}
