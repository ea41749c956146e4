import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';
import { Facts } from './parts/facts.tsx';
import { formatBytes } from './parts/format.ts';
import { Notice } from './parts/notice.tsx';
import { Table } from './parts/table.tsx';

/** What the last deep test found, or how far the running one is. */
export interface CapabilityCardProps {
  readonly running: DeepTestProgress | null;
  readonly result: DeepTestResult | null;
}

export interface DeepTestProgress {
  readonly bucket: string | null;
  readonly step: string;
  readonly done: number;
  /** 0 while the buckets are not known. */
  readonly steps: number;
}

export interface DeepTestResult {
  readonly finishedAt: string;
  /** The settings were changed after it had begun, or lead to another storage: it says nothing of those. */
  readonly isOfFormerSettings: boolean;
  /** Why it ran, such as `asked for`. */
  readonly cause: string;
  readonly provider: string;
  readonly host: string;
  readonly problems: readonly string[];
  readonly lost: readonly string[];
  readonly buckets: readonly BucketCapabilities[];
}

export interface BucketCapabilities {
  readonly bucket: string;
  readonly isSound: boolean;
  readonly versioning: 'kept' | 'off' | 'unknown';
  readonly objectLock: string | null;
  readonly storageClass: string | null;
  /** Seconds; positive: the storage's clock is ahead. */
  readonly clockOffsetSeconds: number | null;
  readonly uploadBytesPerSecond: number | null;
  readonly downloadBytesPerSecond: number | null;
  readonly writtenBytes: number;
  readonly removedFromEarlier: number;
  readonly checks: readonly CapabilityCheck[];
  readonly left: readonly { readonly what: string; readonly until: string | null; readonly reason: string }[];
}

export interface CapabilityCheck {
  readonly name: string;
  readonly outcome: 'ok' | 'absent' | 'failed' | 'skipped';
  readonly message: string;
  readonly requestId: string | null;
}

/** The page's section. While a test runs it asks for itself again every second; without JavaScript, reloading does. */
export function CapabilityCard({ running, result }: CapabilityCardProps) {
  const live = running === null ? {} : { 'hx-get': CARD, 'hx-trigger': 'every 1s', 'hx-swap': 'outerMorph' };
  return (
    <section id="capability-card" aria-labelledby="capabilities" tabindex={-1} {...live}>
      <h2 id="capabilities">What the storage can do</h2>
      <p>
        The deep test stores, reads, lists and deletes what backups would, in each bucket that is named or in
        use: one part of the size that backups send, usually 16 MiB, under <code>.bridgeport-probe/</code>,
        removed at once.
      </p>
      {running === null ? <DeepTestButton isFirst={result === null} /> : <Running progress={running} />}
      {result === null ? running === null && <p>It has not been run yet.</p> : <Result result={result} />}
    </section>
  );
}

const CARD = '/admin/storage/deep-test/card';

function DeepTestButton({ isFirst }: { isFirst: boolean }) {
  return (
    <form
      method="post"
      action="/admin/storage/deep-test"
      hx-post={CARD}
      hx-target="#capability-card"
      hx-swap="outerHTML"
      hx-sync="drop"
    >
      <div class="actions">
        <button type="submit" class="secondary">
          {isFirst ? 'Run the deep test' : 'Run the deep test again'}
        </button>
      </div>
    </form>
  );
}

function Running({ progress }: { progress: DeepTestProgress }) {
  const { bucket, step, done, steps } = progress;
  return (
    <div class="deep-test-progress">
      {steps === 0 ? (
        <progress aria-label="Deep test" />
      ) : (
        <progress max={steps} value={done} aria-label="Deep test" />
      )}
      <p role="status">
        {bucket === null ? null : <strong>{bucket}: </strong>}
        {step}…
      </p>
      <noscript>
        <p>
          {/* Without a fragment, which would only scroll: the page was led to by the same one. */}
          <a href="/admin/storage">Look again</a>
        </p>
      </noscript>
    </div>
  );
}

function Result({ result }: { result: DeepTestResult }) {
  return (
    <>
      <p>
        Last run <Ago at={result.finishedAt} />, {result.cause}, at {result.host} ({result.provider}).
        {result.isOfFormerSettings &&
          ' The settings were changed since: what it found says nothing of those that count now.'}
      </p>
      {result.lost.length > 0 && (
        <Notice tone="warning">
          <p>
            <strong>This worked before and does not any more.</strong>
          </p>
          <Sentences sentences={result.lost} />
        </Notice>
      )}
      {result.problems.length > 0 && (
        <Notice tone="error">
          <Sentences sentences={result.problems} />
        </Notice>
      )}
      {result.buckets.map((bucket) => (
        <Bucket key={bucket.bucket} bucket={bucket} of={result.finishedAt} />
      ))}
    </>
  );
}

/** Of one result nothing changes: what somebody has opened stays open while the next test runs. */
function Bucket({ bucket, of }: { bucket: BucketCapabilities; of: string }) {
  return (
    <details
      class="capabilities"
      id={`capabilities-${bucket.bucket}-${of}`}
      hx-morph-skip="true"
      open={!bucket.isSound || bucket.left.length > 0}
    >
      <summary>
        <strong>{bucket.bucket}</strong>{' '}
        {bucket.isSound ? (
          <Badge tone="success" text="fit for backups" />
        ) : (
          <Badge tone="error" text="not fit for backups" />
        )}
      </summary>
      {bucket.left.length > 0 && <Left left={bucket.left} />}
      <Facts facts={factsOf(bucket)} />
      <Table caption={`Checks of ${bucket.bucket}`} columns={['Check', 'Result', 'What was found']}>
        {bucket.checks.filter(isTried).map((check) => (
          <tr key={check.name}>
            <th scope="row">{check.name}</th>
            <td data-label="Result">
              <Badge {...BADGES[check.outcome]} />
            </td>
            <td data-label="Found">
              {check.message}
              {check.requestId !== null && (
                <>
                  {' '}
                  <small>
                    The storage calls this request <code>{check.requestId}</code>.
                  </small>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <NotTried checks={bucket.checks.filter((check) => !isTried(check))} />
    </details>
  );
}

type TriedCheck = CapabilityCheck & { readonly outcome: keyof typeof BADGES };

const isTried = (check: CapabilityCheck): check is TriedCheck => check.outcome !== 'skipped';

/** Rows of what was not tried would only hide why. */
function NotTried({ checks }: { checks: readonly CapabilityCheck[] }) {
  if (checks.length === 0) return null;
  const reasons = new Set(checks.map(({ message }) => message));
  return (
    <p>
      Not tried: {checks.map(({ name }) => name).join(', ')}. {[...reasons].join(' ')}
    </p>
  );
}

const BADGES = {
  ok: { tone: 'success', text: 'works' },
  absent: { tone: 'neutral', text: 'not offered' },
  failed: { tone: 'error', text: 'fails' },
} as const;

function Left({ left }: { left: BucketCapabilities['left'] }) {
  return (
    <Notice tone="warning">
      <p>
        <strong>This stays in the bucket:</strong> the storage did not let it be removed. The next deep test
        tries again.
      </p>
      <ul>
        {left.map(({ what, until, reason }) => (
          <li key={what}>
            <code>{what}</code>
            {until === null ? `: ${reason}` : ', whose lock ends '}
            {until !== null && <Ago at={until} />}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Sentences({ sentences }: { sentences: readonly string[] }) {
  const [first, ...others] = sentences;
  if (others.length === 0) return <p>{first}</p>;
  return (
    <ul>
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

const VERSIONS = {
  kept: 'kept: what is deleted here is removed by its version',
  off: 'not kept',
  unknown: 'this key may not see them',
} as const;

function factsOf(bucket: BucketCapabilities): readonly (readonly [string, string])[] {
  const speed = (bytes: number | null) => (bytes === null ? 'not measured' : `${formatBytes(bytes)}/s`);
  return [
    ['Upload, one part', speed(bucket.uploadBytesPerSecond)],
    ['Download', speed(bucket.downloadBytesPerSecond)],
    ['Versions', VERSIONS[bucket.versioning]],
    ['Object lock', bucket.objectLock ?? 'none seen'],
    ...(bucket.storageClass === null ? [] : [['Storage class', bucket.storageClass] as const]),
    ['Clock', clockOf(bucket.clockOffsetSeconds)],
    ['Written at most', formatBytes(bucket.writtenBytes)],
    ...(bucket.removedFromEarlier === 0
      ? []
      : [['Removed', `${bucket.removedFromEarlier} left by an interrupted test`] as const]),
  ];
}

function clockOf(offsetSeconds: number | null): string {
  if (offsetSeconds === null) return 'the storage tells no time';
  if (offsetSeconds === 0) return 'agrees with this machine’s';
  const by = `${Math.abs(offsetSeconds)} s ${offsetSeconds > 0 ? 'ahead of' : 'behind'}`;
  return `the storage’s is ${by} this machine’s; requests are signed by the storage’s time. Set the time here (NTP).`;
}
