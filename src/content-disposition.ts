import { encodeStrictly } from './percent-encoding.ts';

/**
 * `attachment` with a plain ASCII name for old clients and, where that is another one, the exact name in UTF-8 (RFC 6266).
 * All of it stays ASCII, so that the value can be signed as a header, and no name can break out of its quotes.
 */
export function attachment(fileName: string): string {
  const name = fileName.toWellFormed().replaceAll('/', '_');
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const base = `attachment; filename="${plain}"`;
  return plain === name ? base : `${base}; filename*=UTF-8''${encodeStrictly(name)}`;
}

/** The name that such a value gives a file; null where it gives none that can be read. */
export function fileNameIn(disposition: string | null): string | null {
  const [, exact] = /;\s*filename\*=UTF-8''([^;\s]+)/i.exec(disposition ?? '') ?? [];
  const [, plain] = /;\s*filename="([^"]*)"/i.exec(disposition ?? '') ?? [];
  return (exact === undefined ? null : decoded(exact)) ?? (plain || null);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
