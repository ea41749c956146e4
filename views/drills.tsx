import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { Anew } from './parts/anew.tsx';
import { Badge } from './parts/badge.tsx';
import { type Chip, Chips } from './parts/chips.tsx';
import { DRILL_LOOKS, type DrillOutcome, UNDER_WAY } from './parts/drill-looks.ts';
import { EmptyState } from './parts/empty-state.tsx';
import { FilterForm } from './parts/filter-form.tsx';
import { formatBytes, formatDuration } from './parts/format.ts';
import type { Tone } from './parts/notice.tsx';
import { type PageOfMany, Pager, pagePath } from './parts/pager.tsx';
import { cutTo } from './parts/room.ts';
import { type Column, Table } from './parts/table.tsx';
import { UnderWay } from './parts/under-way.tsx';

type Stand = 'failed' | 'due' | 'unproven' | 'proven';

/** A database, and whether its backups come back. */
export interface DrillRow {
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  readonly stand: Stand;
  /** What proved the last that a backup of it comes back; null: nothing has yet. */
  readonly proven: {
    readonly at: string;
    readonly restoreMs: number;
    /** Of the dump. */
    readonly bytes: number;
    readonly run: { readonly id: string; readonly isDrill: boolean } | null;
  } | null;
  /** The newest drill, whatever became of it. */
  readonly last: {
    readonly at: string;
    readonly outcome: DrillOutcome | null;
    /** Of its page; null where there was nothing to run. */
    readonly href: string | null;
    readonly isDamaged: boolean;
    /** Why it failed, or was not begun, in one line. */
    readonly cause: string | null;
  } | null;
  /** Null: none begins by itself. */
  readonly nextAt: string | null;
}

export interface DrillsOverviewProps {
  readonly frame: Frame;
  /** Of those that wait or run. */
  readonly underWay: Parameters<typeof UnderWay>[0];
  readonly rows: readonly DrillRow[];
  readonly page: PageOfMany;
  /** The address of this list as it is filtered, without its page. */
  readonly path: string;
  readonly chips: readonly Chip[];
  readonly search: string;
  /** What the filter's form must keep of the address. */
  readonly keeps: Readonly<Record<string, string>>;
  /** Of what the search finds. */
  readonly counts: Readonly<Record<Stand, number>>;
  /** Of them, how many have a drill that begins by itself. */
  readonly planned: number;
}

const LIST = 'drills';
/** For the causes of all that failed, in bytes of the page. */
const ROOM_FOR_CAUSES = 7 * 1024;
const COLUMNS: readonly (string | Column)[] = [
  'State',
  'Database',
  'Last proven restore',
  { label: 'Restored in', isFigure: true },
  { label: 'Size', isFigure: true },
  'Last drill',
  'Next drill',
];

/** Does it come back? Of every database the last restore that was proven, what failed, and what nobody has tried. */
export function DrillsOverviewPage(props: DrillsOverviewProps) {
  const { frame, counts, search } = props;
  const total = counts.failed + counts.due + counts.unproven + counts.proven;
  const cut = cutTo(
    ROOM_FOR_CAUSES,
    props.rows.map(({ last }) => last?.cause ?? null),
  );
  const here = props.page.offset === 0 ? props.path : pagePath(props.path, props.page.offset);
  if (total === 0 && search === '') return <Nothing frame={frame} />;
  return (
    <Page frame={frame} section="drills" title="Drills">
      <p>{WHAT_IT_IS}</p>
      {search === '' && counts.unproven === total && props.planned === 0 && <HowToBegin frame={frame} />}
      <FilterForm
        path="/drills"
        target={LIST}
        search={{ value: search, placeholder: 'Search name, server, file' }}
        selects={[]}
        keeps={props.keeps}
      />
      <UnderWay {...props.underWay} />
      <Anew id={LIST} path={here}>
        <Chips label="By state" chips={props.chips} />
        {props.rows.length === 0 ? (
          <EmptyState title="None of the databases is like that">
            <p>
              <a href="/drills">Show all</a>
            </p>
          </EmptyState>
        ) : (
          <>
            <Table caption="Drills" columns={COLUMNS} dense>
              {props.rows.map((row) => (
                <Row key={row.id} row={row} cut={cut} />
              ))}
            </Table>
            <Pager page={props.page} path={props.path} />
          </>
        )}
      </Anew>
    </Page>
  );
}

const WHAT_IT_IS =
  'A drill restores a backup under a name of its own, compares its rows with those of the dump, measures how long that takes, and drops it again. The database itself is not touched. A restore that was compared proves as much.';

function Nothing({ frame }: { readonly frame: Frame }) {
  const where = frame.environment === null ? '' : ` in ${frame.environment.name}`;
  return (
    <Page frame={frame} section="drills" title="Drills">
      <EmptyState title={`No databases${where} yet`}>
        <p>{WHAT_IT_IS}</p>
        <p>There is something to drill as soon as a database has a good backup.</p>
        {frame.user.mayChange && (
          <a class="button" href="/databases/new">
            Add database
          </a>
        )}
      </EmptyState>
    </Page>
  );
}

/** Where none was ever made, and none is to begin. */
function HowToBegin({ frame }: { readonly frame: Frame }) {
  const { mayChange } = frame.user;
  return (
    <EmptyState title="No backup was restored yet to prove that it comes back">
      <p>
        A backup that nobody has restored is a hope. Let drills begin by themselves: of many databases by a
        rule on the page Schedules, of one on its tab Schedule.
      </p>
      {mayChange ? (
        <a class="button" href="/schedules/rules/new">
          Schedule drills by a rule
        </a>
      ) : (
        <a href="/schedules">Schedules</a>
      )}
    </EmptyState>
  );
}

type Cut = (text: string) => string;

const LOOKS: Readonly<Record<Stand, { readonly tone: Tone | 'neutral'; readonly text: string }>> = {
  failed: { tone: 'warning', text: 'failed' },
  due: { tone: 'warning', text: 'due' },
  unproven: { tone: 'neutral', text: 'not proven yet' },
  proven: { tone: 'success', text: 'proven' },
};

function Row({ row, cut }: { readonly row: DrillRow; readonly cut: Cut }) {
  const { id, stand, proven, last } = row;
  const isDamaged = stand === 'failed' && last?.isDamaged === true;
  return (
    <tr>
      <td class="state">{isDamaged ? <Badge tone="error" text="damaged" /> : <Badge {...LOOKS[stand]} />}</td>
      <th scope="row">
        <a href={`/databases/${id}/drills`}>{row.name}</a> <small class="muted">{row.environmentName}</small>
      </th>
      <td class="last-good">{proven === null ? 'not yet' : <Proven proven={proven} />}</td>
      <td class="figure">{proven === null ? '–' : formatDuration(Math.max(1, proven.restoreMs / 1000))}</td>
      <td class="figure size">{proven === null ? '–' : formatBytes(proven.bytes)}</td>
      <td class="problem">{last === null ? 'none' : <Last last={last} cut={cut} />}</td>
      <td class="next-run">
        <span>
          {row.nextAt === null ? (
            <a
              href={`/databases/${id}/schedule#own`}
              aria-label={`None is scheduled: the schedule of ${row.name}`}
            >
              none
            </a>
          ) : (
            <>
              {stand === 'due' && 'due '}
              <Ago at={row.nextAt} />
            </>
          )}
        </span>
      </td>
    </tr>
  );
}

function Proven({ proven: { at, run } }: { readonly proven: NonNullable<DrillRow['proven']> }) {
  if (run === null) return <Ago at={at} />;
  return (
    <a href={`/restores/${run.id}`}>
      <Ago at={at} />
      {run.isDrill ? ', a drill' : ', a restore'}
    </a>
  );
}

function Last({ last, cut }: { readonly last: NonNullable<DrillRow['last']>; readonly cut: Cut }) {
  const { text } = last.outcome === null ? UNDER_WAY : DRILL_LOOKS[last.outcome];
  const words = (
    <>
      {text} <Ago at={last.at} />
    </>
  );
  return (
    <>
      {last.href === null ? words : <a href={last.href}>{words}</a>}
      {last.cause !== null && `: ${cut(last.cause)}`}
    </>
  );
}
