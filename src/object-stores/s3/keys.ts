import { AppError } from '../../errors.ts';
import { hasDotSegment } from '../../paths.ts';
import { encodeStrictly } from '../../percent-encoding.ts';

const MAX_KEY_BYTES = 1024;

/**
 * Throws `invalid` for a key that can't be stored safely. `.` and `..` segments are signed correctly but URL
 * normalisation makes them address another object; lone surrogates have no UTF-8; control characters break XML.
 */
export function checkKey(key: string): void {
  const why = whyNot(key);
  if (why) throw new AppError('invalid', `The object key ${JSON.stringify(key.slice(0, 200))} ${why}.`);
}

/** Throws `invalid` for a bucket name that could change the path or host of a URL. */
export function checkBucketName(bucket: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{2,254}$/.test(bucket) && !bucket.includes('..')) return;
  throw new AppError(
    'invalid',
    `${JSON.stringify(bucket.slice(0, 100))} can't be a bucket name: use 3 to 255 letters, digits, dots, hyphens and underscores.`,
    { details: { field: 'bucket' } },
  );
}

/** The key as the path of a URL: every segment percent-encoded, the separators kept. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeStrictly).join('/');
}

function whyNot(key: string): string | null {
  if (key === '') return 'is empty';
  if (!key.isWellFormed()) return 'holds half of a surrogate pair';
  if (hasControlCharacter(key)) return 'holds control characters';
  if (hasDotSegment(key)) {
    return 'holds a segment "." or ".."';
  }
  const bytes = new TextEncoder().encode(key).byteLength;
  return bytes > MAX_KEY_BYTES ? `has ${bytes} bytes; storages allow ${MAX_KEY_BYTES}` : null;
}

function hasControlCharacter(text: string): boolean {
  return Array.from(text).some((character) => {
    const point = character.codePointAt(0) ?? 0;
    return point < 0x20 || point === 0x7f || point === 0xfffe || point === 0xffff;
  });
}
