import { RunProgress } from '../backup/run-progress.tsx';
import { describeRun, type LiveRun } from '../backup/run-words.ts';
import { formatDuration, formatStored } from '../parts/format.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import { Notice } from '../parts/notice.tsx';
import { within } from '../parts/room.ts';

/** What became of a run that the page has shown. */
export interface EndedRun {
  readonly id: string;
  readonly result: 'good' | 'failed' | 'cancelled' | 'uncertain';
  readonly bytes: number;
  /** Before compression; 0 where it is not known. */
  readonly dumpBytes: number;
  readonly seconds: number | null;
  /** Why it failed. */
  readonly message: string | null;
}

/**
 * The runs that are not over, and what became of those that the page has shown. It asks for itself again, saying which runs
 * it shows, so that the answer can tell the rest of the page (by the event `backups-changed`) that a run has begun or ended.
 */
export function LiveRuns(props: {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly runs: readonly LiveRun[];
  readonly ended: readonly EndedRun[];
  readonly mayChange: boolean;
}) {
  const { databaseId, runs, ended } = props;
  const shown = runs.map((run) => run.id).join(',');
  const told = ended.map((run) => run.id).join(',');
  const running = runs.find(({ status }) => status === 'in_progress') ?? runs[0];
  const words = running === undefined ? undefined : describeRun(running);
  return (
    <LiveRegion
      id="live-runs"
      url={`/databases/${databaseId}/runs?shown=${shown}${told === '' ? '' : `&ended=${told}`}`}
      isBusy={runs.length > 0}
      status={words === undefined ? ended.map(wordsOf).join(' ') : `${props.databaseName}: ${words.state}`}
      {...(words === undefined ? {} : { title: words.title })}
    >
      {ended.map((run) => (
        <Result key={run.id} run={run} isSpoken={words === undefined} />
      ))}
      {runs.map((run) => (
        <RunProgress key={run.id} run={run} mayChange={props.mayChange} isLinked />
      ))}
    </LiveRegion>
  );
}

/** In the place of "The backup has been asked for." */
export function Result(props: {
  readonly run: EndedRun;
  /** True where a screen reader is told of it elsewhere. */
  readonly isSpoken?: boolean;
  /** Where runs of several databases are shown. */
  readonly databaseName?: string;
}) {
  const { run, isSpoken = false, databaseName } = props;
  return (
    <div id={`result-${run.id}`}>
      <Notice tone={TONES[run.result]} isSpoken={isSpoken}>
        {databaseName !== undefined && `${databaseName}: `}
        {wordsOf(run)} <a href={`/backups/${run.id}`}>Show it</a>
      </Notice>
    </div>
  );
}

/** Of why it failed, in bytes of the page: its own page has all of it. */
const ROOM_FOR_CAUSE = 600;

function wordsOf({ result, bytes, dumpBytes, seconds, ...run }: EndedRun): string {
  const message = run.message === null ? null : within(ROOM_FOR_CAUSE, run.message);
  const took = seconds === null ? '' : ` in ${formatDuration(seconds)}`;
  if (result === 'good') return `Backed up and read back: ${formatStored(bytes, dumpBytes)}${took}.`;
  if (result === 'failed') return `The backup failed${took}: ${message ?? 'nobody knows why.'}`;
  if (result === 'cancelled') return 'The backup was cancelled; what had been stored of it was removed.';
  return message ?? 'Nobody knows yet whether the backup is whole.';
}

const TONES = { good: 'success', failed: 'error', cancelled: 'info', uncertain: 'warning' } as const;
