import type { Frame } from '../frame/frame.ts';
import { Ago } from '../parts/ago.tsx';
import { Anew } from '../parts/anew.tsx';
import { Badge } from '../parts/badge.tsx';
import { DRILL_LOOKS, type DrillOutcome, UNDER_WAY } from '../parts/drill-looks.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Facts } from '../parts/facts.tsx';
import { PostButton } from '../parts/form.tsx';
import { formatBytes, formatDuration } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { type PageOfMany, Pager, pagePath } from '../parts/pager.tsx';
import { useReader } from '../parts/reader.ts';
import { cutTo } from '../parts/room.ts';
import { Table } from '../parts/table.tsx';
import { UnderWay } from '../parts/under-way.tsx';
import { DatabaseFrame, type DatabaseSummary } from './database-head.tsx';

export interface DrillItem {
  readonly id: string;
  /** The time that it was due at, or that it was asked for. */
  readonly at: string;
  readonly isScheduled: boolean;
  /** Null while it waits or runs. */
  readonly outcome: DrillOutcome | null;
  /** Such as `a role is missing`. */
  readonly failure: string | null;
  readonly isDamaged: boolean;
  readonly says: string | null;
  readonly restoreMs: number | null;
  /** Of the dump. */
  readonly bytes: number | null;
  readonly backup: { readonly id: string; readonly at: string } | null;
  /** Whether it has a page of its own. */
  readonly hasPage: boolean;
}

export interface DrillsPageProps {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  /** Of one that waits or runs. */
  readonly underWay: Parameters<typeof UnderWay>[0];
  readonly restorable: { readonly at: string; readonly restoreMs: number; readonly bytes: number } | null;
  /** Null where none begins by itself. */
  readonly schedule: {
    readonly cron: string;
    readonly zone: string;
    readonly isOn: boolean;
    readonly nextAt: string | null;
  } | null;
  /** Null: the database's own. */
  readonly serverName: string | null;
  readonly folder: string | null;
  readonly newestGoodId: string | null;
  readonly drills: readonly DrillItem[];
  readonly page: PageOfMany;
}

/** For what all of them say, in bytes of the page. */
const ROOM_FOR_WORDS = 30 * 1024;

/** What drills proved of a database, and when the next one is. */
export function DrillsPage(props: DrillsPageProps) {
  const { frame, database, drills, newestGoodId } = props;
  const path = `/databases/${database.id}`;
  const { mayChange } = frame.user;
  const all = `${path}/drills`;
  const here = props.page.offset === 0 ? all : pagePath(all, props.page.offset);
  const cut = cutTo(ROOM_FOR_WORDS, drills.map(wordsOf));
  return (
    <DatabaseFrame frame={frame} database={database} tab="drills">
      <p>
        A drill restores a backup under a name of its own, compares its rows with those of the dump, measures
        how long that takes, and drops it again. The database itself is not touched.
      </p>
      <UnderWay {...props.underWay} />
      <Anew id="database-drills" path={here}>
        <Facts facts={factsOf(props)} />
        {mayChange && (
          <div class="actions">
            {newestGoodId !== null && (
              <PostButton action={`/backups/${newestGoodId}/drill`} label="Drill the newest good backup" />
            )}
            <a class="button outline" href={`${path}/schedule#own`}>
              Change when and where
            </a>
          </div>
        )}
        {drills.length === 0 ? (
          <EmptyState title="There was no drill yet">
            <p>A backup that nobody has restored is a hope.</p>
          </EmptyState>
        ) : (
          <>
            <Table
              caption="Drills"
              columns={['When', 'Result', 'Backup', { label: 'Restored in', isFigure: true }, 'What it said']}
              dense
            >
              {drills.map((drill) => (
                <Row key={drill.id} drill={drill} cut={cut} />
              ))}
            </Table>
            <Pager page={props.page} path={all} />
          </>
        )}
      </Anew>
    </DatabaseFrame>
  );
}

function factsOf({ restorable, schedule, serverName, folder, database }: DrillsPageProps) {
  const where = serverName ?? database.server?.name ?? 'the machine that BRIDGEPORT runs on';
  return [
    [
      'Last proven restorable',
      restorable === null ? (
        'never'
      ) : (
        <>
          <Ago at={restorable.at} />, {formatBytes(restorable.bytes)} in {lasted(restorable.restoreMs)}
        </>
      ),
    ] as const,
    [
      'By itself',
      schedule === null ? (
        'never'
      ) : (
        <>
          <code>{schedule.cron}</code> ({schedule.zone})
          {!schedule.isOn ? ', which is switched off or paused' : null}
          {schedule.isOn && schedule.nextAt !== null ? (
            <>
              , next <Ago at={schedule.nextAt} />
            </>
          ) : null}
        </>
      ),
    ] as const,
    ['Made on', where] as const,
    ...(folder === null ? [] : [['In the folder', folder] as const]),
  ];
}

function Row({ drill, cut }: { readonly drill: DrillItem; readonly cut: (text: string) => string }) {
  const words = wordsOf(drill);
  const shown = cut(words);
  const zone = useReader()?.zone ?? 'UTC';
  const look = drill.outcome === null ? UNDER_WAY : DRILL_LOOKS[drill.outcome];
  const { backup } = drill;
  const when = formatMinute(drill.at, zone);
  return (
    <tr>
      <th scope="row">
        {drill.hasPage ? <a href={`/restores/${drill.id}`}>{when}</a> : when}
        {drill.isScheduled ? '' : ', asked for'}
      </th>
      <td>
        <Badge {...look} {...(drill.isDamaged ? { tone: 'error' as const } : {})} />
      </td>
      <td>{backup === null ? '–' : <a href={`/backups/${backup.id}`}>{formatMinute(backup.at, zone)}</a>}</td>
      <td class="figure">{drill.restoreMs === null ? '–' : lasted(drill.restoreMs)}</td>
      <td class="words">
        <span>{shown || '–'}</span>{' '}
        {shown !== words && drill.hasPage && <a href={`/restores/${drill.id}`}>All of it</a>}
      </td>
    </tr>
  );
}

const wordsOf = ({ failure, says }: DrillItem) => [failure, says].filter((text) => text !== null).join(': ');

function lasted(ms: number): string {
  return formatDuration(Math.max(1, ms / 1000));
}
