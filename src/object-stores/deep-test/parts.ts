import { AppError, isAppError } from '../../errors.ts';
import { abortUpload } from '../s3/abort-upload.ts';
import { refusalOf, type S3Answer } from '../s3/answer.ts';
import { tryOnce } from '../s3/attempt.ts';
import { attemptedOf, badAnswer, networkError, refusalError } from '../s3/errors.ts';
import { getObject } from '../s3/get.ts';
import { TOKEN_HEADER, versionIdOf } from '../s3/head.ts';
import { sizeOf } from '../s3/in-between.ts';
import { judgeAnswer, judgeNetwork, pause } from '../s3/retry.ts';
import { encryptionHeaders } from '../s3/target.ts';
import { escapeXml, parseXml, textOf } from '../s3/xml.ts';
import { fillRandom, randomBytes } from './bytes.ts';
import { absent, ask, type BucketTest, type Finding, failed, ok, skip, spend, tryCheck } from './run.ts';

const LAST_PART_BYTES = 64 * 1024;

export interface Throughput {
  readonly uploadBytesPerSecond: number | null;
  readonly downloadBytesPerSecond: number | null;
}

/** Uploads an object in two parts and reads it back; measures both ways. */
export async function checkParts(run: BucketTest): Promise<Throughput> {
  const key = `${run.folder}parts.bin`;
  const throughput = {
    uploadBytesPerSecond: null as number | null,
    downloadBytesPerSecond: null as number | null,
  };
  const buffer = await run.connection.platform.partMemory.acquire(run.partBytes, run.signal);
  try {
    fillRandom(buffer.bytes);
    const first = buffer.bytes.subarray(0, run.partBytes);
    const last = randomBytes(LAST_PART_BYTES);
    const stored = await tryCheck(run, 'multipart', async () => {
      throughput.uploadBytesPerSecond = await uploadTwo(run, key, [first, last]);
      return ok(`Uploads in parts work, also with a part of ${sizeOf(run.partBytes)} as backups send it.`);
    });
    if (!stored) {
      skip(run, ['readBack', 'metadata'], 'Nothing was uploaded in parts.');
      return throughput;
    }
    await tryCheck(run, 'readBack', async () => {
      throughput.downloadBytesPerSecond = await readBack(run, key, [first, last]);
      return ok('What was uploaded in parts reads back the same.');
    });
  } finally {
    buffer.release();
  }
  await tryCheck(run, 'metadata', () => lookAtToken(run, key));
  return throughput;
}

/** Begins an upload, aborts it and looks whether it is gone. */
export async function checkAbort(run: BucketTest): Promise<void> {
  const key = `${run.folder}aborted.bin`;
  await tryCheck(run, 'abort', async () => {
    const uploadId = await begin(run, key);
    await sendPart(run, key, uploadId, 1, randomBytes(1024));
    await abortUpload(run.connection, { bucket: run.bucket, key }, uploadId, run.signal);
    run.uploads.splice(
      0,
      run.uploads.length,
      ...run.uploads.filter((upload) => upload.uploadId !== uploadId),
    );
    return ok('An aborted upload is gone.');
  });
}

async function uploadTwo(
  run: BucketTest,
  key: string,
  parts: readonly [Uint8Array, Uint8Array],
): Promise<number> {
  const uploadId = await begin(run, key);
  const first = await sendPart(run, key, uploadId, 1, parts[0]);
  const last = await sendPart(run, key, uploadId, 2, parts[1]);
  const entry: BucketTest['made'][number] = { key, versionId: null };
  run.made.push(entry);
  const answer = await complete(run, key, uploadId, [first.etag, last.etag]);
  entry.versionId = versionIdOf(answer.headers);
  run.uploads.splice(0, run.uploads.length, ...run.uploads.filter((upload) => upload.uploadId !== uploadId));
  return first.bytesPerSecond;
}

async function begin(run: BucketTest, key: string): Promise<string> {
  const request = { operation: 'CreateMultipartUpload', method: 'POST', key } as const;
  const { text } = await ask(run, {
    ...request,
    query: { uploads: '' },
    headers: {
      'content-type': 'application/octet-stream',
      [TOKEN_HEADER]: run.token,
      ...encryptionHeaders(run.connection.settings),
    },
  });
  const uploadId = textOf(parseXml(text)?.content, 'UploadId');
  if (!uploadId) {
    throw badAnswer(
      attemptedOf(run.connection, { ...request, bucket: run.bucket }),
      'the answer holds no upload id',
    );
  }
  run.uploads.push({ key, uploadId });
  return uploadId;
}

const MAX_TRIES = 3;

/**
 * Sent again where that may help. A part of the same number takes the place of one that was stored though its answer was
 * lost: a proxy that refuses a large body often closes the connection before its answer is heard.
 */
async function sendPart(
  run: BucketTest,
  key: string,
  uploadId: string,
  number: number,
  body: Uint8Array,
): Promise<{ etag: string; bytesPerSecond: number }> {
  const { connection, bucket, signal } = run;
  const request = { operation: 'UploadPart', method: 'PUT', bucket, key } as const;
  const sha256 = await connection.platform.sha256(body);
  const attempted = attemptedOf(connection, { ...request, body });
  spend(run, body.byteLength);
  for (let tries = 1; ; tries += 1) {
    const startedAt = performance.now();
    const query = { partNumber: String(number), uploadId };
    const outcome = await tryOnce(connection, { ...request, query, body, sha256, signal });
    if (outcome.kind === 'failed') {
      if (judgeNetwork(outcome.error) === 'final' || tries >= MAX_TRIES) {
        throw networkError(outcome.error, attempted);
      }
      await pause(200 * tries, signal);
      continue;
    }
    const { answer } = outcome;
    if (answer === undefined) throw badAnswer(attempted, 'the answer can not be read');
    if (outcome.kind === 'success') {
      const etag = answer.headers.get('etag');
      if (!etag) throw badAnswer(attempted, 'the answer has no ETag');
      const seconds = Math.max(1, performance.now() - startedAt) / 1000;
      return { etag, bytesPerSecond: Math.round(body.byteLength / seconds) };
    }
    if (judgeAnswer(answer) === 'final' || tries >= MAX_TRIES) {
      throw refusalError(answer, attempted, connection.settings);
    }
    await pause(200 * tries, signal);
  }
}

async function complete(
  run: BucketTest,
  key: string,
  uploadId: string,
  etags: readonly string[],
): Promise<S3Answer> {
  const { connection, bucket } = run;
  const list = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  const body = new TextEncoder().encode(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`,
  );
  const request = { operation: 'CompleteMultipartUpload', method: 'POST', key } as const;
  const answer = await ask(run, {
    ...request,
    query: { uploadId },
    headers: { 'content-type': 'application/xml' },
    body,
    sha256: await connection.platform.sha256(body),
    attempts: 1,
  });
  // Some storages answer 200 at once and the error after it.
  if (parseXml(answer.text)?.root === 'CompleteMultipartUploadResult') return answer;
  const attempted = attemptedOf(connection, { ...request, bucket });
  throw refusalOf(answer).code === null
    ? badAnswer(attempted, 'the answer to Complete is no S3 answer')
    : refusalError(answer, attempted, connection.settings);
}

/** Bytes per second. Compares as it reads: nothing but the sent part is kept. */
async function readBack(
  run: BucketTest,
  key: string,
  parts: readonly [Uint8Array, Uint8Array],
): Promise<number> {
  const [first, last] = parts;
  const expectedBytes = first.byteLength + last.byteLength;
  const startedAt = performance.now();
  const body = await getObject(run.connection, run.bucket, key, { signal: run.signal });
  if (body.bytes !== expectedBytes)
    throw mismatch(`${body.bytes} bytes are stored instead of ${expectedBytes}.`);
  let at = 0;
  for await (const chunk of body) {
    const wrong = firstDifference(chunk, at, first) ?? firstDifference(chunk, at - first.byteLength, last);
    if (wrong !== null) throw mismatch(`Byte ${at + wrong} is not what was sent.`);
    at += chunk.byteLength;
  }
  return Math.round(expectedBytes / (Math.max(1, performance.now() - startedAt) / 1000));
}

/** Where in the chunk, which lies at `offset` of the part, the first other byte is; what is outside is not looked at. */
function firstDifference(chunk: Uint8Array, offset: number, part: Uint8Array): number | null {
  const end = Math.min(chunk.byteLength, part.byteLength - offset);
  for (let index = Math.max(0, -offset); index < end; index += 1) {
    if (chunk[index] !== part[offset + index]) return index;
  }
  return null;
}

function mismatch(what: string): AppError {
  return new AppError(
    'storage_mismatch',
    `${what} The storage, or something in between, changes what is stored: don't rely on backups there.`,
  );
}

async function lookAtToken(run: BucketTest, key: string): Promise<Finding> {
  try {
    const { headers } = await ask(run, { operation: 'HeadObject', method: 'HEAD', key });
    if (headers.get(TOKEN_HEADER) === run.token)
      return ok('An upload in parts keeps the token that tells ours from others.');
    return run.connection.addressOf(run.bucket).provider.keepsMetadata
      ? failed(
          'An upload in parts loses its metadata (x-amz-meta-…): backups in parts can not be told from those of others, and fail.',
        )
      : absent(
          'An upload in parts loses its metadata, as is known of this provider: its size tells that it is ours.',
        );
  } catch (error) {
    if (!isAppError(error, 'storage_denied')) throw error;
    return absent('This key may not look objects up.');
  }
}
