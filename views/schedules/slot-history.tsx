import { Badge } from '../parts/badge.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { formatMinute } from '../parts/format-time.ts';
import type { Tone } from '../parts/notice.tsx';
import { type PageOfMany, Pager } from '../parts/pager.tsx';
import { Table } from '../parts/table.tsx';
import { type WhyNot, whyNot } from './why-not.ts';

export interface SlotLine {
  readonly id: string;
  readonly dueAt: string;
  readonly lastDueAt: string;
  readonly slots: number;
  readonly outcome: 'ran' | 'caught_up' | 'skipped' | 'missed';
  readonly reason: WhyNot | null;
  readonly detail: string | null;
  readonly backupId: string | null;
  readonly tries: number;
  readonly retryAt: string | null;
}

const LOOKS: Readonly<
  Record<SlotLine['outcome'], { readonly tone: Tone | 'neutral'; readonly text: string }>
> = {
  ran: { tone: 'success', text: 'began' },
  caught_up: { tone: 'success', text: 'caught up' },
  skipped: { tone: 'neutral', text: 'skipped' },
  missed: { tone: 'warning', text: 'missed' },
};

/** What became of each time, newest first: why did it not run? */
export function SlotHistory(props: {
  readonly lines: readonly SlotLine[];
  readonly zone: string;
  readonly page: PageOfMany;
  readonly path: string;
}) {
  const { lines, zone } = props;
  if (lines.length === 0) {
    return (
      <EmptyState title="No time has come yet">
        <p>Each time that comes gets a line here, also where nothing began and why.</p>
      </EmptyState>
    );
  }
  return (
    <>
      <Table caption="What became of each time" columns={[`Time (${zone})`, 'Result', 'Why']} dense>
        {lines.map((line) => (
          <tr key={line.id}>
            <th scope="row">
              <Times line={line} zone={zone} />
            </th>
            <td>
              <Badge {...LOOKS[line.outcome]} />
            </td>
            <td>
              <span>
                <Why line={line} zone={zone} />
              </span>
            </td>
          </tr>
        ))}
      </Table>
      <Pager page={props.page} path={props.path} />
    </>
  );
}

function Times({
  line: { dueAt, lastDueAt, slots },
  zone,
}: {
  readonly line: SlotLine;
  readonly zone: string;
}) {
  const time = (at: string) => <time datetime={at}>{formatMinute(at, zone)}</time>;
  if (slots === 1) return time(dueAt);
  return (
    <>
      {time(dueAt)} to {time(lastDueAt)} <small class="muted">{slots} times</small>
    </>
  );
}

function Why({ line, zone }: { readonly line: SlotLine; readonly zone: string }) {
  const { backupId, reason, detail, tries, retryAt } = line;
  if (backupId !== null) {
    return (
      <>
        <a href={`/backups/${backupId}`}>Backup</a>
        {tries > 1 && `, begun ${tries} times`}
        {retryAt !== null && `, tried again at ${formatMinute(retryAt, zone)}`}
      </>
    );
  }
  if (reason === null) return <>–</>;
  return <>{whyNot(reason, detail)}</>;
}
