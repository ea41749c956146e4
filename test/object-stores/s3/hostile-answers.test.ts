import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listKeys } from '../../../src/object-stores/s3/list-objects.ts';
import { parseXml } from '../../../src/object-stores/s3/xml.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const MIB = 2 ** 20;
/** What a page of S3 may hold at most, in elements and in bytes. */
const BUCKETS = 10_000;
const KEYS = 1_000;
const KEY_BYTES = 1_024;
const KEY = "prod/ü + '😀'.sql";

let server: Server;
let opened: OpenedS3;

/** A storage that answers everything so. */
async function start(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<OpenedS3> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  opened = openTestS3({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKey: 'DEVACCESSKEY',
    secretKey: 'dev-secret-for-tests',
  });
  return opened;
}

const says =
  (text: string, status = 200) =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(text);
  };

afterEach(async () => {
  await opened?.close();
  server?.closeAllConnections();
  if (server?.listening) await new Promise((resolve) => server.close(resolve));
});

const listOf = (content: string) =>
  `<ListAllMyBucketsResult><Buckets>${content}</Buckets></ListAllMyBucketsResult>`;
function bucketOf(index: number): string {
  const name = String(index).padStart(63, 'b');
  return (
    `<Bucket><Name>${name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate>` +
    `<BucketRegion>ap-southeast-1</BucketRegion><BucketArn>arn:aws:s3:::${name}</BucketArn></Bucket>`
  );
}

function cpuMsToRead(text: string, expected: null | object = expect.anything()): number {
  return cpuMsOf(() => expect(parseXml(text)).toEqual(expected));
}

const filled = (text: string, bytes: number) => text.repeat(Math.floor(bytes / text.length));

describe('the largest answers that S3 gives', () => {
  it('are read: ten thousand buckets on one page, with all that is told of each', async () => {
    const buckets = Array.from({ length: BUCKETS }, (_, index) => bucketOf(index));
    const { s3 } = await start(says(listOf(buckets.join(''))));
    expect(await s3.listBuckets()).toHaveLength(BUCKETS);
  });

  it('are read: a thousand keys of the greatest length, every byte of them encoded', async () => {
    const key = (index: number) =>
      encodeURIComponent('é').repeat(KEY_BYTES / 2 - 5) + String(index).padStart(10, '0');
    const entries = Array.from(
      { length: KEYS },
      (_, index) =>
        `<Contents><Key>${key(index)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>` +
        '<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e-10000&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>' +
        '<Size>5497558138880</Size><StorageClass>STANDARD</StorageClass><Owner><ID>0123456789abcdef</ID></Owner></Contents>',
    );
    const { s3 } = await start(
      says(`<ListBucketResult><EncodingType>url</EncodingType>${entries.join('')}</ListBucketResult>`),
    );
    expect(await listKeys(s3.connection, 'backups', { prefix: '', maxKeys: KEYS })).toHaveLength(KEYS);
  });
});

describe('an answer larger than any of S3', () => {
  it('is refused before it is read to its end, and said to be one', async () => {
    const { s3 } = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.write('<ListAllMyBucketsResult><Buckets>');
      const more = () => {
        while (!response.destroyed && response.write(filled('<Bucket/>', MIB)));
      };
      response.on('drain', more);
      more();
    });
    await expect(s3.listBuckets()).rejects.toMatchObject({
      code: 'storage_bad_answer',
      message: expect.stringContaining('larger than any that S3 gives'),
    });
  });

  it.each([
    ['of very many elements', () => listOf(filled('<a/>', 3 * MIB))],
    [
      'of very many names',
      () => listOf(Array.from({ length: 200_000 }, (_, index) => `<a${index}/>`).join('')),
    ],
    ['of one element with very many attributes', () => listOf(`<a ${filled(' b="c"', 3 * MIB)}/>`)],
    ['of very many instructions', () => listOf(filled('<?a?>', 3 * MIB))],
  ])('is refused without parsing where it is one %s', (_, make) => {
    const text = make();
    const refusals = Array.from({ length: 3 }, () => cpuMsToRead(text, null));
    const usual = listOf(Array.from({ length: BUCKETS }, (_, index) => bucketOf(index)).join(''));
    expect(Math.min(...refusals)).toBeLessThan(cpuMsToRead(usual));
  });

  it.each([
    ['ListBuckets', (s3: OpenedS3['s3']) => s3.listBuckets()],
    [
      'PutObject',
      (s3: OpenedS3['s3']) => s3.bucket('backups').put(KEY, chunked(Buffer.alloc(10)), options()),
    ],
  ])('keeps its status where it is a refusal to %s, whatever follows', async (operation, ask) => {
    const refuse = says(`<Error>${filled('<a/>', MIB / 2)}</Error>`, 403);
    const list = says('<ListBucketResult></ListBucketResult>');
    const absent = says('', 404);
    const { s3 } = await start((request, response) => {
      if (request.method === 'PUT' || request.url === '/') refuse(request, response);
      else (request.method === 'HEAD' ? absent : list)(request, response);
    });
    await expect(ask(s3)).rejects.toMatchObject({
      code: 'storage_denied',
      details: { operation, status: 403 },
    });
  });
});

describe('the slowest answer within the bounds', () => {
  it.each([
    ['pairs of tags and text', () => `<a>${'x'.repeat(68)}</a>`.repeat(54_990)],
    ['short pairs', () => '<a></a>'.repeat(55_000 - 4)],
    ['nested tags', () => `${'<a>'.repeat(50)}${'</a>'.repeat(50)}`.repeat(1_090)],
  ])('costs no more than a page of ten thousand buckets does: %s', (_, make) => {
    const usual = listOf(Array.from({ length: BUCKETS }, (_, index) => bucketOf(index)).join(''));
    const slow = listOf(make());
    // By turns and the least of each: other work on this machine is not meant.
    const rounds = Array.from({ length: 5 }, () => [cpuMsToRead(usual), cpuMsToRead(slow)] as const);
    const [usualMs, slowMs] = [0, 1].map((at) => Math.min(...rounds.map((round) => round[at] ?? 0)));
    console.log(`${(slow.length / MIB).toFixed(1)} MiB: ${slowMs} ms, usual ${usualMs}`);
    expect((slowMs ?? 0) / (usualMs ?? 0)).toBeLessThan(3);
  });
});

describe('a body that goes on after its end', () => {
  it('is left at once, and nothing beyond what was promised is given on', async () => {
    const { s3 } = await start((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-9/10' });
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const body = await s3.bucket('backups').get('key', { range: { start: 0, end: 9 } });
    await expect(collect(body)).rejects.toMatchObject({ code: 'storage_bad_answer' });
  });
});
