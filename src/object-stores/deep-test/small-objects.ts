import { isAppError } from '../../errors.ts';
import { refusalOf, type S3Answer } from '../s3/answer.ts';
import { attemptedOf, headChanged, networkError, refusalError } from '../s3/errors.ts';
import { getObject } from '../s3/get.ts';
import { TOKEN_HEADER, versionIdOf } from '../s3/head.ts';
import { presignDownload } from '../s3/presign.ts';
import { removeObject } from '../s3/remove.ts';
import { encryptionHeaders } from '../s3/target.ts';
import { bytesOf, equalBytes, firstBytes, randomBytes } from './bytes.ts';
import { listPage } from './list-page.ts';
import { absent, ask, type BucketTest, type Finding, failed, ok, spend, tryCheck } from './run.ts';

const SMALL_BYTES = 4096;
/** Of what a link answers: the object, or an error. */
const MAX_LINKED_BYTES = 65_536;
/** Names that lists must give back exactly. */
const NAMES = ['a.bin', 'b é+%.bin', 'c.bin'] as const;

/** Stores an object, and gives what must be read back. */
export async function putFirst(run: BucketTest): Promise<Uint8Array | null> {
  const content = randomBytes(SMALL_BYTES);
  const stored = await tryCheck(run, 'put', async () => {
    await putSmall(run, NAMES[0], content);
    return ok('Objects can be stored.');
  });
  return stored ? content : null;
}

/** What can be done with the object that `putFirst` stored; it is deleted in the end. */
export async function checkSmallObjects(run: BucketTest, content: Uint8Array): Promise<void> {
  const key = run.folder + NAMES[0];
  await tryCheck(run, 'head', () => look(run, key));
  await tryCheck(run, 'range', () => readRange(run, key, content));
  await tryCheck(run, 'conditional', () => refuseSecond(run, NAMES[1], content));
  await tryCheck(run, 'list', () => listInPages(run, content));
  await tryCheck(run, 'presign', () => downloadByLink(run, key, content));
  await tryCheck(run, 'delete', () => deleteIt(run, key));
}

async function putSmall(
  run: BucketTest,
  name: string,
  body: Uint8Array,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly allow?: readonly number[] } = {},
): Promise<S3Answer> {
  const key = run.folder + name;
  const entry: BucketTest['made'][number] = { key, versionId: null };
  spend(run, body.byteLength);
  run.made.push(entry);
  const sha256 = await run.connection.platform.sha256(body);
  const answer = await ask(run, {
    operation: 'PutObject',
    method: 'PUT',
    key,
    headers: {
      'content-type': 'application/octet-stream',
      [TOKEN_HEADER]: run.token,
      ...encryptionHeaders(run.connection.settings),
      ...options.headers,
    },
    body,
    sha256,
    ...(options.allow ? { allow: options.allow } : {}),
  }).catch((error: unknown) => {
    if (isClearNo(error)) run.made.splice(run.made.indexOf(entry), 1);
    throw error;
  });
  entry.versionId = versionIdOf(answer.headers);
  return answer;
}

/** True where the storage certainly stored nothing. */
function isClearNo(error: unknown): boolean {
  return isAppError(
    error,
    'storage_denied',
    'storage_bad_credentials',
    'storage_no_bucket',
    'storage_wrong_region',
  );
}

async function look(run: BucketTest, key: string): Promise<Finding> {
  const sentAt = run.connection.platform.now().getTime();
  const request = { operation: 'HeadObject', method: 'HEAD', key } as const;
  const { status, headers } = await ask(run, { ...request, allow: [400, 401, 403] });
  if (status >= 400) {
    // A refusal to HEAD has no body: GET tells why, or that only HEAD is refused.
    await ask(run, { ...request, operation: 'GetObject', method: 'GET', headers: { range: 'bytes=0-0' } });
    throw headChanged(status, attemptedOf(run.connection, { ...request, bucket: run.bucket }));
  }
  run.clockOffsetMs = offsetOf(headers, sentAt, run.connection.platform.now().getTime());
  const bytes = headers.get('content-length');
  if (bytes !== String(SMALL_BYTES)) return failed(`It stored ${SMALL_BYTES} bytes and HEAD says ${bytes}.`);
  return ok('Objects can be looked up.');
}

/** The storage's time is cut to seconds, so half a second is added; less than two seconds off is no finding. */
function offsetOf(headers: Headers, sentAt: number, answeredAt: number): number | null {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return null;
  const offset = date + 500 - (sentAt + answeredAt) / 2;
  return Math.abs(offset) < 2_000 ? 0 : Math.round(offset);
}

async function readRange(run: BucketTest, key: string, content: Uint8Array): Promise<Finding> {
  const range = { start: 1000, end: 1999 };
  const body = await getObject(run.connection, run.bucket, key, { range, signal: run.signal });
  const bytes = await bytesOf(body);
  if (!equalBytes(bytes, content.subarray(1000, 2000)))
    return failed('The range that came is not what was stored.');
  return ok('Ranges of an object can be read.');
}

async function refuseSecond(run: BucketTest, name: string, content: Uint8Array): Promise<Finding> {
  const headers = { 'if-none-match': '*' };
  const allow = [400, 409, 412, 501];
  const first = await putSmall(run, name, content, { headers, allow });
  if (first.status >= 400)
    return absent(
      `PUT with If-None-Match is refused (${first.status} ${refusalOf(first).code ?? ''}); it is not sent.`,
    );
  const second = await putSmall(run, name, content, { headers, allow });
  if (second.status === 412) return ok('A PUT with If-None-Match refuses to overwrite; uploads send it.');
  return absent('If-None-Match is ignored: names unique to each run keep objects from being overwritten.');
}

async function listInPages(run: BucketTest, content: Uint8Array): Promise<Finding> {
  const extra = NAMES[2];
  await putSmall(run, extra, content.subarray(0, 16));
  // The second name is there only where the conditional PUT was taken.
  const expected = [...new Set(run.made.map(({ key }) => key))];
  try {
    const keys: string[] = [];
    let token: string | null = null;
    for (let page = 0; page <= expected.length; page += 1) {
      const found = await listPage(run, run.folder, { maxKeys: 1, token });
      keys.push(...found.keys);
      token = found.next;
      if (token === null) break;
    }
    if (keys.some((key) => !key.startsWith(run.folder)))
      return failed('The list ignores the prefix: it holds what does not lie under it.');
    const missing = expected.filter((key) => !keys.includes(key));
    // A refused conditional PUT stored nothing under its name.
    const isComplete = missing.length === 0 || missing.every((key) => key.endsWith(NAMES[1]));
    return isComplete && new Set(keys).size === keys.length
      ? ok('Objects can be listed, page by page.')
      : failed(`The list is not what was stored: ${expected.length} objects, and ${keys.length} came.`);
  } catch (error) {
    if (!isAppError(error, 'storage_denied')) throw error;
    return absent('This key may not list objects; backups do without.');
  }
}

async function downloadByLink(run: BucketTest, key: string, content: Uint8Array): Promise<Finding> {
  const { connection, bucket, signal } = run;
  const url = await presignDownload(
    connection,
    { bucket, key },
    { fileName: 'probe.bin', expiresInSeconds: 300 },
  );
  const attempted = {
    ...attemptedOf(connection, { operation: 'a presigned GET', method: 'GET', bucket, key }),
    ...(connection.platform.publicEndpoint === null ? {} : { endpoint: connection.platform.publicEndpoint }),
  };
  const response = await connection.platform
    .fetch(url, { redirect: 'manual', signal })
    .catch((error: unknown) => {
      throw networkError(error, attempted);
    });
  const bytes = await firstBytes(response.body, MAX_LINKED_BYTES);
  if (response.status !== 200) {
    const text = new TextDecoder().decode(bytes);
    throw refusalError(
      { status: response.status, headers: response.headers, text },
      attempted,
      connection.settings,
    );
  }
  if (!equalBytes(bytes, content)) return failed('What came by the link is not what was stored.');
  const named = response.headers.get('content-disposition')?.includes('probe.bin') === true;
  return ok(
    named
      ? 'A link downloads the object under its file name.'
      : 'A link downloads the object; the storage ignores the file name that the link asks for.',
  );
}

async function deleteIt(run: BucketTest, key: string): Promise<Finding> {
  const { connection, bucket, signal } = run;
  await removeObject(connection, { bucket, key }, { signal });
  const { status } = await ask(run, { operation: 'HeadObject', method: 'HEAD', key, allow: [403, 404] });
  // Keys that may not list get 403 for what is not there.
  if (status === 403 || status === 404) return ok('Objects can be deleted.');
  return failed('The storage answered that the object is deleted, and it is still there.');
}
