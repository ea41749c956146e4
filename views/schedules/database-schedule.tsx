import type { HeldBack } from '../../src/backups/held-back.ts';
import { DatabaseFrame, type DatabaseSummary } from '../database/database-head.tsx';
import type { Frame, Rights } from '../frame/frame.ts';
import { Confirm } from '../parts/confirm.tsx';
import type { Choice } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatMinute } from '../parts/format-time.ts';
import { HeldBackLink } from '../parts/held-back.tsx';
import { Notice } from '../parts/notice.tsx';
import type { PageOfMany } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { PingPanel, type ShownPing } from './ping-panel.tsx';
import { Presets, ScheduleFields } from './schedule-fields.tsx';
import { SlotHistory, type SlotLine } from './slot-history.tsx';

/** The schedule that counts for a database. */
export interface ShownSchedule {
  readonly words: string;
  readonly cronExpression: string;
  readonly enabled: boolean;
  readonly pausedReason: string | null;
  readonly zone: string;
  readonly nextSlots: readonly string[];
  /** Null: its own. */
  readonly rule: { readonly id: string; readonly name: string } | null;
  /** What keeps the backups of the database from being made; null: nothing. */
  readonly heldBack: HeldBack | null;
}

export interface DatabaseScheduleProps {
  readonly databaseId: string;
  readonly mayChange: boolean;
  readonly hasOwn: boolean;
  readonly effective: ShownSchedule | null;
  readonly form: FormState;
  readonly ping: ShownPing | null;
  readonly pingForm: FormState;
  /** The installation's zone. */
  readonly zone: string;
  readonly drillServers: readonly Choice[] | null;
  readonly schedulerEnabled: boolean;
  readonly lines: readonly SlotLine[];
  readonly page: PageOfMany;
}

/** When a database is backed up by itself, and what became of each time. */
export function DatabaseSchedulePage(
  props: DatabaseScheduleProps & { readonly frame: Frame; readonly database: DatabaseSummary },
) {
  return (
    <DatabaseFrame frame={props.frame} database={props.database} tab="schedule">
      <DatabaseSchedule {...props} />
    </DatabaseFrame>
  );
}

/** The tab itself. */
export function DatabaseSchedule(
  props: DatabaseScheduleProps & { readonly frame: Frame; readonly database: DatabaseSummary },
) {
  const path = `/databases/${props.databaseId}/schedule`;
  const { effective, hasOwn, mayChange } = props;
  return (
    <>
      <SchedulerNotice isEnabled={props.schedulerEnabled} />
      {effective === null ? (
        <p>Nothing backs this database up by itself.</p>
      ) : (
        <Effective schedule={effective} database={props.database} user={props.frame.user} />
      )}
      {mayChange && (
        <Panel title={hasOwn ? 'Its own schedule' : 'Give it a schedule of its own'} id="own">
          <Form action={path} form={props.form} submit="Save schedule" hasInnerButtons>
            <Presets path={path} form={props.form} />
            <ScheduleFields form={props.form} zone={props.zone} drillServers={props.drillServers} />
          </Form>
          {hasOwn && (
            <div class="actions">
              <Confirm
                id="delete-schedule"
                label="Remove its own schedule"
                title="Remove the schedule of this database?"
                action={`${path}/delete`}
                submit="Remove schedule"
              >
                <p>A rule that fits counts from then on. Without one, nothing is backed up by itself.</p>
              </Confirm>
            </div>
          )}
        </Panel>
      )}
      <PingPanel
        databaseId={props.databaseId}
        ping={props.ping}
        form={props.pingForm}
        mayChange={mayChange}
      />
      <h2>Times that came</h2>
      <SlotHistory lines={props.lines} zone={effective?.zone ?? props.zone} page={props.page} path={path} />
    </>
  );
}

export function SchedulerNotice({ isEnabled }: { readonly isEnabled: boolean }) {
  if (isEnabled) return null;
  return (
    <Notice tone="warning">The scheduler is off (SCHEDULER_ENABLED): nothing here begins by itself.</Notice>
  );
}

interface EffectiveProps {
  readonly schedule: ShownSchedule;
  readonly database: Pick<DatabaseSummary, 'id' | 'environment'>;
  readonly user: Rights;
}

function Effective({ schedule, database, user }: EffectiveProps) {
  const { words, zone, nextSlots, rule, pausedReason, enabled, heldBack } = schedule;
  const { mayChange } = user;
  return (
    <section class="schedule-now">
      <p>
        <strong>{words}</strong>, {zone}
        {rule !== null && (
          <>, by the rule {mayChange ? <a href={`/schedules/rules/${rule.id}`}>{rule.name}</a> : rule.name}</>
        )}
        . <code>{schedule.cronExpression}</code>
      </p>
      {!enabled && <Notice tone="warning">It is switched off: nothing begins by itself.</Notice>}
      {pausedReason !== null && <Notice tone="warning">Paused: {pausedReason}</Notice>}
      {enabled && heldBack !== null && (
        <Notice tone="warning">
          {heldBack === 'storage_off' ? 'Nothing begins by itself: ' : 'What begins by itself fails: '}
          <HeldBackLink
            of={{ why: heldBack, databaseId: database.id, environmentName: database.environment.name }}
            user={user}
          />
          .
        </Notice>
      )}
      {nextSlots.length > 0 && (
        <>
          <h2>
            {heldBack !== null || pausedReason !== null
              ? 'Next times, at which nothing is stored'
              : 'Next times'}
          </h2>
          <ol class="next-slots">
            {nextSlots.map((at) => (
              <li key={at}>
                <time datetime={at}>{formatMinute(at, zone)}</time>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}
