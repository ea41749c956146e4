import { type ErrorCode, isAppError } from '../../errors.ts';
import { abortUpload } from '../s3/abort-upload.ts';
import type { S3Connection } from '../s3/connection.ts';
import { createUpload } from '../s3/create-upload.ts';
import { attemptedOf, HEAD_CHANGED } from '../s3/errors.ts';
import { isFromBetween } from '../s3/in-between.ts';
import { send } from '../s3/request.ts';
import { type Diagnosis, type DiagnosisKind, diagnosis } from './diagnosis.ts';

/** What tests may write under, and nothing else does. */
export const RESERVED_PREFIX = '.bridgeport-probe/';

/** What was found, and whether it would keep a backup from being stored. */
export interface Tried {
  readonly found: Diagnosis | null;
  readonly isRefused: boolean;
  /** What became of the upload that was begun. Nothing found is no proof: only `taken` is. */
  readonly upload: 'taken' | 'refused' | 'unknown';
}

/** Where the upload met no clear answer: a backup may go through all the same, or not. */
export function notKnown(bucket: string, why: string): Tried {
  const sentence = `Whether backups can be stored there is not known: ${why} The deep test, or a backup, tells.`;
  return { found: diagnosis('other', sentence, { bucket }), isRefused: false, upload: 'unknown' };
}

/**
 * Tries in a bucket, without storing anything, what each backup does: begins an upload, which it takes back at once, and
 * looks for an object that isn't there. `prefixes` are those of databases, of which one has to be writable.
 */
export async function tryBucket(
  connection: S3Connection,
  bucket: string,
  options: { readonly prefixes: readonly string[]; readonly looks: boolean; readonly signal: AbortSignal },
): Promise<Tried> {
  const { prefixes, looks, signal } = options;
  const bases = prefixes.length === 0 ? [''] : prefixes;
  const key = (base: string) => `${base}${RESERVED_PREFIX}${crypto.randomUUID()}/tried.bin`;
  if (looks) {
    const changed = await tryHead(connection, bucket, key(bases[0] ?? ''), signal);
    if (changed !== null) return { found: changed, isRefused: true, upload: 'refused' };
  }
  const isSure = prefixes.length > 0;
  let tried = notKnown(bucket, 'no upload was begun.');
  for (const base of bases) {
    tried = await tryUpload(connection, { bucket, key: key(base) }, { isSure, signal });
    // Who gives no clear answer under one prefix is not waited for under each.
    if (tried.upload === 'unknown' || (tried.upload === 'taken' && tried.found === null)) return tried;
  }
  return tried;
}

/** A proxy that asks GET for HEAD: the one is refused, the other is not, for something that isn't there. */
async function tryHead(
  connection: S3Connection,
  bucket: string,
  key: string,
  signal: AbortSignal,
): Promise<Diagnosis | null> {
  const request = { operation: 'HeadObject', method: 'HEAD', bucket, key, signal } as const;
  const allow = [400, 401, 403, 404];
  const head = await send(connection, { ...request, allow });
  if (head.status === 404 || head.status < 300) return null;
  const read = { ...request, operation: 'GetObject', method: 'GET', allow } as const;
  const got = await send(connection, { ...read, headers: { range: 'bytes=0-0' } });
  if (got.status !== 404 || isFromBetween(got, read)) return null;
  // A refusal to HEAD does not say why: of a wrong clock or region, say, of which GET's refusal was learned from.
  const again = await send(connection, { ...request, allow });
  if (again.status === 404 || again.status < 300) return null;
  const { host } = new URL(attemptedOf(connection, request).endpoint);
  const sentence = `${host} answers ${again.status} to HEAD and 404 to GET of the same. ${HEAD_CHANGED}`;
  return diagnosis('proxy', sentence, { bucket });
}

async function tryUpload(
  connection: S3Connection,
  target: { readonly bucket: string; readonly key: string },
  { isSure, signal }: { readonly isSure: boolean; readonly signal: AbortSignal },
): Promise<Tried> {
  const { bucket } = target;
  let uploadId: string;
  try {
    uploadId = await createUpload(connection, target, {
      signal,
      token: crypto.randomUUID(),
      contentType: 'application/octet-stream',
      fileName: 'tried.bin',
    });
  } catch (error) {
    if (!isAppError(error)) throw error;
    if (!REFUSALS.some((code) => code === error.code)) return notKnown(bucket, error.message);
    const { requestId } = error.details;
    const about = { bucket, requestId: typeof requestId === 'string' ? requestId : null };
    // Without a database there, nobody knows under which prefix such a key may write.
    const hint = isSure
      ? ''
      : ' A key that is limited to a prefix is tried again once a database backs up under it.';
    const sentence = `Backups can't be stored: ${error.message}${hint}`;
    return { found: diagnosis(kindOf(error.code), sentence, about), isRefused: isSure, upload: 'refused' };
  }
  try {
    await abortUpload(connection, target, uploadId, signal);
    return { found: null, isRefused: false, upload: 'taken' };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const sentence = `An upload can be begun and not be taken back; the one that the test began stays until the deep test removes it. ${error.message}`;
    return { found: diagnosis(kindOf(error.code), sentence, { bucket }), isRefused: false, upload: 'taken' };
  }
}

/** Clear answers; anything else is told by the deep test and by the backup itself. */
const REFUSALS: readonly ErrorCode[] = ['storage_denied', 'storage_proxy', 'storage_full'];

function kindOf(code: string): DiagnosisKind {
  if (code === 'storage_denied') return 'denied';
  return code === 'storage_proxy' ? 'proxy' : 'other';
}
