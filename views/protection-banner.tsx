import { formatHours } from './parts/format.ts';
import { Instant } from './parts/instant.tsx';
import { Notice } from './parts/notice.tsx';
import type { ProtectionState } from './parts/protection-badge.tsx';

export interface ProtectionOfDatabase {
  readonly state: ProtectionState;
  /** When the dump of the last good backup began. */
  readonly lastGoodAt: string | null;
  /** When the next good one must be there, or must have been. */
  readonly dueAt: string | null;
  /** Runs that failed in a row since the last good one, and when the first of them began. */
  readonly failures: { readonly count: number; readonly since: string; readonly cause: string | null } | null;
  readonly maxAgeHours: number;
}

/**
 * Says on the page of a database whether it is safe: since when it is not, why, and what counts as late. It loads itself
 * again when a run has begun or ended.
 */
export function ProtectionBanner(props: {
  readonly databaseId: string;
  readonly protection: ProtectionOfDatabase;
}) {
  return (
    <div
      id="protection"
      hx-get={`/databases/${props.databaseId}/protection`}
      hx-trigger="backups-changed from:body"
      hx-swap="outerHTML"
    >
      <Words protection={props.protection} />
    </div>
  );
}

function Words({ protection }: { readonly protection: ProtectionOfDatabase }) {
  const { state, lastGoodAt, dueAt, maxAgeHours } = protection;
  if (state === 'protected' && lastGoodAt !== null) {
    return (
      <Notice tone="success">
        Protected: the last good backup began <Instant at={lastGoodAt} />, and its stored bytes were read
        back.
      </Notice>
    );
  }
  if (state === 'failing' && lastGoodAt !== null && dueAt !== null) {
    return (
      <Notice tone="warning">
        Failing: <Failures protection={protection} /> The last good backup began <Instant at={lastGoodAt} />.
        From <Instant at={dueAt} /> on the database is late.
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
            The last good backup began <Instant at={lastGoodAt} />.
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
      Not safe: the last good backup began <Instant at={lastGoodAt} />, and one should be no older than{' '}
      {formatHours(maxAgeHours)}. <Failures protection={protection} />
    </Notice>
  );
}

function Failures({ protection: { failures } }: { readonly protection: ProtectionOfDatabase }) {
  if (failures === null) return null;
  const times =
    failures.count === 1 ? 'The last run failed, on' : `It failed ${failures.count} times in a row, since`;
  return (
    <>
      {times} <Instant at={failures.since} />
      {failures.cause === null ? '.' : `: ${failures.cause}`}
    </>
  );
}
