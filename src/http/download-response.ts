import type { Context } from 'hono';
import type { Download } from '../backup/download.ts';

/** A file as an attachment. Closing the answer early closes the file. */
export async function sendDownload(
  c: Context,
  download: Extract<Download, { kind: 'stream' }>,
): Promise<Response> {
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(download.bytes),
    'Content-Disposition': disposition(download.fileName),
  };
  if (c.req.method !== 'HEAD') return c.body(download.body, 200, headers);
  // Nobody would read the body: the file, and the process that reads it, would stay open.
  await download.body.cancel();
  return c.body(null, 200, headers);
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
