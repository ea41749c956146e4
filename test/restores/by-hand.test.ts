import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/secrets/canonical-json.ts';
import { byHand, closedAfter } from '../support/by-hand.ts';
import { OTHER_SEED, OUR_SEED, ourKey, signed, storedDump, writeStored } from '../support/stored-dump.ts';

const folder = mkdtempSync(join(tmpdir(), 'by hand ü 😀 '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROW = `INSERT INTO "t ü '" VALUES('x; COMMIT;');\n`;
const DUMP = Buffer.from(
  `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE "t ü '" (a);\n${ROW.repeat(5000)}COMMIT;\n`,
);
const OF = { type: 'sqlite', format: 'plain', compression: 'zstd-3' } as const;
const PLAIN_OF_POSTGRES = Buffer.from(
  `--\n-- PostgreSQL database dump\n--\n\nSET check_function_bodies = false;\n${"SELECT pg_catalog.setval('s', 1);\n".repeat(3000)}\n--\n-- PostgreSQL database dump complete\n--\n\n`,
);

function* brokenOff(bytes: Buffer): Generator<Buffer> {
  yield bytes;
  throw new Error('the connection broke');
}

let count = 0;
/** Lies in a folder of its own, under a name that needs quotes. */
async function lying(dump = DUMP, of: Parameters<typeof storedDump>[1] = OF): Promise<string> {
  count += 1;
  const path = join(folder, `-stored ${count} "ü" 😀'.sql`);
  writeStored(path, await storedDump(dump, of));
  return path;
}
const manifestOf = (path: string): { [name: string]: Json } =>
  JSON.parse(readFileSync(`${path}.manifest.json`, 'utf8'));
const ours = ['--public-key', ourKey];

describe('bridgeport-restore', () => {
  it.each(['none', 'gzip-6', 'zstd-3'] as const)(
    'writes the dump of a stored file (%s)',
    async (compression) => {
      const path = await lying(DUMP, { ...OF, compression });
      const { status, output, said } = await byHand([path, ...ours]);
      expect([status, output.equals(DUMP)]).toEqual([0, true]);
      expect(said).toContain('before this program has ended with exit status 0');
      expect(said).toContain('1 tables with 5000 rows');
      expect(await byHand([path, '--check'])).toMatchObject({ status: 0, output: Buffer.alloc(0) });
    },
  );

  it('finds the file of a manifest beside it, by its own name or by that in the manifest', async () => {
    const path = await lying();
    for (const name of [path, join(folder, 'stored ü 😀')]) {
      if (name !== path) renameSync(path, name);
      const { status, output } = await byHand([`${path}.manifest.json`, ...ours]);
      expect([status, output.length]).toEqual([0, DUMP.length]);
    }
    rmSync(join(folder, 'stored ü 😀'));
    const gone = await byHand([`${path}.manifest.json`]);
    expect(gone).toMatchObject({ status: 5, said: expect.stringContaining('not beside its manifest') });
  });

  it('takes a stored file from standard input, and says where that ended early', async () => {
    const path = await lying();
    const bytes = readFileSync(path);
    const words = ['-', '--manifest', `${path}.manifest.json`, ...ours];
    const from = (stdin: Readable) => byHand(words, { stdin });
    expect((await from(Readable.from([bytes.subarray(0, 99), bytes.subarray(99)]))).output).toEqual(DUMP);
    expect(await from(Readable.from([bytes.subarray(0, 99)]))).toMatchObject({
      status: 4,
      said: expect.stringContaining('Standard input ended before'),
    });
    expect((await from(Readable.from([bytes, Buffer.from('x')]))).status).toBe(4);
  });

  it('reads a presigned address, on from where its connection broke, and of the same object alone', async () => {
    const path = await lying(DUMP, { ...OF, compression: 'none' });
    const bytes = readFileSync(path);
    const half = Math.floor(bytes.length / 2);
    const words = [
      'https://s3.example/a?X-Amz-Signature=secret',
      '--manifest',
      `${path}.manifest.json`,
      ...ours,
    ];
    const from = async (tag: string) => {
      const asked: (string | null)[][] = [];
      const end = await byHand(words, {
        async fetch(_, options) {
          const headers = new Headers(options.headers);
          asked.push([headers.get('range'), headers.get('if-match')]);
          const isFirst = asked.length === 1;
          if (!isFirst && headers.get('if-match') !== tag) return new Response(null, { status: 412 });
          const start = isFirst ? 0 : half;
          const given = Readable.from(isFirst ? brokenOff(bytes.subarray(0, half)) : [bytes.subarray(half)]);
          const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
          return new Response(Readable.toWeb(given) as ReadableStream, {
            status: isFirst ? 200 : 206,
            headers: {
              etag: '"one"',
              'content-length': String(bytes.length - start),
              ...(isFirst ? {} : range),
            },
          });
        },
      });
      return { ...end, asked };
    };
    const whole = await from('"one"');
    expect([whole.status, whole.output.equals(DUMP)]).toEqual([0, true]);
    expect(whole.asked).toEqual([
      [null, null],
      [`bytes=${half}-${bytes.length - 1}`, '"one"'],
    ]);
    const another = await from('"two"');
    expect([another.status, another.output.length < DUMP.length]).toEqual([4, true]);
    expect(`${whole.said}${another.said}`).not.toContain('secret');
  });

  it('keeps the last 64 KiB back until all is proven, and with them what a client would commit by', async () => {
    const path = await lying(DUMP, { ...OF, compression: 'none' });
    const bytes = readFileSync(path);
    bytes.write('X', bytes.indexOf('x; COMMIT'));
    writeFileSync(path, bytes);
    const { status, output, said } = await byHand([path, ...ours]);
    expect(status).toBe(4);
    expect(output.length).toBe(DUMP.length - 64 * 1024);
    expect(said).toContain('is not what the backup stored: its SHA-256');
  });

  it('puts a plain dump of PostgreSQL between BEGIN and COMMIT where that is asked for, and nothing else', async () => {
    const of = { type: 'postgres', format: 'plain', compression: 'gzip-6' } as const;
    const path = await lying(PLAIN_OF_POSTGRES, of);
    const { output } = await byHand([path, '--transaction', ...ours]);
    const locked = output.toString().replace(/^\\restrict [a-f0-9]{32}\n/, 'locked\n');
    expect(locked).toBe(`locked\nBEGIN;\n${PLAIN_OF_POSTGRES}COMMIT;\n`);
    writeFileSync(path, readFileSync(path).subarray(0, -9));
    const cut = await byHand([path, '--transaction', ...ours]);
    expect([cut.status, cut.output.toString().includes('COMMIT;')]).toEqual([4, false]);
    expect((await byHand([await lying(), '--transaction'])).status).toBe(6);
  });

  it('lets nothing through that the dump tools do not write, unless it is told to', async () => {
    const hostile = Buffer.from(DUMP.toString().replace('CREATE TABLE', ".shell touch '/x'\nCREATE TABLE"));
    const path = await lying(hostile);
    expect(await byHand([path])).toMatchObject({
      status: 6,
      said: expect.stringContaining('no dump of SQLite'),
    });
    expect((await byHand([path, '--unguarded'])).output).toEqual(hostile);
    const of = { type: 'postgres', format: 'plain', compression: 'none' } as const;
    const leaving = PLAIN_OF_POSTGRES.toString().replace('SELECT', 'COMMIT;\nDROP DATABASE x;\nSELECT');
    const left = await lying(Buffer.from(leaving), of);
    for (const more of [[], ['--transaction'], ['--check']]) {
      const { status, output } = await byHand([left, ...more]);
      expect([status, output.includes('DROP')]).toEqual([6, false]);
    }
  });

  it('ends without a word where nobody reads on', async () => {
    const { status, said } = await byHand([await lying(), ...ours], { stdout: closedAfter(1000) });
    expect(status).toBe(141);
    expect(said).not.toMatch(/EPIPE|error/i);
  });

  it('writes no dump to a terminal, and is told what is missing', async () => {
    const stdout = Object.assign(closedAfter(0), { isTTY: true });
    expect(await byHand([await lying()], { stdout })).toMatchObject({
      status: 2,
      said: expect.stringMatching(/terminal/),
    });
    for (const words of [
      [],
      ['a', 'b'],
      ['--nonsense'],
      ['https://x.example/y?signature=secret'],
      ['-'],
      ['a', '--user', 'x'],
      ['a', '--into', 'b', '--port', '0'],
    ]) {
      const { status, said } = await byHand(words);
      expect([status, said]).toEqual([2, expect.stringContaining('--help')]);
      expect(said).not.toContain('secret');
    }
  });
});

describe('a manifest', () => {
  it('that is missing, is none, or is of a newer version is told of, each by itself', async () => {
    const path = await lying();
    const file = `${path}.manifest.json`;
    const members = manifestOf(path);
    const says = async (text: string | null) => {
      if (text === null) rmSync(file);
      else writeFileSync(file, text);
      const { status, said, output } = await byHand([path, ...ours]);
      expect([status, output.length]).toEqual([3, 0]);
      return said;
    };
    expect(await says('')).toContain('no JSON object');
    expect(await says('[1]')).toContain('no JSON object');
    expect(await says('{"a":1}')).toContain('no signature');
    expect(await says(await signed({ ...members, schemaVersion: 2 }, OUR_SEED))).toContain(
      'newer version (2)',
    );
    expect(await says(await signed({ ...members, bytes: null }, OUR_SEED))).toContain(
      'nothing usable of bytes',
    );
    expect(await says(await signed(members, OTHER_SEED))).toContain('signed with another key');
    expect(await says(null)).toContain('There is no manifest beside it');
  });

  it('names its key where none is demanded, so that a person can compare it', async () => {
    const path = await lying();
    writeFileSync(`${path}.manifest.json`, await signed(manifestOf(path), OTHER_SEED));
    const { status, said } = await byHand([path]);
    expect([status, said]).toEqual([
      0,
      expect.stringMatching(/signed by the key [\w-]{43}, which it names itself/),
    ]);
  });

  it('of another engine is not restored, and nothing of a terminal’s commands in its names is printed', async () => {
    const path = await lying();
    const engine = { type: 'mongo\u001b[2J\u009b', serverVersion: null, clientVersion: null };
    writeFileSync(`${path}.manifest.json`, await signed({ ...manifestOf(path), engine }, OUR_SEED));
    const { status, said } = await byHand([path, ...ours]);
    expect([status, said]).toEqual([
      6,
      expect.stringContaining('does not restore (postgres, mysql, sqlite)'),
    ]);
    expect(said).not.toMatch(/[^\P{Cc}\n]/u);
  });
});
