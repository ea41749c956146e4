import type { BackupStory } from '../../src/backups/backup-story.ts';
import type { Advice } from '../../src/backups/failure-advice.ts';
import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Anew } from '../parts/anew.tsx';
import { Badge } from '../parts/badge.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { AskLink, Dialog } from '../parts/dialog.tsx';
import { PostButton } from '../parts/form.tsx';
import { formatBytes } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import { AT_MORE, MoreMenu } from '../parts/more-menu.tsx';
import { NoGoodLeft } from '../parts/no-good-left.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { ProofList } from '../parts/proof-list.tsx';
import { useReader } from '../parts/reader.ts';
import { RunLog, type RunLogItem } from '../parts/run-log.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { WhatIsInIt } from './contents.tsx';
import type { BackupFailure } from './failure.tsx';
import { LevelBadge } from './level.tsx';
import { momentsOf } from './moments.tsx';
import { proofsOf, type Reading } from './proofs.tsx';
import { RunProgress } from './run-progress.tsx';
import { describeRun, type LiveRun } from './run-words.ts';
import { Damaged, failureBytes, WentWrong } from './went-wrong.tsx';
import { type KeptFor, WhereItIs } from './where.tsx';

/** Of the log, on the page; the rest is a click away. */
const LINES = 30;
/** For what was said of it, in bytes of the page: what went wrong first, then the last of the log. */
const ROOM = 44 * 1024;
const ROOM_FOR_LOG = 16 * 1024;

export interface BackupPageProps {
  readonly frame: Frame;
  readonly story: BackupStory;
  /** While it waits or runs. */
  readonly run: LiveRun | null;
  readonly failure: BackupFailure | null;
  readonly advice: Advice | undefined;
  /** Whether to ask for its deletion. */
  readonly asksToDelete: boolean;
  /** Whether no good backup of the database is left then. */
  readonly leavesNoGood: boolean;
  readonly kept: KeptFor;
  /** Whether it waits to be read in full, or is being read. */
  readonly reading: Reading | null;
  /** What its run has said. */
  readonly log: readonly RunLogItem[];
}

/** The page of one backup, and of its run. */
export function BackupPage(props: BackupPageProps) {
  const { frame, story, run } = props;
  const { backup, database } = story;
  const zone = useReader()?.zone ?? 'UTC';
  const { mayChange } = frame.user;
  const name = formatMinute(backup.created_at, zone);
  return (
    <Page
      frame={frame}
      section="databases"
      title={name}
      back={{ href: `/databases/${database.id}`, label: database.name }}
      within={database.environmentName}
      state={
        <span id="backup-state">
          <LevelBadge of={{ ...backup, step: story.failure?.step ?? null }} />{' '}
          {backup.is_pinned === 1 && <Badge tone="setting" text="kept for ever" />}
        </span>
      }
      actions={
        <div id="backup-actions" class="actions">
          {run === null && <Actions {...props} mayChange={mayChange} />}
        </div>
      }
    >
      <Dialog question={props.asksToDelete && mayChange ? questionOf(props, name) : null} />
      <Anew
        id="backup"
        path={`/backups/${backup.id}`}
        beside={['#flash', '#backup-state', '#backup-actions:outerMorph']}
      >
        {run === null ? (
          <Columns
            main={
              <>
                <WentWrong {...props} />
                <Damaged story={story} user={frame.user} />
                {backup.status === 'completed' && (
                  <Panel title="What is proven">
                    <ProofList proofs={proofsOf(story, { mayChange, reading: props.reading })} />
                  </Panel>
                )}
                {backup.status === 'completed' && <WhatIsInIt story={story} />}
                <Panel title="Timeline">
                  <Timeline label="Steps of this backup" moments={momentsOf(story, zone)} />
                </Panel>
                <Panel title="Log" actions={<a href={`/runs/${backup.id}/log`}>All of it</a>}>
                  <RunLog
                    lines={props.log}
                    room={Math.min(ROOM_FOR_LOG, ROOM - failureBytes(props.failure))}
                    most={LINES}
                    all={{ href: `/runs/${backup.id}/log`, label: 'All of it' }}
                  />
                </Panel>
              </>
            }
            side={
              <>
                {story.byHand !== undefined && (
                  <Panel title="Restore by hand" id="restore-by-hand">
                    <p class="field-help">
                      In bash, in the folder that the file is in. They stop at the first that fails.
                    </p>
                    <CopyBlock
                      id="restore-lines"
                      text={story.byHand.lines.join('\n')}
                      label="Restore by hand"
                    />
                    <ul class="field-help">
                      {story.byHand.notes.map((note) => (
                        <li key={note}>{note}</li>
                      ))}
                    </ul>
                  </Panel>
                )}
                <WhereItIs story={story} kept={props.kept} />
              </>
            }
          />
        ) : (
          <BackupRun story={story} run={run} mayChange={mayChange} />
        )}
      </Anew>
    </Page>
  );
}

/** The part of the page that asks for itself again while the backup waits or runs. */
export function BackupRun(props: {
  readonly story: BackupStory;
  readonly run: LiveRun;
  readonly mayChange: boolean;
}) {
  const { story, run } = props;
  const words = describeRun(run);
  return (
    <LiveRegion
      id="backup-run"
      url={`/backups/${run.id}/run`}
      isBusy
      status={`${story.database.name}: ${words.state}`}
      title={words.title}
    >
      <RunProgress run={run} mayChange={props.mayChange} />
    </LiveRegion>
  );
}

function Actions({ frame, story, mayChange }: BackupPageProps & { readonly mayChange: boolean }) {
  const { backup } = story;
  const isGood = backup.status === 'completed';
  return (
    <>
      {isGood && mayChange && (
        <a
          class={backup.verification === 'failed' ? 'button outline' : 'button'}
          href={`/backups/${backup.id}/restore`}
        >
          Restore…
        </a>
      )}
      {isGood && <Download story={story} isAdmin={frame.user.isAdmin} />}
      {isGood && mayChange && (
        <PostButton
          action={`/backups/${backup.id}/pin`}
          label={backup.is_pinned === 1 ? 'Keep no longer' : 'Keep for ever'}
          values={{ pinned: backup.is_pinned === 1 ? 'false' : 'true', back: 'backup' }}
        />
      )}
      {mayChange && (
        <MoreMenu label="More for this backup">
          <AskLink href={`/backups/${backup.id}?delete`} label="Delete…" />
        </MoreMenu>
      )}
    </>
  );
}

/** A link only where it leads to the file; else why it does not, and where that is changed, for who may change it. */
function Download({ story, isAdmin }: { readonly story: BackupStory; readonly isAdmin: boolean }) {
  const { backup, database, download } = story;
  const size = formatBytes(Number(backup.size));
  if (download === 'possible') {
    return (
      <a class="button outline" href={`/backups/${backup.id}/download`}>
        Download {size}
      </a>
    );
  }
  const [words, href] =
    download === 'forbidden'
      ? [
          `Download is off for ${database.environmentName}`,
          `/environments/${database.environmentId}/settings#downloads`,
        ]
      : download === 'storage-off'
        ? [
            `No download: storage is not enabled for ${database.environmentName}`,
            '/admin/storage#environment-access',
          ]
        : ['No download: nobody knows where its file is', null];
  return (
    <span class="download-off">
      {words} ({size})
      {isAdmin && href !== null && (
        <>
          {' · '}
          <a href={href}>Change that</a>
        </>
      )}
    </span>
  );
}

function questionOf({ story, leavesNoGood }: BackupPageProps, name: string) {
  const { backup, database } = story;
  const isGood = backup.status === 'completed';
  return {
    title: 'Delete this backup?',
    action: `/backups/${backup.id}/delete`,
    submit: 'Delete backup',
    back: `/backups/${backup.id}${AT_MORE}`,
    children: (
      <p>
        The backup of {database.name} of {name}
        {isGood ? `, ${formatBytes(Number(backup.size))}, and its stored file are` : ' is'} deleted for good.
        {backup.is_pinned === 1 && ' It was to be kept for ever.'}
        {leavesNoGood ? (
          <NoGoodLeft name={database.name} />
        ) : (
          isGood && story.lastGood?.id === backup.id && ' It is the newest good one that there is.'
        )}
      </p>
    ),
  };
}
