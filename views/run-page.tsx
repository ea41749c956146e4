import type { Level } from './backup/level.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Anew } from './parts/anew.tsx';
import { Panel } from './parts/panel.tsx';
import { within } from './parts/room.ts';
import { RunBadge, type RunState as State } from './parts/run-badge.tsx';
import { RunLog, type RunLogItem } from './parts/run-log.tsx';
import { UnderWay } from './parts/under-way.tsx';

/** In bytes of the page, which has some ten KiB beside it. */
const ROOM = { problem: 8 * 1024, log: 38 * 1024 } as const;
const MOST_LINES = 250;

/** What one run has said, of any kind. */
export function RunLogPage(props: {
  readonly frame: Frame;
  readonly id: string;
  /** Such as `Full read shop`. */
  readonly title: string;
  /** Of what it is about. */
  readonly href: string;
  /** Of all that it has said, as text. */
  readonly textHref: string;
  readonly state: State;
  /** As in `RunItem`. */
  readonly level: Level | null;
  /** Null where nothing went wrong. */
  readonly problem: string | null;
  readonly lines: readonly RunLogItem[];
}) {
  const goesOn = isGoingOn(props.state);
  const { frame, title, href, textHref, problem } = props;
  return (
    <Page
      frame={frame}
      section="runs"
      title={title}
      back={{ href: '/runs', label: 'Runs' }}
      state={
        <span id="run-badge">
          <RunBadge state={props.state} level={props.level} />
        </span>
      }
      actions={
        <a class="button secondary outline" href={href}>
          What it was about
        </a>
      }
    >
      <RunState id={props.id} state={props.state} shown={null} />
      <Anew id="run-log" path={`/runs/${props.id}/log`} beside={['#run-badge']}>
        {problem !== null && (
          <Panel title="What went wrong">
            <p class="failure-message">{within(ROOM.problem, problem)}</p>
          </Panel>
        )}
        <Panel title="Log" actions={props.lines.length > 0 && <a href={textHref}>Download it as text</a>}>
          {goesOn && props.lines.length === 0 ? (
            <p class="field-help">It has said nothing yet.</p>
          ) : (
            <RunLog
              lines={props.lines}
              room={ROOM.log}
              most={MOST_LINES}
              all={{ href: textHref, label: 'All of it, as text' }}
            />
          )}
        </Panel>
      </Anew>
    </Page>
  );
}

/** Follows the run until it has ended; `shown`: the state that the page has shown. */
export function RunState(props: {
  readonly id: string;
  readonly state: State;
  readonly shown: string | null;
}) {
  const { id, state, shown } = props;
  return (
    <UnderWay
      id="run-state"
      url={isGoingOn(state) ? `/runs/${id}/log/state?shown=${state}` : null}
      words={isGoingOn(state) ? GOING_ON[state] : shown === null ? '' : `It has ended: ${state}.`}
    />
  );
}

const isGoingOn = (state: State) => state === 'pending' || state === 'running';

const GOING_ON = {
  pending: 'It waits for its turn.',
  running: 'It is running: what comes of it is shown here.',
};
