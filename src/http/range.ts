import type { ByteRange } from '../object-stores/object-store.ts';

/** What a request asks of a file: all of it, a part, or a part that isn't there. */
export type AskedRange = ByteRange | 'unsatisfiable' | undefined;

/**
 * The part of a file that a request asks for (RFC 9110, section 14): one range, `bytes=0-99`, `bytes=100-` or
 * `bytes=-100`. Several ranges, other units, what can't be read and an If-Range that is not the file's entity tag all
 * mean the whole file, as the RFC allows.
 */
export function askedRange(
  headers: Headers,
  file: { readonly totalBytes: number; readonly etag: string | null },
): AskedRange {
  const ifRange = headers.get('if-range');
  if (ifRange !== null && ifRange !== file.etag) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(headers.get('range')?.replaceAll(/[ \t]/g, '') ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  return first === '' ? lastBytes(Number(last), file.totalBytes) : between(first, last, file.totalBytes);
}

function lastBytes(count: number, totalBytes: number): AskedRange {
  if (count === 0 || totalBytes === 0) return 'unsatisfiable';
  return { start: Math.max(0, totalBytes - count), end: totalBytes - 1 };
}

function between(first: string, last: string, totalBytes: number): AskedRange {
  const start = Number(first);
  const end = last === '' ? totalBytes - 1 : Math.min(Number(last), totalBytes - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= totalBytes ? 'unsatisfiable' : { start, end };
}
