import { Badge } from './parts/badge.tsx';
import { PostButton } from './parts/form.tsx';
import { Instant } from './parts/instant.tsx';
import { Progress, type ProgressNumbers } from './parts/progress.tsx';

export type Step = 'connect' | 'dump' | 'upload' | 'verify';

export interface LiveRun extends ProgressNumbers {
  readonly id: string;
  readonly status: 'pending' | 'in_progress';
  readonly step: Step | null;
  readonly cancelRequested: boolean;
  /** What it waits for without a byte, and since when. */
  readonly waitingFor: 'storage' | 'host' | null;
  readonly waitingSince: string | null;
}

/** How often the page asks: once a second while something runs, else to notice what somebody else has started. */
const BUSY = 'every 1s';
const IDLE = 'every 10s';

/**
 * The runs that are not over. It asks for itself again, saying which runs it shows, so that the answer can tell the
 * list of backups (by the event `backups-changed`) that a run has begun or ended.
 */
export function LiveRuns(props: {
  readonly databaseId: string;
  readonly runs: readonly LiveRun[];
  readonly mayChange: boolean;
}) {
  const { databaseId, runs } = props;
  const shown = runs.map((run) => run.id).join(',');
  return (
    <div
      id="live-runs"
      hx-get={`/databases/${databaseId}/runs?shown=${shown}`}
      hx-trigger={runs.length > 0 ? BUSY : IDLE}
      hx-swap="outerHTML"
    >
      {runs.map((run) => (
        <article key={run.id} class="live-run">
          <header>
            <Badge tone={run.status === 'pending' ? 'neutral' : 'info'} text={statusOf(run)} />
            {props.mayChange && !run.cancelRequested && (
              <PostButton action={`/backups/${run.id}/cancel`} label="Cancel" kind="link" />
            )}
          </header>
          {run.status === 'in_progress' && <Progress label="Backup progress" numbers={run} />}
          {run.waitingFor !== null && (
            <p class="field-help">
              waiting for the {run.waitingFor === 'storage' ? 'storage' : "database's host"} since{' '}
              <Instant at={run.waitingSince} />
            </p>
          )}
        </article>
      ))}
    </div>
  );
}

const STEPS: Readonly<Record<Step, string>> = {
  connect: 'connecting',
  dump: 'dumping',
  upload: 'storing',
  verify: 'reading back',
};

function statusOf(run: LiveRun): string {
  if (run.cancelRequested) return 'cancelling';
  if (run.status === 'pending') return 'waiting';
  return run.step === null ? 'starting' : STEPS[run.step];
}
