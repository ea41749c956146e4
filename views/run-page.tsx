import type { Level } from './backup/level.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Panel } from './parts/panel.tsx';
import { within } from './parts/room.ts';
import { RunBadge, type RunState } from './parts/run-badge.tsx';
import { RunLog, type RunLogItem } from './parts/run-log.tsx';

/** In bytes of the page, which has some ten KiB beside it. */
const ROOM = { problem: 8 * 1024, log: 38 * 1024 } as const;
const MOST_LINES = 250;

/** What one run has said, of any kind. */
export function RunLogPage(props: {
  readonly frame: Frame;
  /** Such as `Full read shop`. */
  readonly title: string;
  /** Of what it is about. */
  readonly href: string;
  /** Of all that it has said, as text. */
  readonly textHref: string;
  readonly state: RunState;
  /** As in `RunItem`. */
  readonly level: Level | null;
  /** Null where nothing went wrong. */
  readonly problem: string | null;
  readonly lines: readonly RunLogItem[];
}) {
  const { frame, title, href, textHref, problem } = props;
  return (
    <Page
      frame={frame}
      section="runs"
      title={title}
      back={{ href: '/runs', label: 'Runs' }}
      state={<RunBadge state={props.state} level={props.level} />}
      actions={
        <a class="button secondary outline" href={href}>
          What it was about
        </a>
      }
    >
      {problem !== null && (
        <Panel title="What went wrong">
          <p class="failure-message">{within(ROOM.problem, problem)}</p>
        </Panel>
      )}
      <Panel title="Log" actions={props.lines.length > 0 && <a href={textHref}>Download it as text</a>}>
        <RunLog
          lines={props.lines}
          room={ROOM.log}
          most={MOST_LINES}
          all={{ href: textHref, label: 'All of it, as text' }}
        />
      </Panel>
    </Page>
  );
}
