import { PostButton } from '../parts/form.tsx';
import { useReader } from '../parts/reader.ts';
import { Stepper } from '../parts/stepper.tsx';
import { describeRun, type LiveRun, waitWords } from './run-words.ts';

/**
 * One backup that waits or runs: its four steps, the bar of the current one, the numbers. All that changes has an id or none
 * beside it, so that a fresh one can be morphed into place with the focus on Cancel.
 */
export function RunProgress(props: {
  readonly run: LiveRun;
  readonly mayChange: boolean;
  /** Where its own page is linked. */
  readonly isLinked?: boolean;
}) {
  const { run } = props;
  const words = describeRun(run);
  const reader = useReader();
  const waits = reader === null ? null : waitWords(run, reader.now);
  return (
    <article id={`run-${run.id}`} class="live-run">
      <header>
        <Stepper label={`Steps of this backup: ${words.state}`} steps={words.steps} />
        {props.isLinked && <a href={`/backups/${run.id}`}>{words.state}</a>}
        {props.mayChange && (
          <form
            method="post"
            action={`/backups/${run.id}/cancel`}
            class="inline"
            id={`cancel-form-${run.id}`}
          >
            <button
              type="submit"
              class="secondary outline"
              id={`cancel-${run.id}`}
              disabled={run.cancelRequested}
            >
              {run.cancelRequested ? 'Cancelling' : 'Cancel'}
            </button>
          </form>
        )}
      </header>
      {run.status === 'in_progress' && (
        <progress
          id={`bar-${run.id}`}
          max={100}
          value={words.share === null ? undefined : Math.floor(words.share * 100)}
          aria-label={`Progress of ${words.state}`}
        />
      )}
      <p class="progress-numbers" id={`numbers-${run.id}`}>
        {run.status === 'pending' ? 'Waits for its turn.' : numbersWith(words.numbers, waits)}
      </p>
    </article>
  );
}

function numbersWith(numbers: string, waits: string | null): string {
  return [numbers, waits ?? ''].filter((text) => text !== '').join(' · ');
}

/** Asks once more for what failed. */
export function RetryButton({ databaseId }: { readonly databaseId: string }) {
  return <PostButton action={`/databases/${databaseId}/backups`} label="Retry" kind="primary" />;
}
