import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { attachment } from '../../../src/content-disposition.ts';
import { createPartMemory } from '../../../src/object-stores/part-memory.ts';
import { providerOf } from '../../../src/object-stores/providers.ts';
import { addressOf, urlOf } from '../../../src/object-stores/s3/address.ts';
import { checkBucketName, checkKey, encodeKey } from '../../../src/object-stores/s3/keys.ts';
import { partBytesAt, planParts } from '../../../src/object-stores/s3/part-plan.ts';
import { readParts } from '../../../src/object-stores/s3/part-reader.ts';
import { backoffMs, judgeAnswer } from '../../../src/object-stores/s3/retry.ts';
import { signUrl } from '../../../src/object-stores/s3/sign.ts';
import { childrenOf, parseXml, textOf } from '../../../src/object-stores/s3/xml.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('object keys', () => {
  it.each(['', 'a/../b', '..', './a', 'a/.', 'a\u0000b', 'a\nb', 'a\ud800b', 'é'.repeat(513)])(
    'refuses %j, which would address another object or none',
    (key) => {
      expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'invalid' }));
    },
  );

  it.each(['a', "a b+~'()!*é日😀", 'a//b/', '/a', 'x/...', '%2e%2e/a', 'é'.repeat(512)])(
    'accepts %j',
    (key) => {
      checkKey(key);
    },
  );

  it('are found unchanged in the URL, whatever characters they have', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (key) => {
        try {
          checkKey(key);
        } catch {
          return;
        }
        const { pathname } = new URL(`https://host/bucket/${encodeKey(key)}`);
        expect(decodeURIComponent(pathname)).toBe(`/bucket/${key}`);
      }),
    );
  });

  it.each(['a/b', '..', 'a', 'x?y', 'a..b', 'bucket.example.com/'])('no bucket is called %j', (name) => {
    expect(() => checkBucketName(name)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

describe('addresses', () => {
  const settings = { region: 'eu-central-1', accessKey: 'a', secretKey: 's' };

  it('are path-style, so that bucket names with dots and hosts without wildcard names work', () => {
    const address = addressOf({ ...settings, endpoint: 'https://minio.example.com:9000' });
    expect(urlOf(address, { bucket: 'my.bucket', key: 'a b' }, { uploadId: 'x+y z' })).toBe(
      'https://minio.example.com:9000/my.bucket/a%20b?uploadId=x%2By%20z',
    );
  });

  it('are virtual hosts where the provider demands it', () => {
    const address = addressOf({ ...settings, endpoint: 'https://t3.storage.dev' });
    expect(urlOf(address, { bucket: 'backups', key: 'a' })).toBe('https://backups.t3.storage.dev/a');
    expect(address.signingRegion).toBe('auto');
  });

  it('of AWS are those of the region', () => {
    expect(addressOf({ ...settings, endpoint: 'https://s3.amazonaws.com' }).endpoint).toBe(
      'https://s3.eu-central-1.amazonaws.com',
    );
  });
});

describe('XML answers', () => {
  it('are read with white space before them, namespaces and entities', () => {
    const document = parseXml(
      '  \n<?xml version="1.0"?><s3:Error xmlns:s3="x"><s3:Code>A&amp;B</s3:Code><s3:Message>&#x41;&#66;&lt;</s3:Message></s3:Error>',
    );
    expect(document?.root).toBe('Error');
    expect(textOf(document?.content, 'Code')).toBe('A&B');
    expect(textOf(document?.content, 'Message')).toBe('AB<');
  });

  it('keep numbers, quotes and single entries as they came', () => {
    const document = parseXml('<R><ETag>&quot;0012e3&quot;</ETag><Key>0010</Key></R>');
    expect(textOf(document?.content, 'ETag')).toBe('"0012e3"');
    expect(textOf(document?.content, 'Key')).toBe('0010');
    expect(childrenOf(document?.content, 'Key')).toHaveLength(1);
  });

  it.each([
    '',
    'garbage',
    '{"a":1}',
    '<html><body>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a><b></a>',
  ])('that are none, or declare entities, are not taken for one: %j', (text) => {
    expect(parseXml(text)).toBeNull();
  });

  it('never throw, whatever comes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseXml(`<${text}`)));
  });
});

describe('links', () => {
  it('hold nothing that strict servers read differently', async () => {
    const url = await signUrl(
      { accessKey: 'A', secretKey: 's', region: 'r', cache: new Map() },
      {
        url: 'https://host/b/k?response-content-disposition=a%20b~%2A',
        expiresInSeconds: 3600,
        at: new Date(0),
      },
    );
    expect(url).toContain('X-Amz-Expires=3600');
    expect(new URL(url).search).not.toMatch(/\+|\*|%7E/);
    expect(url).toContain('X-Amz-SignedHeaders=host');
  });

  it('name the file in ASCII and in full, and can not be broken out of', () => {
    expect(attachment('späte "Datei"\r\n.sql')).toBe(
      `attachment; filename="sp_te _Datei___.sql"; filename*=UTF-8''sp%C3%A4te%20%22Datei%22%0D%0A.sql`,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const [, plain, exact] =
          /^attachment; filename="([^"\\%]*)"(?:; filename\*=UTF-8''([A-Za-z0-9._~%-]*))?$/.exec(
            attachment(name),
          ) ?? [];
        const told = exact === undefined ? plain : decodeURIComponent(exact);
        expect(told).toBe(name.toWellFormed().replaceAll('/', '_'));
      }),
    );
  });
});

describe('parts', () => {
  const common = providerOf('https://fra1.digitaloceanspaces.com').parts;
  const r2 = providerOf('https://abc.r2.cloudflarestorage.com').parts;
  const scaleway = providerOf('https://s3.fr-par.scw.cloud').parts;

  it('are 16 MiB, three on their way and one being filled, in the usual memory', () => {
    expect(planParts(undefined, common, 64 * MIB)).toMatchObject({ partBytes: 16 * MIB, inFlight: 3 });
  });

  it('fit the memory and the number of parts for every estimate that is not refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 2048 }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.constantFrom(common, r2, scaleway),
        (memoryMib, estimateGib, limits) => {
          const memory = memoryMib * MIB;
          try {
            const plan = planParts(estimateGib * GIB, limits, memory);
            expect(plan.partBytes * (plan.inFlight + 1)).toBeLessThanOrEqual(memory);
            expect(plan.partBytes * limits.maxParts).toBeGreaterThanOrEqual(estimateGib * GIB);
            expect(plan.partBytes).toBeGreaterThanOrEqual(5 * MIB);
          } catch (error) {
            expect(error).toMatchObject({ code: 'storage_too_large' });
          }
        },
      ),
    );
  });

  it('refuse an estimate that does not fit, naming a memory with which it does', () => {
    let refusal: unknown;
    try {
      planParts(900 * GIB, scaleway, 64 * MIB);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'storage_too_large', details: { setting: 'PART_MEMORY_MIB' } });
    const needed = Number(/PART_MEMORY_MIB to (\d+)/.exec(String(refusal))?.[1]);
    expect(planParts(900 * GIB, scaleway, needed * MIB).partBytes).toBeGreaterThan(900 * MIB);
  });

  it('stay equal where the provider wants that, and grow elsewhere when the estimate was wrong', () => {
    const equal = planParts(GIB, r2, 64 * MIB);
    expect(partBytesAt(equal, 10_000)).toBe(equal.partBytes);
    const growing = planParts(GIB, common, 64 * MIB);
    expect([1, 5_000, 5_001].map((number) => partBytesAt(growing, number) / MIB)).toEqual([16, 16, 32]);
    expect(() => partBytesAt(growing, 10_001)).toThrow(/PART_MEMORY_MIB/);
  });

  it('hold the same bytes however the body is chunked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (chunks, partBytes) => {
          const { signal } = new AbortController();
          const reader = readParts(
            (async function* () {
              yield* chunks;
            })(),
          );
          const parts: Buffer[] = [];
          while (await reader.hasMore(signal)) {
            const buffer = new Uint8Array(partBytes);
            parts.push(Buffer.from(buffer.subarray(0, await reader.fill(buffer, signal))));
          }
          expect(Buffer.concat(parts)).toEqual(Buffer.concat(chunks));
          expect(parts.slice(0, -1).every((part) => part.byteLength === partBytes)).toBe(true);
        },
      ),
    );
  });
});

describe('the part memory', () => {
  it('never gives more than its budget, and serves in the order of asking', async () => {
    const memory = createPartMemory(100);
    const { signal } = new AbortController();
    const first = await memory.acquire(60, signal);
    const order: string[] = [];
    const large = memory.acquire(80, signal).then((buffer) => {
      order.push('large');
      buffer.release();
    });
    const small = memory.acquire(30, signal).then((buffer) => {
      order.push('small');
      buffer.release();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    first.release();
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
  });

  it('lets the next one in when one that waited gives up', async () => {
    const memory = createPartMemory(100);
    const held = await memory.acquire(50, new AbortController().signal);
    const gone = new AbortController();
    const waiting = memory.acquire(80, gone.signal);
    const next = memory.acquire(50, new AbortController().signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    (await next).release();
    held.release();
  });

  it('counts a buffer that is released twice once', async () => {
    const memory = createPartMemory(10);
    const { signal } = new AbortController();
    const buffer = await memory.acquire(10, signal);
    buffer.release();
    buffer.release();
    await memory.acquire(10, signal);
    const aborted = AbortSignal.timeout(20);
    await expect(memory.acquire(10, aborted)).rejects.toBeDefined();
  });

  it('uses buffers again', async () => {
    const memory = createPartMemory(64);
    const { signal } = new AbortController();
    const buffer = await memory.acquire(64, signal);
    buffer.bytes.set(randomBytes(64));
    buffer.release();
    expect((await memory.acquire(64, signal)).bytes).toBe(buffer.bytes);
  });

  it('tells once that it is used, and that it is not when nobody has held a buffer for a while', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const told: boolean[] = [];
    const memory = createPartMemory(100, (isUsed) => told.push(isUsed));
    const { signal } = new AbortController();
    const [first, second] = [await memory.acquire(60, signal), await memory.acquire(40, signal)];
    first.release();
    vi.runAllTimers();
    expect(told).toEqual([true]);
    second.release();
    const again = await memory.acquire(10, signal);
    vi.runAllTimers();
    expect(told).toEqual([true]);
    again.release();
    vi.runAllTimers();
    expect(told).toEqual([true, false]);
    (await memory.acquire(10, signal)).release();
    vi.runAllTimers();
    expect(told).toEqual([true, false, true, false]);
  });
});

describe('retries', () => {
  const answer = (status: number, code: string) => ({
    status,
    headers: new Headers(),
    text: `<Error><Code>${code}</Code></Error>`,
  });

  it.each([
    [503, 'SlowDown', 'retry'],
    [400, 'RequestRateLimitExceeded', 'retry'],
    [400, 'IncompleteBody', 'retry'],
    [408, 'RequestCanceled', 'retry'],
    [409, 'OperationAborted', 'retry'],
    [522, '', 'retry'],
    [403, 'RequestTimeTooSkewed', 'skewed'],
    [400, 'BadDigest', 'corrupted'],
    [501, 'NotImplemented', 'final'],
    [403, 'AccessDenied', 'final'],
    [403, 'SignatureDoesNotMatch', 'final'],
    [404, 'NoSuchBucket', 'final'],
    [400, 'InvalidPart', 'final'],
    [412, 'PreconditionFailed', 'final'],
  ] as const)('%i %s is %s', (status, code, verdict) => {
    expect(judgeAnswer(answer(status, code))).toBe(verdict);
  });

  it('wait longer each time, never beyond the ceiling, and as long as asked', () => {
    const limits = { baseMs: 100, capMs: 1_000 };
    for (let attempt = 1; attempt < 20; attempt += 1) {
      expect(backoffMs(attempt, limits, null)).toBeLessThanOrEqual(Math.min(1_000, 100 * 2 ** (attempt - 1)));
    }
    expect(backoffMs(1, limits, '1')).toBe(1_000);
  });
});
