import type { Child } from 'hono/jsx';
import type { Level } from './backup/level.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Attention, type AttentionProps } from './overview-attention.tsx';
import { type NextRunItem, NextRuns } from './overview-next-runs.tsx';
import { Troubles, type TroublesProps } from './overview-troubles.tsx';
import { Elsewhere, OverviewVerdict } from './overview-verdict.tsx';
import { Ago } from './parts/ago.tsx';
import { Anew } from './parts/anew.tsx';
import { Badge } from './parts/badge.tsx';
import { AreaChart } from './parts/charts/area.tsx';
import { Calendar } from './parts/charts/calendar.tsx';
import type { ChartDay } from './parts/charts/day-cells.ts';
import { EmptyState } from './parts/empty-state.tsx';
import { formatBytes, formatDuration, formatHours } from './parts/format.ts';
import { Columns, Panel } from './parts/panel.tsx';
import type { ProtectionState } from './parts/protection-badge.tsx';
import { RunBadge, type RunState } from './parts/run-badge.tsx';
import { forecastSentence, forecastText, growthText, type StoredGrowth } from './parts/stored-growth.ts';
import { Tile, Tiles } from './parts/tile.tsx';
import { Running, type RunningProps } from './running.tsx';

export interface OverviewProps extends TroublesProps {
  readonly frame: Frame;
  /** What an admin has still to do, below what is wrong by now. */
  readonly reminder?: Child;
  /** The list of a new installation's first steps, until its first good backup. */
  readonly firstSteps?: Child;
  /** What is left to do after that. */
  readonly nextSteps?: Child;
  readonly counts: Readonly<Record<ProtectionState, number>>;
  /** Databases that no schedule backs up. */
  readonly unscheduled: number;
  /** The database whose last good backup is the oldest; null where none has one. */
  readonly oldest: {
    readonly name: string;
    readonly environmentName: string;
    readonly age: string;
    readonly maxAgeHours: number;
  } | null;
  readonly stored: StoredGrowth;
  /** The drill that has proven the latest that a backup comes back; null: none has. */
  readonly lastProven: {
    readonly databaseId: string;
    readonly databaseName: string;
    readonly environmentName: string;
    readonly at: string;
    readonly restoreMs: number;
  } | null;
  readonly nextRuns: readonly NextRunItem[];
  readonly attention: AttentionProps['items'];
  /** The days of half a year. */
  readonly days: readonly ChartDay[];
  readonly running: RunningProps;
  readonly latest: readonly LatestItem[];
}

/** A run that has ended. */
export interface LatestItem {
  readonly id: string;
  readonly subject: string;
  /** Null of what is of no environment. */
  readonly environmentName: string | null;
  readonly href: string;
  readonly state: RunState;
  /** What is proven of a backup, which says more than how its run ended. */
  readonly level: Level | null;
  readonly at: string;
}

/** Am I safe? And what is wrong, and what do I do. */
export function OverviewPage(props: OverviewProps) {
  const { frame, counts } = props;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <Page frame={frame} section="overview" title="Overview">
      <Anew id="overview" path="/" on="runs-ended">
        <Troubles {...props} />
        {props.reminder}
        {props.firstSteps}
        {total === 0 && <Elsewhere count={frame.elsewhere} />}
        {total === 0 && props.firstSteps === undefined && <Nothing frame={frame} />}
        {total > 0 && <Filled {...props} total={total} />}
      </Anew>
    </Page>
  );
}

function Nothing({ frame }: { readonly frame: Frame }) {
  const { mayChange } = frame.user;
  const where = frame.environment === null ? '' : ` in ${frame.environment.name}`;
  return (
    <EmptyState title={`No databases${where} yet`}>
      <p>Register a database to back it up.</p>
      {mayChange && (
        <a class="button" href="/databases/new">
          Add database
        </a>
      )}
    </EmptyState>
  );
}

function Filled(props: OverviewProps & { readonly total: number }) {
  const { frame, counts, total, oldest, stored, attention } = props;
  return (
    <>
      <OverviewVerdict
        counts={counts}
        total={total}
        oldest={oldest}
        unscheduled={props.unscheduled}
        environment={frame.environment}
      />
      <Elsewhere count={frame.elsewhere} />
      <Tiles>
        <Tile label="Protected" figure={`${counts.protected} / ${total}`} href="/databases?state=protected">
          good backup within its target, and the last run good
        </Tile>
        <Tile
          label="Oldest last good backup"
          figure={oldest === null ? 'none' : oldest.age}
          href="/databases?sort=last-good"
        >
          {oldest === null
            ? 'no good backup yet'
            : `${named(oldest.name, oldest.environmentName, frame)}, target ${formatHours(oldest.maxAgeHours)}`}
        </Tile>
        <Tile
          label="Stored"
          figure={formatBytes(stored.bytes)}
          {...(frame.user.isAdmin ? { href: '/admin/storage' } : {})}
        >
          {stored.places === 1 ? 'in 1 place' : `in ${stored.places} places`}
          {stored.inAWeek !== 0 && ` · ${growthText(stored.inAWeek)}`}
          {stored.forecast !== null && ` · ${forecastText(stored.forecast)}`}
        </Tile>
        <LastProven proven={props.lastProven} frame={frame} />
      </Tiles>
      {props.nextSteps}
      <Columns
        main={
          <>
            <Attention items={attention} mayChange={frame.user.mayChange} counts={counts} />
            <Panel title="Every backup, day by day">
              <Calendar days={props.days} hrefOf={(day) => `/runs?day=${day}`} />
            </Panel>
          </>
        }
        side={
          <>
            <Panel title="Running now">
              {/* It follows what runs by itself, and has told how it ended. */}
              <div id="running-now" hx-morph-skip="true">
                <Running {...props.running} />
              </div>
            </Panel>
            <Panel title="Stored, last 60 days">
              <AreaChart points={stored.points} noun="Stored" />
              {stored.forecast !== null && <p class="field-help">{forecastSentence(stored.forecast)}</p>}
            </Panel>
            <NextRuns items={props.nextRuns} user={frame.user} showsEnvironment={hasOthers(frame)} />
            <Latest items={props.latest} frame={frame} />
          </>
        }
      />
    </>
  );
}

/** Names may come again in another environment. */
const hasOthers = ({ environment, environments }: Frame) => environment === null && environments.length > 1;

function named(name: string, environmentName: string, frame: Frame): string {
  return hasOthers(frame) ? `${name} (${environmentName})` : name;
}

function Place({ name, frame }: { readonly name: string | null; readonly frame: Frame }) {
  return name !== null && hasOthers(frame) ? <small class="muted"> {name}</small> : null;
}

/** How long it takes until data is back: the figure that is asked for on the worst day. */
function LastProven({
  proven,
  frame,
}: {
  readonly proven: OverviewProps['lastProven'];
  readonly frame: Frame;
}) {
  if (proven === null) {
    return (
      <Tile label="Last proven restore" figure="none yet" href="/drills">
        no backup was restored to prove that it comes back
      </Tile>
    );
  }
  return (
    <Tile
      label="Last proven restore"
      figure={`in ${formatDuration(proven.restoreMs / 1000)}`}
      href={`/databases/${proven.databaseId}/drills`}
    >
      to restore {named(proven.databaseName, proven.environmentName, frame)}, <Ago at={proven.at} />
    </Tile>
  );
}

function Latest({ items, frame }: { readonly items: readonly LatestItem[]; readonly frame: Frame }) {
  return (
    <Panel title="Latest">
      {items.length === 0 && <p class="muted">Nothing has ended yet.</p>}
      <ul class="latest">
        {items.map((item) => (
          <li key={item.id} id={`latest-${item.id}`}>
            {item.level === null ? <RunBadge state={item.state} /> : <Badge {...item.level} />}
            <span>
              <a href={item.href}>{item.subject}</a>
              <Place name={item.environmentName} frame={frame} />
            </span>
            <Ago at={item.at} />
          </li>
        ))}
      </ul>
      <p>
        <a href="/runs">All runs</a>
      </p>
    </Panel>
  );
}
