import type { Context } from 'hono';
import type { Download } from '../backup/download.ts';

/** A file as an attachment. Closing the answer early closes the file. */
export function sendDownload(c: Context, download: Extract<Download, { kind: 'stream' }>): Response {
  return c.body(download.body, 200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(download.bytes),
    'Content-Disposition': disposition(download.fileName),
  });
}

/** RFC 6266: a plain name for old clients and, where it differs, the exact one in UTF-8. */
function disposition(fileName: string): string {
  const plain = fileName.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(fileName).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const base = `attachment; filename="${plain}"`;
  return plain === fileName ? base : `${base}; filename*=UTF-8''${exact}`;
}
