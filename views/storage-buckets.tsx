import { Badge } from './parts/badge.tsx';
import { Notice, type Tone } from './parts/notice.tsx';
import { Table } from './parts/table.tsx';

export interface BucketItem {
  readonly name: string;
  readonly source: 'configured' | 'discovered';
  readonly state: 'reachable' | 'denied' | 'missing' | 'wrong region';
  readonly message: string | null;
}

export interface BucketListProps {
  /** Null until somebody asks: the storage is not touched by opening the page without JavaScript. */
  readonly buckets: readonly BucketItem[] | null;
  /** Discovered ones beyond those that were tried. */
  readonly unchecked: number;
  /** Why there is no list. */
  readonly failure: { readonly message: string; readonly asksForNames: boolean } | null;
}

/**
 * What the key reaches. Loads itself; without JavaScript a link does. That has no fragment: followed once more, it would
 * only scroll.
 */
export function BucketList({ buckets, unchecked, failure }: BucketListProps) {
  const isLoaded = buckets !== null || failure !== null;
  const loading = isLoaded ? {} : { 'hx-get': LIST, 'hx-trigger': 'load', 'hx-swap': 'outerHTML' };
  return (
    <section id="buckets" aria-labelledby="buckets-title" {...loading}>
      <div class="section-heading">
        <h2 id="buckets-title">Buckets</h2>
        <a
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
      {failure !== null && (
        <Notice tone="error">
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

const LIST = '/admin/storage/buckets';

function Buckets({ buckets }: { buckets: readonly BucketItem[] }) {
  return (
    <Table caption="Buckets" columns={['Bucket', 'State', 'Known', 'What the storage said']}>
      {buckets.map(({ name, state, source, message }) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td data-label="State">
            <Badge tone={TONES[state]} text={state} />
          </td>
          <td data-label="Known">{source === 'configured' ? 'named by hand' : 'discovered'}</td>
          <td data-label="Answer">{message ?? '–'}</td>
        </tr>
      ))}
    </Table>
  );
}

const TONES: Readonly<Record<BucketItem['state'], Tone>> = {
  reachable: 'success',
  denied: 'error',
  missing: 'error',
  'wrong region': 'warning',
};
