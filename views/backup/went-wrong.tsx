import type { BackupStory } from '../../src/backups/backup-story.ts';
import type { Advice } from '../../src/backups/failure-advice.ts';
import type { Frame, Rights } from '../frame/frame.ts';
import { Ago } from '../parts/ago.tsx';
import { PostButton } from '../parts/form.tsx';
import { Panel } from '../parts/panel.tsx';
import { bytesInPage, within } from '../parts/room.ts';
import { type BackupFailure, FailureDetails } from './failure.tsx';
import { AdviceWords } from './mend-link.tsx';
import { RetryButton } from './run-progress.tsx';

/** In bytes of the page: all that is kept of what a tool printed, unless most of it are quotes. */
const ROOM_FOR_STDERR = 38 * 1024;
const ROOM_FOR_MESSAGE = 6 * 1024;

/** Of the page, what it takes to tell what went wrong. */
export function failureBytes(failure: BackupFailure | null): number {
  if (failure === null) return 0;
  const of = (text: string, most: number) => Math.min(most, bytesInPage(text));
  return of(failure.stderr ?? '', ROOM_FOR_STDERR) + of(failure.message, ROOM_FOR_MESSAGE);
}

/** What failed a backup, what to do about it, and what there is instead. */
export function WentWrong(props: {
  readonly frame: Frame;
  readonly story: BackupStory;
  readonly failure: BackupFailure | null;
  readonly advice: Advice | undefined;
}) {
  const { frame, story, failure, advice } = props;
  const { backup, database } = story;
  if (failure === null) return null;
  const { mayChange } = frame.user;
  const isUncertain = backup.outcome === 'uncertain';
  const reader = { databaseId: database.id, mayChange, mayConfigure: frame.user.isAdmin };
  return (
    <Panel title={isUncertain ? 'What is not known' : 'What went wrong'}>
      <p class="failure-message">{within(ROOM_FOR_MESSAGE, failure.message)}</p>
      {advice !== undefined && (
        <p>
          <AdviceWords advice={advice} database={database} user={frame.user} />
        </p>
      )}
      <FailureDetails
        failure={failure}
        reader={reader}
        id="failure"
        cut={(text) => within(ROOM_FOR_STDERR, text)}
        all={{ href: `/runs/${backup.id}/log.txt`, label: 'All of it, as text' }}
      />
      {isUncertain && (
        <p>
          The storage is asked whether the object is there, whole and of this run. Next try:{' '}
          <Ago at={story.askAgainAt} none="in a moment" />. Deleting the backup gives it up.
        </p>
      )}
      <LastGood story={story} />
      {mayChange && !isUncertain && (
        <div class="actions">
          <RetryButton databaseId={database.id} />
          <PostButton action={`/databases/${database.id}/test`} label="Test connection" />
        </div>
      )}
    </Panel>
  );
}

/** A backup that was good and can no longer be read: what there is instead, and how there is one again. */
export function Damaged({
  story,
  user: { mayChange },
}: {
  readonly story: BackupStory;
  readonly user: Rights;
}) {
  const { backup, database, lastGood } = story;
  if (backup.status !== 'completed' || backup.verification !== 'failed') return null;
  return (
    <Panel title="What went wrong">
      <p class="failure-message">
        Reading it in full found it damaged, <Ago at={backup.verified_at} />:{' '}
        {within(ROOM_FOR_MESSAGE, backup.verification_error ?? '')}
      </p>
      <p>
        It counts as no good backup any more. A restore of it would stop where it is damaged; restore another
        one, and look after where it lies: others there may be damaged too.
      </p>
      <LastGood story={story} />
      {mayChange && (
        <div class="actions">
          <PostButton action={`/databases/${database.id}/backups`} label="Back up now" kind="primary" />
          {lastGood !== null && (
            <a class="button outline" href={`/backups/${lastGood.id}/restore`}>
              Restore the last good one…
            </a>
          )}
          <PostButton action={`/backups/${backup.id}/verify`} label="Read it in full again" />
        </div>
      )}
    </Panel>
  );
}

function LastGood({ story: { lastGood } }: { readonly story: BackupStory }) {
  if (lastGood === null) return <p>There is no good backup of this database yet.</p>;
  return (
    <p>
      Last good:{' '}
      <a href={`/backups/${lastGood.id}`}>
        <Ago at={lastGood.at} />
      </a>
    </p>
  );
}
