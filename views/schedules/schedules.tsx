import type { HeldBack } from '../../src/backups/held-back.ts';
import type { Frame, Rights } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Badge } from '../parts/badge.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { formatMinute } from '../parts/format-time.ts';
import { ACCESS_TO_STORAGE } from '../parts/held-back.tsx';
import { Notice } from '../parts/notice.tsx';
import { Table } from '../parts/table.tsx';
import { SchedulerNotice } from './database-schedule.tsx';
import { type HourOfWeek, WeekGrid } from './week-grid.tsx';

export interface RuleItem {
  readonly id: string;
  readonly name: string;
  readonly words: string;
  readonly enabled: boolean;
  readonly pausedReason: string | null;
  /** What its databases have in common, in words. */
  readonly scope: string;
  readonly databases: number;
}

export interface UpcomingItem {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly serverName: string;
  readonly runAt: string;
  readonly ruleName: string | null;
  readonly obstacle: 'paused' | 'blackout' | HeldBack | null;
}

export interface CollisionItem {
  readonly serverName: string;
  /** The first time. */
  readonly from: string;
  /** How often within a day. */
  readonly times: number;
  readonly runs: number;
  readonly limit: number;
  readonly databases: readonly { readonly id: string; readonly name: string }[];
}

export interface SchedulesProps {
  readonly frame: Frame;
  readonly rules: readonly RuleItem[];
  readonly upcoming: readonly UpcomingItem[];
  /** How many there are within a day. */
  readonly total: number;
  readonly collisions: readonly CollisionItem[];
  /** How many there are besides. */
  readonly moreCollisions: number;
  /** Up to when it was looked for; null: for a day. */
  readonly lookedAtUntil: string | null;
  readonly week: readonly HourOfWeek[];
  /** The dates of its days. */
  readonly days: readonly string[];
  readonly zone: string;
  readonly schedulerEnabled: boolean;
  /** Databases that nothing backs up by itself. */
  readonly unscheduled: number;
  /** Those whose schedule goes on although the storage is off for their environments, and the names of some of these. */
  readonly storageOff: {
    readonly databases: number;
    readonly environments: readonly string[];
    readonly more: number;
  };
}

/** What begins by itself, when, and where it is too much at once. */
export function SchedulesPage(props: SchedulesProps) {
  const { frame, rules, zone } = props;
  const { mayChange } = frame.user;
  const create = (
    <a class="button" href="/schedules/rules/new">
      Add rule
    </a>
  );
  return (
    <Page frame={frame} section="schedules" title="Schedules" actions={mayChange ? create : undefined}>
      <SchedulerNotice isEnabled={props.schedulerEnabled} />
      {props.unscheduled > 0 && (
        <Notice tone="info">
          {props.unscheduled === 1 ? 'One database has' : `${props.unscheduled} databases have`} no schedule:
          no backup of {props.unscheduled === 1 ? 'it' : 'them'} begins by itself. A rule without conditions
          is for all.
        </Notice>
      )}
      <StorageOff off={props.storageOff} user={frame.user} />
      <h2>Rules</h2>
      <Rules rules={rules} mayChange={mayChange} />
      <h2>The week ahead</h2>
      <WeekGrid hours={props.week} zone={zone} days={props.days} />
      {(props.collisions.length > 0 || props.lookedAtUntil !== null) && (
        <>
          <h2>Too much at once</h2>
          {props.collisions.length > 0 && <Collisions collisions={props.collisions} zone={zone} />}
          {props.moreCollisions > 0 && <p class="muted">And {props.moreCollisions} more.</p>}
          {props.lookedAtUntil !== null && (
            <p class="muted">
              So many backups begin that this was looked for up to{' '}
              <time datetime={props.lookedAtUntil}>{formatMinute(props.lookedAtUntil, zone)}</time> only: what
              comes after it is not counted here.
            </p>
          )}
        </>
      )}
      <h2>Next 24 hours</h2>
      <UpcomingTable upcoming={props.upcoming} total={props.total} zone={zone} />
    </Page>
  );
}

function StorageOff({ off, user }: { readonly off: SchedulesProps['storageOff']; readonly user: Rights }) {
  const { databases, environments, more } = off;
  if (databases === 0) return null;
  const names = environments.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const which = databases === 1 ? 'One database' : `${databases} databases`;
  return (
    <Notice tone="warning">
      Storage is off for {names}: <a href="/databases?storage=off">{which}</a> there will not be backed up at
      {databases === 1 ? ' its' : ' their'} times.{' '}
      {user.isAdmin ? (
        <a href={ACCESS_TO_STORAGE}>Environment Access</a>
      ) : (
        'An admin changes that under Admin > Storage.'
      )}
    </Notice>
  );
}

function Rules({ rules, mayChange }: { readonly rules: readonly RuleItem[]; readonly mayChange: boolean }) {
  if (rules.length === 0) {
    return (
      <EmptyState title="No rules yet">
        <p>
          A rule is a schedule for many databases: all, those of an environment, of an engine, or on servers
          with a tag.
        </p>
      </EmptyState>
    );
  }
  return (
    <Table
      caption="Rules"
      columns={['Rule', 'When', 'For', { label: 'Databases', isFigure: true }, 'State']}
      dense
    >
      {rules.map((rule) => (
        <tr key={rule.id}>
          <th scope="row">
            {mayChange ? <a href={`/schedules/rules/${rule.id}`}>{rule.name}</a> : rule.name}
          </th>
          <td data-label="When">{rule.words}</td>
          <td data-label="For">{rule.scope}</td>
          <td class="figure" data-label="Databases">
            {rule.databases}
          </td>
          <td>
            <RuleState rule={rule} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function RuleState({ rule }: { readonly rule: RuleItem }) {
  if (!rule.enabled) return <Badge tone="setting" text="off" />;
  if (rule.pausedReason !== null) return <Badge tone="warning" text={`paused: ${rule.pausedReason}`} />;
  return <Badge tone="success" text="on" />;
}

function Collisions({
  collisions,
  zone,
}: {
  readonly collisions: readonly CollisionItem[];
  readonly zone: string;
}) {
  return (
    <Table caption="Too much at once" columns={[`From (${zone})`, 'Server', 'Runs', 'Databases']} dense>
      {collisions.map((collision) => (
        <tr key={`${collision.serverName} ${collision.from}`}>
          <th scope="row">
            <time datetime={collision.from}>{formatMinute(collision.from, zone)}</time>
            {collision.times > 1 && <small class="muted"> and {collision.times - 1} times more</small>}
          </th>
          <td data-label="Server">{collision.serverName}</td>
          <td data-label="Runs">
            {collision.runs} begin, {collision.limit} may run
          </td>
          <td>
            <span>
              {collision.databases.map(({ id, name }, index) => (
                <>
                  {index > 0 && ', '}
                  <a href={`/databases/${id}/schedule`}>{name}</a>
                </>
              ))}
              {collision.runs > collision.databases.length &&
                ` and ${collision.runs - collision.databases.length} more`}
            </span>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function UpcomingTable(props: Pick<SchedulesProps, 'upcoming' | 'total' | 'zone'>) {
  const { upcoming, total, zone } = props;
  if (upcoming.length === 0) return <p>Nothing begins by itself within the next 24 hours.</p>;
  return (
    <>
      <Table caption="Next 24 hours" columns={[`Begins (${zone})`, 'Database', 'Server', 'By']} dense>
        {upcoming.map((slot) => (
          <tr key={`${slot.databaseId} ${slot.runAt}`}>
            <th scope="row">
              <time datetime={slot.runAt}>{formatMinute(slot.runAt, zone)}</time>{' '}
              {slot.obstacle !== null && <Badge tone="warning" text={OBSTACLES[slot.obstacle]} />}
            </th>
            <td>
              <a href={`/databases/${slot.databaseId}/schedule`}>{slot.databaseName}</a>
            </td>
            <td data-label="Server">{slot.serverName}</td>
            <td data-label="By">{slot.ruleName ?? 'its own schedule'}</td>
          </tr>
        ))}
      </Table>
      {total > upcoming.length && <p class="muted">And {total - upcoming.length} more.</p>}
    </>
  );
}

const OBSTACLES = {
  paused: 'paused',
  blackout: 'in a blackout',
  storage_off: 'will not run: storage is off',
  no_bucket: 'will fail: no bucket is chosen',
} as const;
