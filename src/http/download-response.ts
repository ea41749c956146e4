import type { Context } from 'hono';
import type { Actor } from '../audit/audit.ts';
import { auditDownload } from '../backups/audit-download.ts';
import { type Download, openDownload } from '../backups/download.ts';
import { attachment } from '../content-disposition.ts';
import type { Services } from '../services-port.ts';
import { askedRange } from './range.ts';

/**
 * A backup's download for this request: the part that its headers ask for, ended when the client goes away. The audit has it before
 * the client does; a HEAD gets none of it.
 */
export async function downloadFor(
  c: Context,
  services: Services,
  actor: Actor,
  backupId: string,
): Promise<Download> {
  const { headers, signal } = c.req.raw;
  const download = await openDownload(services, backupId, {
    signal,
    range: (file) => askedRange(headers, file),
  });
  if (download.kind === 'unsatisfiable' || c.req.method === 'HEAD') return download;
  try {
    await auditDownload(services, actor, backupId, download);
  } catch (error) {
    if (download.kind === 'stream') await download.body.cancel();
    throw error;
  }
  return download;
}

/** A file, or a part of it, as an attachment. Closing the answer early closes the file. */
export async function sendDownload(
  c: Context,
  download: Exclude<Download, { kind: 'url' }>,
): Promise<Response> {
  if (download.kind === 'unsatisfiable') return refuseRange(c, download.totalBytes);
  const { range, bytes, totalBytes, etag } = download;
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(bytes),
    'Content-Disposition': attachment(download.fileName),
    'Accept-Ranges': 'bytes',
    ...(etag === null ? {} : { ETag: etag }),
    ...(range === null ? {} : { 'Content-Range': `bytes ${range.start}-${range.end}/${totalBytes}` }),
  };
  const status = range === null ? 200 : 206;
  if (c.req.method !== 'HEAD') return c.body(download.body, status, headers);
  // Nobody would read the body: the file, and the process that reads it, would stay open.
  await download.body.cancel();
  return c.body(null, status, headers);
}

function refuseRange(c: Context, totalBytes: number): Response {
  const message = `The backup has ${totalBytes} bytes; there is nothing in the range that was asked for.`;
  const body = { code: 'VALIDATION_ERROR', message, requestId: c.get('requestId') };
  return c.json(body, 416, { 'Content-Range': `bytes */${totalBytes}`, 'Accept-Ranges': 'bytes' });
}
