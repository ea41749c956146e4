import type { LiveRun } from '../backup/run-words.ts';
import type { Frame } from '../frame/frame.ts';
import { Ago } from '../parts/ago.tsx';
import { AreaChart, type AreaPoint } from '../parts/charts/area.tsx';
import { Calendar } from '../parts/charts/calendar.tsx';
import type { ChartDay } from '../parts/charts/day-cells.ts';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes, formatDuration } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { type HeldBackOf, heldBackWords } from '../parts/held-back.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { Tile, Tiles } from '../parts/tile.tsx';
import type { TestResult } from '../parts/try-connection.tsx';
import { TestOutcome } from '../parts/try-connection.tsx';
import { KeptNotice } from '../restore/kept.tsx';
import { BackupList } from './backup-list.tsx';
import { DatabaseFrame, type DatabaseSummary } from './database-head.tsx';
import { type HeldPassword, HeldPasswordNotice } from './held-password.tsx';
import type { BackupListProps } from './listed-backups.ts';
import { type EndedRun, LiveRuns } from './live-runs.tsx';

/** What is told of a database's backups in figures and charts. */
export interface DatabaseFigures {
  readonly databaseId: string;
  readonly mayChange: boolean;
  readonly lastGood: {
    readonly id: string;
    readonly at: string;
    readonly bytes: number;
    readonly seconds: number | null;
  } | null;
  /** The last drill that proved a backup; null: none has. */
  readonly restorable: { readonly at: string; readonly restoreMs: number; readonly bytes: number } | null;
  /** The last drill, where it failed: such as `a role is missing`. */
  readonly drillFailure: { readonly at: string; readonly failure: string } | null;
  /** Of those of the last 30 days. */
  readonly good: number;
  readonly failed: number;
  readonly usualSeconds: number | null;
  /** Null where nothing begins by itself. */
  readonly nextRunAt: string | null;
  /** Why nothing begins although its schedule says so; null where nothing is in the way. */
  readonly heldBack: HeldBackOf | null;
  /** The zone of its schedule. */
  readonly zone: string;
  readonly isPaused: boolean;
  readonly storedBytes: number;
  readonly storedBackups: number;
  readonly days: readonly ChartDay[];
  readonly sizes: readonly AreaPoint[];
}

export function DatabasePage(props: {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  readonly figures: DatabaseFigures;
  readonly runs: readonly LiveRun[];
  readonly ended: readonly EndedRun[];
  readonly list: BackupListProps;
  readonly question: Question | null;
  readonly test: TestResult | null;
  /** Null where nothing holds the stored password back. */
  readonly held: HeldPassword | null;
  readonly passwordForm: FormState;
  /** What restores in place have replaced and nobody has dropped. */
  readonly kept: readonly { readonly id: string; readonly name: string }[];
}) {
  const { frame, database, held } = props;
  const { mayChange } = frame.user;
  return (
    <DatabaseFrame
      frame={frame}
      database={database}
      tab="backups"
      above={
        <>
          {mayChange && held !== null && (
            <HeldPasswordNotice
              databaseId={database.id}
              held={held}
              form={props.passwordForm}
              isAdmin={frame.user.isAdmin}
            />
          )}
          <KeptNotice kept={props.kept} />
          {props.test !== null && <TestOutcome result={props.test} />}
          <LiveRuns
            databaseId={database.id}
            databaseName={database.name}
            runs={props.runs}
            ended={props.ended}
            mayChange={mayChange}
          />
        </>
      }
    >
      <Dialog question={props.question} />
      <Figures figures={props.figures} />
      <BackupList {...props.list} />
    </DatabaseFrame>
  );
}

function Restorable({ figures }: { readonly figures: DatabaseFigures }) {
  const { databaseId, restorable, drillFailure, lastGood } = figures;
  const href = `/databases/${databaseId}/drills`;
  const failed = drillFailure !== null && (
    <span class="field-error">
      failed <Ago at={drillFailure.at} />: {drillFailure.failure}
    </span>
  );
  if (restorable === null && drillFailure === null && lastGood !== null && figures.mayChange) {
    return (
      <Tile
        label="Last proven restorable"
        figure="never"
        action={<PostButton action={`/backups/${lastGood.id}/drill`} label="Test a restore" kind="link" />}
      >
        no restore or drill has proven it
      </Tile>
    );
  }
  if (restorable === null) {
    return (
      <Tile label="Last proven restorable" figure="never" href={href}>
        {failed || 'no restore or drill has proven it'}
      </Tile>
    );
  }
  return (
    <Tile label="Last proven restorable" figure={<Ago at={restorable.at} />} href={href}>
      {failed ||
        `${formatBytes(restorable.bytes)} in ${formatDuration(Math.max(1, restorable.restoreMs / 1000))}`}
    </Tile>
  );
}

function NextRun({ figures }: { readonly figures: DatabaseFigures }) {
  const { databaseId, nextRunAt, heldBack, zone, isPaused } = figures;
  const href = `/databases/${databaseId}/schedule`;
  if (heldBack !== null) {
    return (
      <Tile
        label="Next run"
        figure={heldBack.why === 'storage_off' ? 'will not run' : 'will fail'}
        href={href}
      >
        {heldBackWords(heldBack.why, heldBack.environmentName)}
      </Tile>
    );
  }
  if (nextRunAt !== null) {
    return (
      <Tile label="Next run" figure={<Ago at={nextRunAt} />} href={href}>
        {formatMinute(nextRunAt, zone).replace(/ \d+,/, ',')} {zone}
      </Tile>
    );
  }
  return (
    <Tile label="Next run" figure={isPaused ? 'paused' : 'none'} href={href}>
      {isPaused ? 'its schedule stands still' : 'nothing begins by itself'}
    </Tile>
  );
}

function shareWords({ good, failed, usualSeconds }: DatabaseFigures): string {
  if (good + failed === 0) return 'none has ended yet';
  if (good === 0) return failed === 1 ? 'it was not good' : 'none of them was good';
  if (usualSeconds === null) return 'good ones of those that ended';
  return `a good one usually takes ${formatDuration(usualSeconds)}`;
}

/** Tiles, calendar and sizes; they load themselves again when a run has begun or ended. */
export function Figures({ figures }: { readonly figures: DatabaseFigures }) {
  const { databaseId, lastGood, good, failed } = figures;
  return (
    <div
      id="figures"
      hx-get={`/databases/${databaseId}/figures`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerMorph"
    >
      <Tiles>
        {lastGood === null ? (
          <Tile label="Last good backup" figure="never">
            there is none yet
          </Tile>
        ) : (
          <Tile label="Last good backup" figure={<Ago at={lastGood.at} />} href={`/backups/${lastGood.id}`}>
            {formatBytes(lastGood.bytes)} stored
            {lastGood.seconds === null ? '' : ` in ${formatDuration(lastGood.seconds)}`}, read back
          </Tile>
        )}
        <NextRun figures={figures} />
        <Tile label="Success, 30 days" figure={`${good} / ${good + failed}`}>
          {shareWords(figures)}
        </Tile>
        <Restorable figures={figures} />
        <Tile label="Stored" figure={formatBytes(figures.storedBytes)}>
          {figures.storedBackups} {figures.storedBackups === 1 ? 'backup' : 'backups'}
        </Tile>
      </Tiles>
      <Columns
        main={
          <Panel title="Calendar">
            <Calendar days={figures.days} hrefOf={(day) => `?day=${day}`} />
          </Panel>
        }
        side={
          <Panel title="Size">
            <AreaChart
              points={figures.sizes}
              noun="Size of completed backups"
              empty="There is no good backup yet."
            />
          </Panel>
        }
      />
    </div>
  );
}
