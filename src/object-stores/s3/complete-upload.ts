import { type AppError, isAppError, toAppError } from '../../errors.ts';
import type { PutOptions, StoredObject } from '../object-store.ts';
import { uploadExists } from './abort-upload.ts';
import { refusalOf } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer, outOfPatience, refusalError } from './errors.ts';
import { withGrace } from './grace.ts';
import { versionIdOf } from './head.ts';
import { findOwn, uncertain } from './outcome.ts';
import { send } from './request.ts';
import { isPassing, judgeAnswer, pause } from './retry.ts';
import type { SentPart, Upload } from './upload-parts.ts';
import { escapeXml, parseXml, textOf } from './xml.ts';

export type SentUpload = Upload & { readonly parts: readonly SentPart[]; readonly bytes: number };

/** `lost`: nobody answered, the storage may still be at work. `failed`: it answered, but not with a clear no. */
type Outcome =
  | { readonly kind: 'stored'; readonly object: StoredObject }
  | { readonly kind: 'refused' | 'failed' | 'lost'; readonly error: AppError };

/** What a look at the storage found. */
type Sight = 'waiting' | 'gone' | 'unknown' | StoredObject;

/**
 * Makes the uploaded parts an object. A lost answer is never taken for a failure: the object is looked up by token and
 * size, and Complete is repeated, one after the other, only while the upload is seen to be there. Two at once can lose
 * parts, and an Abort beside one can leave an object that can't be read (both seen with Ceph).
 *
 * Throws `storage_uncertain` when the outcome can't be found out; any other error means that the upload may be removed.
 */
export async function completeUpload(
  connection: S3Connection,
  upload: SentUpload,
  options: PutOptions,
): Promise<StoredObject> {
  const { tuning } = connection;
  const startedAt = performance.now();
  /** A look that shows neither the upload nor the object is not made truer by minutes of looking. */
  const isOver = (round: number, sight: Sight) =>
    round >= tuning.settleRounds && (sight === 'gone' || performance.now() - startedAt >= tuning.patienceMs);
  let outcome = await complete(connection, upload, options.signal);
  if (outcome.kind === 'refused') throw outcome.error;
  for (let round = 1; outcome.kind !== 'stored'; round += 1) {
    const sight = await look(connection, upload, options);
    if (typeof sight === 'object') return sight;
    const { error, kind } = outcome;
    connection.platform.log.warn('the outcome of completing an upload is unknown', {
      bucket: upload.bucket,
      key: upload.key,
      round,
      sight,
      error,
    });
    if (sight === 'waiting' && kind === 'refused') throw error;
    if (isOver(round, sight)) {
      if (sight === 'waiting' && kind === 'failed') {
        throw tuning.patienceMs > 0 ? outOfPatience(error, round, performance.now() - startedAt) : error;
      }
      throw uncertain(upload, upload.uploadId, error);
    }
    await waitOrGiveUp(connection, upload, round, options.signal, error);
    if (sight === 'waiting') outcome = await complete(connection, upload, options.signal);
  }
  return outcome.object;
}

async function complete(connection: S3Connection, upload: SentUpload, signal: AbortSignal): Promise<Outcome> {
  const { bucket, key, uploadId, parts, bytes } = upload;
  const request = { operation: 'CompleteMultipartUpload', method: 'POST', bucket, key } as const;
  const body = new TextEncoder().encode(completionXml(parts));
  const { provider } = connection.addressOf(bucket);
  try {
    const sha256 = await connection.platform.sha256(body);
    const answer = await withGrace(connection, signal, (late) =>
      send(connection, {
        ...request,
        query: { uploadId },
        headers: {
          'content-type': 'application/xml',
          ...(provider.checksObjectSize ? { 'x-amz-mp-object-size': String(bytes) } : {}),
        },
        body,
        sha256,
        attempts: 1,
        timeoutMs: connection.tuning.completeTimeoutMs,
        signal: late,
      }),
    );
    const document = parseXml(answer.text);
    if (document?.root === 'CompleteMultipartUploadResult') {
      const etag = textOf(document.content, 'ETag');
      return { kind: 'stored', object: { bytes, etag, versionId: versionIdOf(answer.headers) } };
    }
    const attempted = attemptedOf(connection, request);
    if (document?.root !== 'Error') {
      return {
        kind: 'lost',
        error: badAnswer(attempted, 'the answer to Complete is cut short or no S3 answer'),
      };
    }
    const error = refusalError(answer, attempted, connection.settings);
    const { code } = refusalOf(answer);
    return {
      kind: judgeAnswer(answer) === 'final' && code !== 'NoSuchUpload' ? 'refused' : 'failed',
      error,
    };
  } catch (error) {
    return { kind: kindOf(error), error: toAppError(error) };
  }
}

function kindOf(error: unknown): 'refused' | 'failed' | 'lost' {
  if (!isAppError(error)) return 'lost';
  const { status, s3Code } = error.details;
  if (typeof status !== 'number') return 'lost';
  if (error.code === 'storage_proxy') return 'failed';
  // Answers of gateways in between: the storage behind them may still be at work.
  if (status === 502 || status === 504 || status >= 520) return 'lost';
  if (status >= 500 || status === 408 || status === 429 || status === 404) return 'failed';
  return isPassing(s3Code) ? 'failed' : 'refused';
}

async function look(
  connection: S3Connection,
  upload: SentUpload,
  { token, signal }: Pick<PutOptions, 'token' | 'signal'>,
): Promise<Sight> {
  try {
    return await withGrace(connection, signal, async (late) => {
      const own = await findOwn(connection, upload, { bytes: upload.bytes, token }, late);
      if (own) return own;
      return (await uploadExists(connection, upload, upload.uploadId, late)) ? 'waiting' : 'gone';
    });
  } catch (error) {
    connection.platform.log.warn('looking up the outcome of an upload failed', { key: upload.key, error });
    return 'unknown';
  }
}

async function waitOrGiveUp(
  { tuning }: S3Connection,
  upload: SentUpload,
  round: number,
  signal: AbortSignal,
  error: AppError,
): Promise<void> {
  try {
    await pause(Math.min(tuning.settleCapMs, tuning.settleBaseMs * 2 ** (round - 1)), signal);
  } catch {
    throw uncertain(upload, upload.uploadId, error);
  }
}

/** Parts in order, their ETags exactly as they came, quotes included. */
function completionXml(parts: readonly SentPart[]): string {
  const list = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`;
}
