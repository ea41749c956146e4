import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsText, readContents } from '../../src/backups/contents.ts';
import { write } from '../../src/db/write.ts';
import { engineFor } from '../../src/engines/engines.ts';
import { AppError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/object-stores/object-store.ts';
import { readInFull, type StoredDump } from '../../src/verifications/node/read-in-full.ts';
import { recordProof } from '../../src/verifications/record-proof.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

const DUMP = Buffer.from(
  `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE "t ü + 😀 '" (a);\n${`INSERT INTO "t ü + 😀 '" VALUES('x; COMMIT;');\n`.repeat(3000)}COMMIT;\n`,
);
const PACKED = { none: DUMP, 'gzip-6': gzipSync(DUMP), 'zstd-3': zstdCompressSync(DUMP) } as const;
type Packing = keyof typeof PACKED;
const PACKINGS = Object.keys(PACKED) as readonly Packing[];

/** A store that holds these bytes, and breaks the connection after so many, each time it is asked. */
function storeOf(bytes: Buffer, { chunk = 4096, breaksAfter = Number.POSITIVE_INFINITY } = {}) {
  const asked: number[] = [];
  const get: ObjectStore['get'] = async (_, { range } = {}) => {
    const start = range?.start ?? 0;
    asked.push(start);
    async function* read() {
      for (let at = start; at < bytes.length; at += chunk) {
        if (at - start >= breaksAfter) throw new AppError('storage_unreachable', 'The connection broke.');
        yield bytes.subarray(at, at + chunk);
      }
    }
    return { totalBytes: bytes.length, bytes: bytes.length - start, [Symbol.asyncIterator]: read };
  };
  return { asked, store: { label: 'a store', get } as unknown as ObjectStore };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const stored = (compression: Packing, bytes: Buffer, known = true): StoredDump => ({
  key: 'k',
  versionId: null,
  bytes: bytes.length,
  sha256: known ? sha256(bytes) : null,
  compression,
  dumpSha256: null,
  contents: null,
  newEndProof: () => engineFor('sqlite')?.storedProof(null) ?? expect.unreachable(),
});
const options = () => ({ signal: new AbortController().signal, onProgress: () => {} });

describe('reading a stored dump in full', () => {
  it.each(PACKINGS)('finds nothing wrong with one that is whole, in any pieces (%s)', async (packing) => {
    const bytes = PACKED[packing];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (size) => {
        const chunk = Math.max(size, 64);
        const { store } = storeOf(bytes, { chunk });
        const read = await readInFull(store, stored(packing, bytes), options());
        expect(read).toMatchObject({ damage: null, dumpBytes: DUMP.length, dumpSha256: sha256(DUMP) });
        expect(read.contents?.tables).toMatchObject([{ name: "t ü + 😀 '", rows: 3000 }]);
      }),
      { numRuns: 20 },
    );
  });

  it.each(PACKINGS)('goes on where a connection broke (%s)', async (packing) => {
    const bytes = PACKED[packing];
    const { store, asked } = storeOf(bytes, { chunk: 64, breaksAfter: Math.ceil(bytes.length / 3) });
    expect((await readInFull(store, stored(packing, bytes), options())).damage).toBeNull();
    expect(asked.length).toBeGreaterThan(2);
    expect(asked).toEqual([...asked].sort((a, b) => a - b));
  });

  it('gives up a storage that gives nothing, which says nothing of the dump', async () => {
    const { store, asked } = storeOf(DUMP, { breaksAfter: 0 });
    await expect(readInFull(store, stored('none', DUMP), options())).rejects.toThrow('The connection broke.');
    expect(asked).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(PACKINGS)(
    'finds each cut, also where nothing was known of the bytes but what came (%s)',
    async (packing) => {
      const bytes = PACKED[packing];
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: bytes.length - 2 }),
          fc.boolean(),
          async (end, isKnown) => {
            const cut = bytes.subarray(0, end);
            // Stored so by whoever called half a dump a success, its size and its hash recorded.
            const said = isKnown ? stored(packing, bytes) : stored(packing, cut, end % 2 === 0);
            const { damage } = await readInFull(storeOf(cut).store, said, options());
            expect(damage).toEqual(expect.any(String));
          },
        ),
        { numRuns: 150 },
      );
    },
  );

  it.each(PACKINGS)('finds each changed byte, and bytes that came on top (%s)', async (packing) => {
    const bytes = PACKED[packing];
    const at = fc.integer({ min: 0, max: bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        at,
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (position, flip, isLonger) => {
          const changed = isLonger ? Buffer.concat([bytes, Buffer.from([flip])]) : Buffer.from(bytes);
          if (!isLonger) changed[position] = (changed[position] ?? 0) ^ flip;
          const { damage } = await readInFull(storeOf(changed).store, stored(packing, bytes), options());
          expect(damage).toMatch(isLonger ? /bytes instead of/ : /SHA-256/);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('takes a shorter dump for damage that ends well and has a fitting hash', async () => {
    const { contents, dumpSha256 } = await readInFull(storeOf(DUMP).store, stored('none', DUMP), options());
    const shorter = Buffer.from(
      DUMP.toString().replace("INSERT INTO \"t ü + 😀 '\" VALUES('x; COMMIT;');\n", ''),
    );
    const said = { ...stored('none', shorter), contents };
    expect((await readInFull(storeOf(shorter).store, said, options())).damage).toMatch(
      /t ü \+ 😀 ' has 2999 rows in it instead of the 3000/,
    );
    const other = Buffer.from(DUMP.toString().replace('x; COMMIT;', 'y; COMMIT;'));
    const hashed = { ...stored('none', other), contents, dumpSha256 };
    expect((await readInFull(storeOf(other).store, hashed, options())).damage).toMatch(/SHA-256/);
  });

  it('writes down what is counted now of a dump that is the same byte by byte, and was counted wrong before', async () => {
    const { contents, dumpSha256 } = await readInFull(storeOf(DUMP).store, stored('none', DUMP), options());
    const tables = contents?.tables.map((table) => ({ ...table, rows: 3001 })) ?? [];
    const wrong = contents && { ...contents, tables };
    const said = { ...stored('none', DUMP), contents: wrong };
    // Nothing but its counts says that it is the dump that was made.
    expect((await readInFull(storeOf(DUMP).store, said, options())).damage).toMatch(
      /3000 rows in it instead/,
    );
    const read = await readInFull(storeOf(DUMP).store, { ...said, dumpSha256 }, options());
    expect(read).toMatchObject({ damage: null, contents });

    const db = await openTestDatabase();
    const now = new Date();
    const columns = { sha256: sha256(DUMP), dump_sha256: dumpSha256, contents: contentsText(wrong) };
    const { id } = await insertBackup(db, now, { status: 'completed', outcome: 'completed', ...columns });
    const known = { backupId: id, databaseId: 'd', sha256: sha256(DUMP), dumpSha256, contents: wrong };
    await write(db, (trx) => recordProof(trx, known, read, now));
    expect(await readContents(db, id)).toEqual(contents);
    await db.destroy();
  });

  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const { store } = storeOf(DUMP, { chunk: 64 });
    const reading = readInFull(store, stored('none', DUMP), {
      signal: abort.signal,
      onProgress: (bytes) => {
        if (bytes > 10_000) abort.abort(new AppError('cancelled', 'Enough.'));
      },
    });
    await expect(reading).rejects.toThrow('Enough.');
  });
});
