import type { Level } from './backup/level.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { Anew } from './parts/anew.tsx';
import { type Chip, Chips } from './parts/chips.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { FilterForm, type FilterSelect } from './parts/filter-form.tsx';
import { formatDuration } from './parts/format.ts';
import { Panel } from './parts/panel.tsx';
import { cutTo } from './parts/room.ts';
import { RunBadge, type RunState } from './parts/run-badge.tsx';
import { type Column, Table } from './parts/table.tsx';
import { Running, type RunningProps } from './running.tsx';

/** A run, as lists show it. */
export interface RunItem {
  readonly id: string;
  /** Such as `Backup`. */
  readonly kindName: string;
  readonly subject: string;
  readonly href: string;
  readonly environmentName: string | null;
  readonly state: RunState;
  /** What is proven of a backup, or where it failed: it says more than how its run ended. */
  readonly level: Level | null;
  readonly createdAt: string;
  /** Of the backup that it made or read; null where it is about none. */
  readonly backupHref: string | null;
  /** Seconds between its beginning and its end. */
  readonly seconds: number | null;
  /** Who asked for it, and the address of all that this one asked for; null where nobody did, or it is not known. */
  readonly by: { readonly text: string; readonly href: string } | null;
  /** The first line of what went wrong. */
  readonly problem: string | null;
}

export interface RunsProps {
  readonly frame: Frame;
  readonly running: RunningProps;
  readonly runs: readonly RunItem[];
  /** How many there are is not known, only whether there are older ones. */
  readonly offset: number;
  readonly limit: number;
  readonly more: boolean;
  /** Among how many of the newest they were looked for, where this is the end of them; null: among all. */
  readonly among: number | null;
  readonly path: string;
  readonly chips: readonly Chip[];
  readonly selects: readonly FilterSelect[];
  readonly keeps: Readonly<Record<string, string>>;
  /** The day that the list is of, in words, and the address of all days; null for all. */
  readonly day: { readonly value: string; readonly text: string; readonly all: string } | null;
}

const LIST = 'runs';
/** For what went wrong with all of them, in bytes of the page. */
const ROOM_FOR_PROBLEMS = 10 * 1024;
const COLUMNS: readonly (string | Column)[] = [
  'Result',
  'What',
  'Asked for',
  { label: 'Took', isFigure: true },
  'By',
  'What went wrong',
];

/** All that waits, runs and ran, of every kind. */
export function RunsPage(props: RunsProps) {
  const { frame, runs } = props;
  const here = props.offset === 0 ? props.path : addressAt(props.path, props.offset);
  const cut = cutTo(
    ROOM_FOR_PROBLEMS,
    runs.map(({ problem }) => problem),
  );
  return (
    <Page frame={frame} section="runs" title="Runs">
      <Panel title="Running now">
        <Running {...props.running} />
      </Panel>
      <FilterForm path="/runs" target={LIST} search={null} selects={props.selects} keeps={props.keeps}>
        <label class="day-field">
          Day (UTC) <input type="date" name="day" value={props.day?.value ?? ''} />
        </label>
      </FilterForm>
      <Anew id={LIST} path={here}>
        <Chips label="By result" chips={props.chips} />
        {props.day !== null && (
          <p>
            Asked for on {props.day.text} (UTC). <a href={props.day.all}>All days</a>
          </p>
        )}
        {runs.length === 0 ? (
          <EmptyState title="No run is like that" />
        ) : (
          <Table caption="Runs" columns={COLUMNS} dense>
            {runs.map((run) => (
              <Row key={run.id} run={run} cut={cut} />
            ))}
          </Table>
        )}
        {props.among !== null && (
          <p class="muted">
            Looked for among the newest {props.among} runs of all environments that the other filters leave.
            Older ones are found by the day, in the calendar of the overview.
          </p>
        )}
        <Steps {...props} />
      </Anew>
    </Page>
  );
}

function Row({ run, cut }: { readonly run: RunItem; readonly cut: (text: string) => string }) {
  const problem = run.problem === null ? null : cut(run.problem);
  return (
    <tr id={`run-${run.id}`}>
      <td class="state">
        <a href={`/runs/${run.id}/log`}>
          <RunBadge state={run.state} level={run.level} />
          <span class="visually-hidden">, its log</span>
        </a>
      </td>
      <th scope="row">
        {run.kindName} <a href={run.href}>{run.subject}</a>{' '}
        {run.environmentName !== null && <small class="muted">{run.environmentName}</small>}
      </th>
      <td class="when">
        {run.backupHref === null ? (
          <Ago at={run.createdAt} />
        ) : (
          <a href={run.backupHref}>
            <span class="visually-hidden">Backup of </span>
            <Ago at={run.createdAt} />
          </a>
        )}
      </td>
      <td class="figure">{run.seconds === null ? '–' : formatDuration(run.seconds)}</td>
      <td class="by">{run.by === null ? '–' : <a href={run.by.href}>{run.by.text}</a>}</td>
      <td class="problem">
        {problem} {problem !== run.problem && <a href={`/runs/${run.id}/log`}>All of it</a>}
      </td>
    </tr>
  );
}

const addressAt = (path: string, start: number) => `${path}${path.includes('?') ? '&' : '?'}offset=${start}`;

function Steps({ offset, limit, more, path }: RunsProps) {
  if (offset === 0 && !more) return null;
  const at = (start: number) => addressAt(path, start);
  return (
    <nav class="pager" aria-label="Pages">
      {offset > 0 ? <a href={at(Math.max(0, offset - limit))}>← Newer</a> : <span />}
      {more ? <a href={at(offset + limit)}>Older →</a> : <span />}
    </nav>
  );
}
