import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Panel } from './parts/panel.tsx';
import { RunBadge, type RunState } from './parts/run-badge.tsx';
import { RunLog, type RunLogItem } from './parts/run-log.tsx';

/** What one run has said, of any kind. */
export function RunLogPage(props: {
  readonly frame: Frame;
  /** Such as `Full read shop`. */
  readonly title: string;
  /** Of what it is about. */
  readonly href: string;
  readonly state: RunState;
  /** As in `RunItem`. */
  readonly isDamaged: boolean;
  readonly lines: readonly RunLogItem[];
}) {
  const { frame, title, href, lines } = props;
  return (
    <Page
      frame={frame}
      section="runs"
      title={title}
      back={{ href: '/runs', label: 'Runs' }}
      state={<RunBadge state={props.state} isDamaged={props.isDamaged} />}
      actions={
        <a class="button secondary outline" href={href}>
          What it was about
        </a>
      }
    >
      <Panel title="Log">
        <RunLog lines={lines} />
      </Panel>
    </Page>
  );
}
