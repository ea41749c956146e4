import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Anew } from '../parts/anew.tsx';
import { Facts } from '../parts/facts.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatDuration } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import { Notice } from '../parts/notice.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import { RunBadge } from '../parts/run-badge.tsx';
import { Stepper } from '../parts/stepper.tsx';
import { DropKept, DropRestored } from './kept.tsx';
import { LookedAt } from './looked-at.tsx';
import { Outcome } from './restore-outcome.tsx';
import { describeRestore, type LiveRestore } from './restore-words.ts';
import type { RestoreItem } from './restored.ts';
import { Rows } from './restored-rows.tsx';
import { SwapByHand } from './swap-by-hand.tsx';

export interface RestoreRunProps {
  readonly frame: Frame;
  readonly item: RestoreItem;
  /** While it waits or runs. */
  readonly live: LiveRestore | null;
  /** Of the login that cleans up. */
  readonly form: FormState;
}

/** The page of one restore: how far it is, then what is there, its rows beside those of the dump. */
export function RestoreRunPage(props: RestoreRunProps) {
  const { frame, item, live } = props;
  const zone = useReader()?.zone ?? 'UTC';
  const { mayChange } = frame.user;
  const mayDrop = mayChange && (!item.isDropForAdmins || frame.user.isAdmin);
  // Somebody else was faster: there is no form any more that could say so.
  const isTooLate = !item.isDroppable && item.kept === null && item.state !== 'left';
  return (
    <Page
      frame={frame}
      section="runs"
      title={`${nounOf(item)} of ${item.databaseName}`}
      {...(item.backupAt === null
        ? { back: { href: '/runs', label: 'Runs' } }
        : {
            back: {
              href: `/backups/${item.backupId}`,
              label: `${item.databaseName}, ${formatMinute(item.backupAt, zone)}`,
            },
          })}
      {...(item.environmentName === null ? {} : { within: item.environmentName })}
      state={
        <span id="restore-state">
          <RunBadge state={item.runState} />
        </span>
      }
      actions={<a href={`/runs/${item.id}/log`}>Log</a>}
    >
      {isTooLate && props.form.message !== null && <Notice tone="error">{props.form.message}</Notice>}
      <Anew id="restore" path={`/restores/${item.id}`} beside={['#flash', '#restore-state']}>
        {live !== null ? (
          <RestoreProgress item={item} live={live} mayChange={mayChange} />
        ) : (
          <Columns
            main={
              <>
                {item.runState === 'uncertain' && <UncertainRestore item={item} />}
                {item.renamed?.isDone === true ? (
                  <Notice tone="info">
                    “{item.newName}” has <a href={`/restores/${item.renamed.id}`}>taken the place</a> of{' '}
                    {item.databaseName}.
                  </Notice>
                ) : (
                  <Outcome {...props} mayChange={mayChange} mayDrop={mayDrop} />
                )}
                {item.renamed?.isDone === false && (
                  <p>
                    It was asked to <a href={`/restores/${item.renamed.id}`}>take the place</a> of{' '}
                    {item.databaseName}.
                  </p>
                )}
                {item.tables !== null && <Rows tables={item.tables} />}
                {item.swapByHand !== null && (
                  <SwapByHand swap={item.swapByHand} name={item.databaseName} isFile={item.isFile} />
                )}
                {mayDrop && item.kept !== null && (
                  <DropKept
                    restoreId={item.id}
                    kept={item.kept}
                    hasSafetyBackup={item.safetyBackupId !== null}
                    isFile={item.isFile}
                    form={props.form}
                  />
                )}
                {mayChange && item.isRenamable && (
                  <Panel title="Rename into place">
                    <p>
                      {item.newName} can take the place of {item.databaseName}, as it is by now. What is there
                      is kept under another name until you drop it.
                    </p>
                    <a class="button outline" href={`/restores/${item.id}/rename`}>
                      Rename into place…
                    </a>
                  </Panel>
                )}
                {mayDrop && item.isDroppable && (
                  <DropRestored
                    restoreId={item.id}
                    name={item.newName}
                    isFile={item.isFile}
                    isOnlyCopy={item.isOnlyCopy}
                    form={props.form}
                  />
                )}
              </>
            }
            side={
              <>
                <Panel title="Where">
                  <Facts
                    facts={[
                      [item.isFile ? 'File' : 'Database', item.newName],
                      ['Server', item.serverName ?? 'this machine'],
                      ...(item.safetyBackupId === null
                        ? []
                        : [
                            [
                              'Safety backup',
                              <a href={`/backups/${item.safetyBackupId}`}>made before</a>,
                            ] as const,
                          ]),
                      ...(item.adopts === null
                        ? []
                        : [
                            [
                              'Restored as',
                              <a href={`/restores/${item.adopts.restoreId}`}>{item.adopts.name}</a>,
                            ] as const,
                          ]),
                      ...(item.loadedMs === null
                        ? []
                        : [['Loaded in', formatDuration(Math.max(1, item.loadedMs / 1000))] as const]),
                      ...(item.drill?.restoreMs == null
                        ? []
                        : [
                            [
                              'Restored in',
                              formatDuration(Math.max(1, item.drill.restoreMs / 1000)),
                            ] as const,
                          ]),
                    ]}
                  />
                </Panel>
                {item.checks !== null && (
                  <Panel title="Looked at before">
                    <LookedAt checks={item.checks} />
                  </Panel>
                )}
              </>
            }
          />
        )}
      </Anew>
    </Page>
  );
}

/** The part of the page that asks for itself again while the restore waits or runs. */
export function RestoreProgress(props: {
  readonly item: RestoreItem;
  readonly live: LiveRestore;
  readonly mayChange: boolean;
}) {
  const { item, live } = props;
  const words = describeRestore(live);
  return (
    <LiveRegion
      id="restore-run"
      url={`/restores/${item.id}/run`}
      isBusy
      status={`${nounOf(item)} of ${item.databaseName}: ${words.state}`}
      title={words.title}
    >
      <article id={`run-${item.id}`} class="live-run">
        <header>
          <Stepper label={`Steps of this restore: ${words.state}`} steps={words.steps} />
          {props.mayChange && (
            <form
              method="post"
              action={`/restores/${item.id}/cancel`}
              class="inline"
              id={`cancel-form-${item.id}`}
            >
              <button
                type="submit"
                class="secondary outline"
                id={`cancel-${item.id}`}
                disabled={live.isCancelling}
              >
                {live.isCancelling ? 'Cancelling' : 'Cancel'}
              </button>
            </form>
          )}
        </header>
        {!live.isWaiting && (
          <progress
            id={`bar-${item.id}`}
            max={100}
            value={words.share === null ? undefined : Math.floor(words.share * 100)}
            aria-label={`Progress of ${words.state}`}
          />
        )}
        <p class="progress-numbers" id={`numbers-${item.id}`}>
          {live.isWaiting ? waitingWords(item) : words.numbers}
        </p>
        <p class="field-help">{item.exists}</p>
      </article>
    </LiveRegion>
  );
}

/** Asks now and then whether it is known meanwhile; the page then tells by itself. */
export function UncertainRestore({ item }: { readonly item: RestoreItem }) {
  return (
    <LiveRegion
      id="restore-run"
      url={`/restores/${item.id}/run`}
      isBusy={false}
      status="Nobody knows yet what became of it."
    >
      <Notice tone="info">
        Nobody knows yet what became of it: its server is asked again by itself, and this page tells as soon
        as it is known.
      </Notice>
    </LiveRegion>
  );
}

const nounOf = ({ drill }: RestoreItem) => (drill === null ? 'Restore' : 'Drill');

function waitingWords({ safetyBackupId }: RestoreItem) {
  if (safetyBackupId === null) return 'Waits for its turn.';
  return (
    <>
      Waits for the <a href={`/backups/${safetyBackupId}`}>safety backup</a> to end.
    </>
  );
}
