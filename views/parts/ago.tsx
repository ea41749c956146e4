import { clockOf, describeAgo, formatDate, formatExact } from './format-time.ts';
import { useReader } from './reader.ts';

/** A point in time: relative below seven days, else its date; the exact instant with its zone in the title. */
export function Ago({ at, none = '–' }: { readonly at: string | null; readonly none?: string }) {
  const reader = useReader();
  if (at === null) return <span>{none}</span>;
  const zone = reader?.zone ?? 'UTC';
  return (
    <time datetime={at} title={formatExact(at, zone)}>
      {reader === null ? formatExact(at, zone) : describeAgo(at, reader.now, zone)}
    </time>
  );
}

/** When something is to begin: by the clock, and how long that is, as `02:00 · in 3 h`; the exact instant with its zone in the title. */
export function Due({ at }: { readonly at: string }) {
  const reader = useReader();
  const zone = reader?.zone ?? 'UTC';
  const exact = formatExact(at, zone);
  return (
    <time datetime={at} title={exact}>
      {reader === null ? exact : `${clockOf(exact)} · ${describeAgo(at, reader.now, zone)}`}
    </time>
  );
}

/** To the second and with its zone, on the page of the thing itself. */
export function Exact({ at }: { readonly at: string }) {
  return <time datetime={at}>{formatExact(at, useReader()?.zone ?? 'UTC')}</time>;
}

/** The date of something that lies ahead, or whose age says nothing; the exact instant with its zone in the title. */
export function Day({ at }: { readonly at: string }) {
  const zone = useReader()?.zone ?? 'UTC';
  return (
    <time datetime={at} title={formatExact(at, zone)}>
      {formatDate(at, zone)}
    </time>
  );
}
