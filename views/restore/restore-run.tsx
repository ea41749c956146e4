import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Checks } from '../parts/checks.tsx';
import { Facts } from '../parts/facts.tsx';
import { TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatDuration } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import { Notice } from '../parts/notice.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import { RunBadge, type RunState } from '../parts/run-badge.tsx';
import { Stepper } from '../parts/stepper.tsx';
import { Table } from '../parts/table.tsx';
import { DropKept, type Kept } from './kept.tsx';
import type { RestoreCheck } from './restore-page.tsx';
import { describeRestore, type LiveRestore, type RestoreState } from './restore-words.ts';
import { type ShownSwap, SwapByHand } from './swap-by-hand.tsx';

export interface RestoredTable {
  readonly schema: string | null;
  readonly name: string;
  /** Null: the dump does not tell. */
  readonly expected: number | null;
  /** Null: it is not there. */
  readonly rows: number | null;
}

/** A restore and its run, as a page shows it. */
export interface RestoreItem {
  readonly id: string;
  readonly backupId: string;
  /** Null where the backup is gone. */
  readonly backupAt: string | null;
  readonly databaseName: string;
  readonly environmentName: string | null;
  readonly serverName: string | null;
  readonly newName: string;
  readonly isFile: boolean;
  /** Null where it is no drill. */
  readonly drill: DrillResult | null;
  readonly runState: RunState;
  readonly state: RestoreState;
  /** What is there now, in a sentence. */
  readonly exists: string;
  readonly checks: readonly RestoreCheck[] | null;
  readonly tables: readonly RestoredTable[] | null;
  readonly loadedMs: number | null;
  readonly isInPlace: boolean;
  /** Of what it replaces; null: declined, or nothing is replaced. */
  readonly safetyBackupId: string | null;
  readonly kept: Kept | null;
  /** Where a person swaps the two. */
  readonly swapByHand: ShownSwap | null;
  readonly failure: { readonly message: string; readonly stderr: string | null } | null;
}

/** What a drill came to. */
export interface DrillResult {
  /** Null while it goes on. */
  readonly outcome: 'proven' | 'failed' | 'cancelled' | 'interrupted' | 'skipped' | 'missed' | null;
  /** Such as `a role is missing`. */
  readonly failure: string | null;
  /** It says something of the backup. */
  readonly isDamaged: boolean;
  readonly says: string | null;
  readonly restoreMs: number | null;
}

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
  const mayChange = frame.user.role !== 'viewer';
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
      state={<RunBadge state={item.runState} />}
    >
      {live !== null ? (
        <RestoreProgress item={item} live={live} mayChange={mayChange} />
      ) : (
        <Columns
          main={
            <>
              {item.runState === 'uncertain' && <UncertainRestore item={item} />}
              <Outcome {...props} mayChange={mayChange} />
              {item.tables !== null && <Rows tables={item.tables} />}
              {item.swapByHand !== null && (
                <SwapByHand swap={item.swapByHand} name={item.databaseName} isFile={item.isFile} />
              )}
              {mayChange && item.kept !== null && !item.kept.isDropped && (
                <DropKept restoreId={item.id} kept={item.kept} form={props.form} />
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
                    ...(item.loadedMs === null
                      ? []
                      : [['Loaded in', formatDuration(Math.max(1, item.loadedMs / 1000))] as const]),
                    ...(item.drill?.restoreMs == null
                      ? []
                      : [['Restored in', formatDuration(Math.max(1, item.drill.restoreMs / 1000))] as const]),
                  ]}
                />
              </Panel>
              {item.checks !== null && (
                <Panel title="Looked at before">
                  <Checks
                    label="What was looked at"
                    checks={item.checks.map(({ name, ok, says }) => ({
                      label: name,
                      state: ok ? 'passed' : 'failed',
                      detail: says,
                    }))}
                  />
                </Panel>
              )}
            </>
          }
        />
      )}
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

function DrillOutcome({ drill, item }: { readonly drill: DrillResult; readonly item: RestoreItem }) {
  if (drill.outcome === 'proven') {
    return (
      <Notice tone="success">
        It can be restored: {sumOf(item)}{' '}
        {item.state === 'removed' ? 'What was made for it is dropped again.' : ''}
      </Notice>
    );
  }
  if (drill.outcome !== 'failed') return null;
  return (
    <Notice tone={drill.isDamaged ? 'error' : 'warning'}>
      <p>
        <strong>The drill failed: {drill.failure}.</strong>{' '}
        {!drill.isDamaged && 'That says nothing against the backup.'}
      </p>
    </Notice>
  );
}

function waitingWords({ safetyBackupId }: RestoreItem) {
  if (safetyBackupId === null) return 'Waits for its turn.';
  return (
    <>
      Waits for the <a href={`/backups/${safetyBackupId}`}>safety backup</a> to end.
    </>
  );
}

function Outcome({ item, form, mayChange }: RestoreRunProps & { readonly mayChange: boolean }) {
  const { drill } = item;
  if (drill !== null) {
    return (
      <>
        <DrillOutcome drill={drill} item={item} />
        {(item.state !== 'removed' || drill.outcome !== 'proven') && (
          <WhatWentWrong item={item} form={form} mayChange={mayChange} />
        )}
      </>
    );
  }
  if (item.state === 'done') {
    return (
      <Notice tone="success">
        {item.exists} {sumOf(item)}
      </Notice>
    );
  }
  return <WhatWentWrong item={item} form={form} mayChange={mayChange} />;
}

function WhatWentWrong(props: {
  readonly item: RestoreItem;
  readonly form: FormState;
  readonly mayChange: boolean;
}) {
  const { item, form, mayChange } = props;
  return (
    <Panel title={item.runState === 'cancelled' ? 'It was cancelled' : 'What went wrong'}>
      {item.failure !== null && <p class="failure-message">{item.failure.message}</p>}
      {item.failure?.stderr != null && (
        <details class="failure">
          <summary>What the tool printed</summary>
          <pre>
            <code>{item.failure.stderr}</code>
          </pre>
        </details>
      )}
      {item.failure === null && <p>{item.exists}</p>}
      {mayChange && item.state === 'left' && <CleanUp item={item} form={form} />}
      {mayChange && item.state !== 'left' && item.backupAt !== null && item.drill === null && (
        <p>
          <a
            class="button outline"
            href={`/backups/${item.backupId}/${item.isInPlace ? 'restore-in-place' : 'restore'}`}
          >
            Try again
          </a>
        </p>
      )}
    </Panel>
  );
}

function CleanUp({ item, form }: { readonly item: RestoreItem; readonly form: FormState }) {
  const action = `/restores/${item.id}/clean-up`;
  if (item.isFile) return <PostButton action={action} label="Clean up" kind="primary" />;
  return (
    <Form action={action} form={form} submit="Clean up">
      <p class="field-help">
        What was typed for the restore is forgotten. Without a user here, the one that backs up is taken.
      </p>
      <TextField form={form} name="username" label="User" autocomplete="off" spellcheck={false} />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </Form>
  );
}

function sumOf({ tables, loadedMs }: RestoreItem): string {
  const time = loadedMs === null ? '' : ` It took ${formatDuration(Math.max(1, loadedMs / 1000))}.`;
  if (tables === null) return time;
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const isCompared = tables.some(({ expected }) => expected !== null);
  const what = `${countOf(tables.length, 'table')} with ${countOf(rows, 'row')}`;
  return `${what}${isCompared ? ', as many as the dump holds' : '; how many the dump holds was not counted'}.${time}`;
}

function countOf(count: number, noun: string): string {
  return `${count.toLocaleString('en-GB')} ${noun}${count === 1 ? '' : 's'}`;
}

const MOST_SHOWN = 200;

/** Those that differ first, then the largest. */
function Rows({ tables }: { readonly tables: readonly RestoredTable[] }) {
  const sorted = [...tables].sort(
    (one, other) =>
      Number(differs(other)) - Number(differs(one)) ||
      (other.rows ?? 0) - (one.rows ?? 0) ||
      (one.name < other.name ? -1 : 1),
  );
  return (
    <Panel title="Rows">
      <Table
        caption="Rows per table"
        columns={['Table', { label: 'In the dump', isFigure: true }, { label: 'Restored', isFigure: true }]}
        dense
      >
        {sorted.slice(0, MOST_SHOWN).map((table) => (
          <tr key={`${table.schema}.${table.name}`}>
            <th scope="row">
              {table.schema === null ? '' : `${table.schema}.`}
              {table.name}
            </th>
            <td class="figure">{figure(table.expected, 'not counted')}</td>
            <td class="figure">
              {figure(table.rows, 'missing')}
              {differs(table) && <strong class="field-error"> differs</strong>}
            </td>
          </tr>
        ))}
      </Table>
      {sorted.length > MOST_SHOWN && (
        <p class="field-help">{sorted.length - MOST_SHOWN} more are not shown.</p>
      )}
    </Panel>
  );
}

function differs({ expected, rows }: RestoredTable): boolean {
  return rows === null || (expected !== null && expected !== rows);
}

function figure(value: number | null, none: string) {
  return value === null ? <span class="muted">{none}</span> : value.toLocaleString('en-GB');
}
