import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';
import { formatBytes } from './parts/format.ts';
import { formatExact } from './parts/format-time.ts';
import { Notice, type Tone } from './parts/notice.tsx';
import { useReader } from './parts/reader.ts';
import { Table } from './parts/table.tsx';

export interface BucketItem {
  readonly name: string;
  readonly source: 'configured' | 'discovered';
  readonly state: 'reachable' | 'denied' | 'missing' | 'wrong region';
  readonly message: string | null;
  /** Of the backups that lie in it. */
  readonly bytes: number;
  /** Of the last deep test; null where that left it out. */
  readonly deepTest: { readonly isFit: boolean; readonly at: string } | null;
  /** Databases that back up to it. */
  readonly databases: number;
  /** What it said of itself when it was tested last; null: nothing yet. */
  readonly traits: BucketTraitsShown | null;
}

export interface BucketTraitsShown {
  /** Whether what is deleted stays as an older version. */
  readonly versioning: 'on' | 'suspended' | 'off' | 'unknown';
  readonly lock: { readonly mode: string; readonly retention: string | null } | 'none' | 'unknown';
  readonly seenAt: string;
}

export interface BucketListProps {
  /** Null until somebody asks: the storage is not touched by opening the page without JavaScript. */
  readonly buckets: readonly BucketItem[] | null;
  /** Discovered ones beyond those that were tried. */
  readonly unchecked: number;
  /** Why there is no list. */
  readonly failure: { readonly message: string; readonly asksForNames: boolean } | null;
  /** True where the answer of Test Connection, which this comes with, says why there is none. */
  readonly isToldBelow?: boolean;
}

/**
 * What the key reaches. Loads itself; without JavaScript a link does. That has no fragment: followed once more, it would
 * only scroll.
 */
export function BucketList({ buckets, unchecked, failure, isToldBelow }: BucketListProps) {
  const isLoaded = buckets !== null || failure !== null || isToldBelow === true;
  const loading = isLoaded ? {} : { 'hx-get': LIST, 'hx-trigger': 'load', 'hx-swap': 'outerHTML' };
  return (
    <section
      id="buckets"
      aria-labelledby="buckets-title"
      hx-swap-oob={isToldBelow ? 'true' : undefined}
      {...loading}
    >
      <div class="section-heading">
        <h2 id="buckets-title">Buckets</h2>
        <a
          id="look-for-buckets"
          href="/admin/storage?buckets=refresh"
          hx-get={`${LIST}?refresh=true`}
          hx-target="#buckets"
          hx-swap="outerHTML"
          hx-indicator="#buckets-wait"
        >
          {isLoaded ? 'Look again' : 'Look for buckets'}
        </a>
        <span id="buckets-wait" class="htmx-indicator" aria-hidden="true">
          Looking…
        </span>
      </div>
      <p>Buckets are created at the provider; here they are only used.</p>
      {isToldBelow && <p>There is no list: Test Connection says below what is in the way.</p>}
      {failure !== null && (
        <Notice tone="error">
          {!failure.asksForNames && <input type="hidden" id={LIST_FAILS} name="listFails" value="true" />}
          <p>
            {failure.message}
            {failure.asksForNames && ' '}
            {failure.asksForNames && <a href="/admin/storage/edit#field-buckets">Go to the Buckets field</a>}
          </p>
        </Notice>
      )}
      {buckets !== null && buckets.length === 0 && <p>This key sees no bucket.</p>}
      {buckets !== null && buckets.length > 0 && <Buckets buckets={buckets} />}
      {unchecked > 0 && <p>{unchecked} more were discovered and not tried one by one.</p>}
    </section>
  );
}

/** Sent along by Test Connection: what it finds in the way of a list is told once, and better than by the list. */
export const LIST_FAILS = 'list-fails';

const LIST = '/admin/storage/buckets';

const COLUMNS = [
  'Bucket',
  'State',
  { label: 'Used', isFigure: true },
  { label: 'Databases', isFigure: true },
  'Versions',
  'Object lock',
  'Deep test',
] as const;

function Buckets({ buckets }: { buckets: readonly BucketItem[] }) {
  return (
    <>
      <Table caption="Buckets" columns={COLUMNS}>
        {buckets.map((bucket) => (
          <BucketRow key={bucket.name} bucket={bucket} />
        ))}
      </Table>
      <p class="field-help">
        Versions and object lock are as the last Test Connection or deep test saw them. Not known: no test has
        asked the bucket yet, this key may not see it, or the provider has no such thing.
      </p>
    </>
  );
}

function BucketRow({ bucket }: { bucket: BucketItem }) {
  const { name, state, source, message, bytes, databases, traits, deepTest } = bucket;
  const { versioning, lock } = traits ?? { versioning: 'unknown', lock: 'unknown' };
  const zone = useReader()?.zone ?? 'UTC';
  const seen = traits === null ? undefined : `Seen ${formatExact(traits.seenAt, zone)}`;
  return (
    <tr>
      <th scope="row" title={source === 'configured' ? 'Named by hand' : 'Discovered with the key'}>
        {name}
      </th>
      <td class="state" data-label="State">
        <Badge tone={TONES[state]} text={state} />
        {message !== null && <small class="bucket-answer">{message}</small>}
      </td>
      <td class="figure used" data-label="Used">
        {formatBytes(bytes)}
      </td>
      <td class="figure" data-label="Databases">
        {databases === 0 ? '0' : <a href={databasesIn(name)}>{databases}</a>}
      </td>
      <td class={known(versioning !== 'unknown')} data-label="Versions" title={seen}>
        {VERSIONS[versioning]}
      </td>
      <td class={known(lock !== 'unknown')} data-label="Lock" title={seen}>
        {lockText(lock)}
      </td>
      <td class={deepTest === null ? 'tested unknown' : 'tested'} data-label="Test">
        {deepTest === null ? (
          'not yet'
        ) : (
          <>
            {deepTest.isFit ? 'fit' : 'not fit'}, <Ago at={deepTest.at} />
          </>
        )}
      </td>
    </tr>
  );
}

/** What nobody knows takes no room on a phone. */
const known = (isKnown: boolean) => (isKnown ? undefined : 'unknown');

/** Of all environments, as they are counted. */
const databasesIn = (bucket: string) =>
  `/databases?environment=&storage=${encodeURIComponent(`bucket:${bucket}`)}`;

const VERSIONS = {
  on: 'kept',
  suspended: 'suspended',
  off: 'not kept',
  unknown: 'not known',
} as const;

function lockText(lock: BucketTraitsShown['lock']): string {
  if (lock === 'unknown') return 'not known';
  if (lock === 'none') return 'none';
  if (lock.retention === null) return lock.mode === 'enabled' ? 'on, by object' : lock.mode.toLowerCase();
  return `${lock.mode.toLowerCase()}, ${lock.retention}`;
}

const TONES: Readonly<Record<BucketItem['state'], Tone>> = {
  reachable: 'success',
  denied: 'error',
  missing: 'error',
  'wrong region': 'warning',
};
