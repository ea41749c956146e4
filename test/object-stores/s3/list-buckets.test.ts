import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const BUCKETS = Array.from({ length: 10_000 }, (_, index) => `backups-${String(index).padStart(5, '0')}`);

let server: Server;
let opened: OpenedS3;
let asked: URLSearchParams[];

/** A server that knows ten thousand buckets and gives so many of them on a page. */
async function start(pageSize: number): Promise<OpenedS3> {
  asked = [];
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    asked.push(searchParams);
    const from = Number(searchParams.get('continuation-token') ?? '0');
    const until = from + Math.min(pageSize, Number(searchParams.get('max-buckets') ?? pageSize));
    response.setHeader('content-type', 'application/xml');
    response.end(page(BUCKETS.slice(from, until), until < BUCKETS.length ? String(until) : null));
  });
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

function page(names: readonly string[], token: string | null): string {
  const buckets = names.map(
    (name) => `<Bucket><Name>${name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>`,
  );
  const next = token === null ? '' : `<ContinuationToken>${token}</ContinuationToken>`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Owner><ID>1</ID></Owner><Buckets>${buckets.join('')}</Buckets>${next}</ListAllMyBucketsResult>`
  );
}

afterEach(async () => {
  await opened.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('ten thousand buckets', () => {
  it.each([
    ['on one page, as AWS gives them to those who ask for no size', 10_000, 1],
    ['on ten pages', 1_000, 10],
  ])('are all found %s', async (name, pageSize, requests) => {
    const { s3 } = await start(pageSize);
    const startedAt = performance.now();
    const found = await s3.listBuckets();
    console.log(`10,000 buckets ${name}: ${Math.round(performance.now() - startedAt)} ms`);
    expect(found).toEqual(BUCKETS);
    expect(asked).toHaveLength(requests);
  });
});
