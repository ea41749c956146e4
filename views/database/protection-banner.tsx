import { Ago } from '../parts/ago.tsx';
import { PostButton } from '../parts/form.tsx';
import { formatHours } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import type { ProtectionState } from '../parts/protection-badge.tsx';

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
  } | null;
  readonly maxAgeHours: number;
}

/**
 * Says on the page of a database whether it is safe: since when it is not, why, and what counts as late. It loads itself
 * again when a run has begun or ended.
 */
export function ProtectionBanner(props: {
  readonly databaseId: string;
  readonly protection: ProtectionOfDatabase;
  readonly mayChange: boolean;
}) {
  const { state } = props.protection;
  return (
    <div
      id="protection"
      hx-get={`/databases/${props.databaseId}/protection`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerHTML"
    >
      <Words protection={props.protection} />
      {state !== 'protected' && props.mayChange && (
        <div class="actions">
          {/* What has not failed is backed up by the button of the page's head. */}
          {props.protection.failures !== null && (
            <PostButton action={`/databases/${props.databaseId}/backups`} label="Retry" />
          )}
          <PostButton action={`/databases/${props.databaseId}/test`} label="Test connection" />
        </div>
      )}
    </div>
  );
}

function Words({ protection }: { readonly protection: ProtectionOfDatabase }) {
  const { state, lastGoodAt, dueAt, maxAgeHours } = protection;
  // What is as it should be needs no words: the badge beside the name says it.
  if (state === 'protected') return null;
  if (state === 'failing' && lastGoodAt !== null && dueAt !== null) {
    return (
      <Notice tone="warning">
        Failing: <Failures protection={protection} /> The last good backup began <Ago at={lastGoodAt} />.
        Without a new one the database is late <Ago at={dueAt} />.
      </Notice>
    );
  }
  if (state === 'paused') {
    return (
      <Notice tone="warning">
        Paused: its schedule begins nothing until it goes on.{' '}
        {lastGoodAt === null ? (
          'There is no good backup yet.'
        ) : (
          <>
            The last good backup began <Ago at={lastGoodAt} />.
          </>
        )}
      </Notice>
    );
  }
  if (lastGoodAt === null || dueAt === null) {
    return (
      <Notice tone="error">
        Not safe: there is no good backup yet. <Failures protection={protection} />
      </Notice>
    );
  }
  return (
    <Notice tone="error">
      Not safe: the last good backup began <Ago at={lastGoodAt} />, and one should be no older than{' '}
      {formatHours(maxAgeHours)}. <Failures protection={protection} />
    </Notice>
  );
}

function Failures({ protection: { failures } }: { readonly protection: ProtectionOfDatabase }) {
  if (failures === null) return null;
  const { count, since, cause, isBeforeChange } = failures;
  const before = count === 1 ? ', before' : ', each time before';
  return (
    <>
      {count === 1 ? 'The last run failed' : `It failed ${count} times in a row, first`} <Ago at={since} />
      {isBeforeChange && `${before} its settings were changed`}
      {cause === null ? '.' : `: ${cause}`}
    </>
  );
}
