import { encodeStrictly } from './keys.ts';

/**
 * `attachment` with the name twice: ASCII for old clients, `filename*` (RFC 6266) for the real one. Both stay ASCII, so
 * that the value can be signed as a header; `'()*` are percent-encoded because some servers fail on them.
 */
export function attachment(fileName: string): string {
  const name = fileName.toWellFormed().replace(/[/\\]/g, '_');
  const ascii = name.replace(/[^\x20-\x7e]|["%]/g, '_');
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeStrictly(name)}`;
}
