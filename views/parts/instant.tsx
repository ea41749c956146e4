import { formatInstant } from './format.ts';

/** A point in time, or a dash. */
export function Instant({ at }: { readonly at: string | null }) {
  if (at === null) return <span>–</span>;
  return (
    <time datetime={at} title={at}>
      {formatInstant(at)}
    </time>
  );
}
