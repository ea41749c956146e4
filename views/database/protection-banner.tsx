import type { Advice } from '../../src/backups/failure-advice.ts';
import type { BriefSchedule } from '../../src/schedules/schedules.ts';
import { AdviceWords, type Mended } from '../backup/mend-link.tsx';
import type { Rights } from '../frame/frame.ts';
import { Ago, Clock } from '../parts/ago.tsx';
import { PostButton } from '../parts/form.tsx';
import { formatDuration, formatHours } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import type { ProtectionState } from '../parts/protection-badge.tsx';
import { useReader } from '../parts/reader.ts';
import { within } from '../parts/room.ts';

/** In bytes of the page; the backup's own page has all of it. */
const ROOM_FOR_CAUSE = 1200;

export interface ProtectionOfDatabase {
  readonly state: ProtectionState;
  /** The last good backup, and when its dump began. */
  readonly lastGoodId: string | null;
  readonly lastGoodAt: string | null;
  /** When the next good one must be there, or must have been. */
  readonly dueAt: string | null;
  /** Runs that failed in a row since the last good one, and when the first of them began. */
  readonly failures: {
    readonly count: number;
    readonly since: string;
    readonly cause: string | null;
    /** Whether the database's settings were changed after the last of them: the cause may be mended. */
    readonly isBeforeChange: boolean;
    /** What to do about the last of them; null where its cause is all there is. */
    readonly mend: { readonly advice: Advice; readonly database: Mended } | null;
  } | null;
  /** Its newest backup, where that was found damaged after it was made; null where it was not. */
  readonly damaged: { readonly id: string; readonly foundAt: string | null; readonly says: string } | null;
  /** What backs it up by itself, where it is not safe; null where nothing does. */
  readonly schedule: BriefSchedule | null;
  readonly maxAgeHours: number;
  /** A backup that is being made, for which it is not late although its last good one is too old; null where there is none. */
  readonly waitedFor: { readonly since: string; readonly lastSeconds: number | null } | null;
  /** A backup of it waits or goes on, by which this may change soon. */
  readonly isUnderWay: boolean;
}

/**
 * Says on the page of a database whether it is safe: since when it is not, why, and what counts as late. It loads itself
 * again when a run has begun or ended.
 */
export function ProtectionBanner(props: {
  readonly databaseId: string;
  readonly protection: ProtectionOfDatabase;
  readonly user: Rights;
}) {
  const { state } = props.protection;
  const { user } = props;
  return (
    <div
      id="protection"
      hx-get={`/databases/${props.databaseId}/protection`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerHTML"
    >
      <Words {...props} />
      {state !== 'protected' && user.mayChange && <Buttons {...props} />}
    </div>
  );
}

interface Told {
  readonly databaseId: string;
  readonly protection: ProtectionOfDatabase;
  readonly user: Rights;
}

/** What can be done about it. While a backup goes on, nothing but to wait for what becomes of that. */
function Buttons({ databaseId, protection: { state, failures, schedule, isUnderWay } }: Told) {
  const isResumable = state === 'paused' && schedule?.rule === null;
  if (isUnderWay && !isResumable) return null;
  return (
    <div class="actions">
      {/* What has not failed is backed up by the button of the page's head. */}
      {failures !== null && !isUnderWay && (
        <PostButton id="protection-retry" action={`/databases/${databaseId}/backups`} label="Retry" />
      )}
      {isResumable && (
        <a
          id="protection-resume"
          class="button outline"
          href={`/databases/selected/resume?id=${databaseId}&from=page`}
        >
          Resume…
        </a>
      )}
      {!isUnderWay && (
        <PostButton id="protection-test" action={`/databases/${databaseId}/test`} label="Test connection" />
      )}
    </div>
  );
}

function Words(told: Told) {
  const { protection } = told;
  const { state, lastGoodAt, dueAt, maxAgeHours } = protection;
  if (state === 'protected') {
    // What is as it should be needs no words: the badge beside the name says it.
    if (protection.waitedFor === null || lastGoodAt === null || dueAt === null) return null;
    return (
      <Notice tone="info">
        <WaitedFor backup={protection.waitedFor} /> <UntilLate at={lastGoodAt} dueAt={dueAt} />
      </Notice>
    );
  }
  if (state === 'failing' && lastGoodAt !== null && dueAt !== null) {
    return (
      <Notice tone="warning">
        Failing:
        <Failures {...told} />
        <Damaged {...told} />{' '}
        {protection.waitedFor !== null && (
          <>
            <WaitedFor backup={protection.waitedFor} />{' '}
          </>
        )}
        <UntilLate at={lastGoodAt} dueAt={dueAt} />
        <WhatToDo {...told} />
      </Notice>
    );
  }
  if (state === 'paused') {
    return (
      <Notice tone="warning">
        <Paused {...told} />{' '}
        {lastGoodAt === null ? (
          'There is no good backup yet.'
        ) : (
          <>
            The last good backup began <Ago at={lastGoodAt} />.
          </>
        )}
        <Failures {...told} />
        <Damaged {...told} />
      </Notice>
    );
  }
  if (lastGoodAt === null || dueAt === null) {
    return (
      <Notice tone="error">
        Not safe: there is no good backup{protection.damaged === null ? ' yet' : ''}.
        <Failures {...told} />
        <Damaged {...told} />
        <WhatToDo {...told} />
      </Notice>
    );
  }
  return (
    <Notice tone="error">
      <Late at={lastGoodAt} maxAgeHours={maxAgeHours} />
      <Failures {...told} />
      <Damaged {...told} />
      <WhatToDo {...told} />
    </Notice>
  );
}

/** `A backup is under way since 02:00, 3 h 12 min; the one before took 3 h 20 min.` */
function WaitedFor({ backup }: { readonly backup: NonNullable<ProtectionOfDatabase['waitedFor']> }) {
  const { since, lastSeconds } = backup;
  const now = useReader()?.now;
  return (
    <>
      A backup is under way since <Clock at={since} />
      {now !== undefined && `, ${formatDuration((now.getTime() - Date.parse(since)) / 1000)}`}
      {lastSeconds !== null && `; the one before took ${formatDuration(lastSeconds)}`}.
    </>
  );
}

function UntilLate({ at, dueAt }: { readonly at: string; readonly dueAt: string }) {
  const now = useReader()?.now;
  if (now !== undefined && Date.parse(at) > now.getTime()) {
    return (
      <>
        The last good backup is from the future, <Ago at={at} />: the clock was set back since, or was ahead.
        Once the clock is right, the next good backup counts.
      </>
    );
  }
  return (
    <>
      The last good backup began <Ago at={at} />. Without a new one the database is late <Ago at={dueAt} />.
    </>
  );
}

function Late({ at, maxAgeHours }: { readonly at: string; readonly maxAgeHours: number }) {
  const now = useReader()?.now;
  if (now !== undefined && Date.parse(at) > now.getTime()) {
    return (
      <>
        Not safe: the last good backup is from the future, <Ago at={at} />. The clock was set back since, or
        was ahead: nobody can tell how old it is. Once the clock is right, the next good backup counts.
      </>
    );
  }
  return (
    <>
      Not safe: the last good backup began <Ago at={at} />, and one should be no older than{' '}
      {formatHours(maxAgeHours)}.
    </>
  );
}

/** Since when and why its schedule stands still, and what lets it go on. */
function Paused({ protection: { schedule }, user }: Told) {
  if (schedule === null) return <>Paused: its schedule begins nothing until it goes on.</>;
  const { pausedAt, pausedReason, rule } = schedule;
  const why = pausedReason === null ? '' : `, “${pausedReason}”`;
  return (
    <>
      Paused
      {pausedAt !== null && (
        <>
          {' '}
          <Ago at={pausedAt} />
        </>
      )}
      {why}: its schedule begins nothing until it goes on.
      {rule !== null && (
        <>
          {' '}
          The rule {user.mayChange ? <a href={`/schedules/rules/${rule.id}`}>{rule.name}</a> : rule.name} is
          paused, and every database that follows it.
        </>
      )}
    </>
  );
}

/** By the last failure; where nothing failed, by what begins by itself. */
function WhatToDo({ databaseId, protection: { failures, schedule }, user }: Told) {
  if (failures !== null) {
    // What was changed since may have mended it: the next run tells.
    if (failures.mend === null || failures.isBeforeChange) return null;
    return (
      <>
        {' '}
        <AdviceWords {...failures.mend} user={user} />
      </>
    );
  }
  if (schedule?.enabled) return null;
  return (
    <>
      {' '}
      {schedule === null ? 'Nothing backs it up by itself.' : 'Its schedule is switched off.'}
      {user.mayChange && (
        <>
          {' '}
          <strong>Back up now</strong>, then{' '}
          <a href={`/databases/${databaseId}/schedule`}>
            {schedule === null ? 'give it a schedule' : 'switch it on'}
          </a>
          .
        </>
      )}
    </>
  );
}

function Failures({ protection: { failures } }: Told) {
  if (failures === null) return null;
  const { count, since, cause, isBeforeChange } = failures;
  const before = count === 1 ? ', before' : ', each time before';
  return (
    <>
      {' '}
      {count === 1 ? 'The last run failed' : `It failed ${count} times in a row, first`} <Ago at={since} />
      {isBeforeChange && `${before} its settings were changed`}
      {cause === null ? '.' : `: ${within(ROOM_FOR_CAUSE, cause)}`}
    </>
  );
}

/** What no run tells of: it was completed, and is good no more. */
function Damaged({ protection: { damaged } }: Told) {
  if (damaged === null) return null;
  return (
    <>
      {' '}
      The newest one was found damaged
      {damaged.foundAt !== null && (
        <>
          {' '}
          <Ago at={damaged.foundAt} />
        </>
      )}
      : {within(ROOM_FOR_CAUSE, damaged.says)} <a href={`/backups/${damaged.id}`}>Show it</a>.
    </>
  );
}
