import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCustomArchiveProof } from '../../../src/engines/end-proof/postgres-custom.ts';
import { newPlainDumpProof } from '../../../src/engines/end-proof/postgres-plain.ts';
import { newTarProof } from '../../../src/engines/end-proof/tar.ts';
import type { EndProof } from '../../../src/engines/engine.ts';
import { postgres } from '../../../src/engines/postgres/postgres.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { fillDatabase } from '../../support/postgres-data.ts';
import { ownName } from '../../support/shared/ask.ts';
import { sharedPostgres } from '../../support/shared/postgres.ts';
import { cutAt, isWhole, wholeAt } from '../proofs.ts';
import { runInShell } from '../shell.ts';

const SHOP = ownName('shop');
let server: TestPostgres;
const dumps = new Map<string, Buffer>();

interface Case {
  readonly name: string;
  readonly newProof: () => EndProof;
  readonly options: Record<string, unknown>;
}

const schemaOnly = { pgDumpOptions: { schemaOnly: true } };
const CASES: readonly Case[] = [
  { name: 'plain', newProof: newPlainDumpProof, options: {} },
  { name: 'plain of an older pg_dump', newProof: newPlainDumpProof, options: {} },
  { name: 'plain, schema only', newProof: newPlainDumpProof, options: schemaOnly },
  { name: 'custom', newProof: newCustomArchiveProof, options: { backupFormat: 'custom' } },
  {
    name: 'custom with gzip',
    newProof: newCustomArchiveProof,
    options: { backupFormat: 'custom', backupCompression: 'gzip' },
  },
  {
    name: 'custom, schema only',
    newProof: newCustomArchiveProof,
    options: { backupFormat: 'custom', ...schemaOnly },
  },
  { name: 'tar', newProof: newTarProof, options: { backupFormat: 'tar' } },
];

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(SHOP);
  await fillDatabase(server, SHOP, 0);
  for (const { name, options } of CASES) dumps.set(name, await dumpOf(SHOP, options, name.includes('older')));
});
afterAll(() => server?.stop());

/** Older programs write neither `\restrict` nor `\unrestrict`. */
async function dumpOf(
  databaseName: string,
  options: Record<string, unknown>,
  isOlder = false,
): Promise<Buffer> {
  const plan = postgres.dump({
    host: '127.0.0.1',
    port: server.port,
    databaseName,
    ...server.superuser,
    options: postgres.options.parse(options),
  });
  const { exitCode, stderr, stdout } = await runInShell(plan.command);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  if (!isOlder) return stdout;
  return Buffer.from(stdout.toString('latin1').replaceAll(/^\\(?:un)?restrict \w+\n\n/gm, ''), 'latin1');
}

function dump(name: string): Buffer {
  const bytes = dumps.get(name);
  if (bytes === undefined) throw new Error(`no dump ${name}`);
  return bytes;
}

describe.each(CASES)('a dump in the format $name', ({ name, newProof }) => {
  it('is whole in any chunking', () => {
    const bytes = dump(name);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }), (places) => {
        expect(isWhole(newProof, cutAt(bytes, places))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is whole a byte at a time', () => {
    const bytes = dump(name);
    expect(
      isWhole(
        newProof,
        Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1)),
      ),
    ).toBe(true);
  });

  it('is refused when cut anywhere', () => {
    const bytes = dump(name);
    const ends = new Set([0, 1, 511, 512, 513, bytes.length]);
    for (let index = 0; index < 3000; index += 1) ends.add(Math.floor((index * bytes.length) / 3000));
    for (let index = 1; index < 2000; index += 1) ends.add(bytes.length - index);
    for (let end = 0; end < bytes.length; end += 512) ends.add(end);
    expect(wholeAt(newProof, bytes, ends)).toEqual([bytes.length]);
  });

  it('is refused with bytes before or after it', () => {
    const bytes = dump(name);
    for (const chunks of [
      [Buffer.from('Welcome to db1\n'), bytes],
      [bytes, Buffer.from('x')],
      [bytes, Buffer.from('\0')],
    ]) {
      expect(isWhole(newProof, chunks)).toBe(false);
    }
  });

  it('is refused when nothing came', () => {
    expect(isWhole(newProof, [])).toBe(false);
  });
});

describe('the end inside of data', () => {
  const END = '--\n-- PostgreSQL database dump complete\n--\n\n';
  const LITERAL = END.replaceAll('\n', '\\n');

  it.each([
    ['rows', `CREATE TABLE t (x text); INSERT INTO t VALUES (E'a${LITERAL}'), ('z')`],
    ['a comment', `CREATE TABLE t (x text); COMMENT ON TABLE t IS E'\\n${LITERAL}'`],
    [
      'a function',
      `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS E'SELECT $q$COPY t FROM stdin;\\n${LITERAL}$q$'`,
    ],
    ['a view', `CREATE VIEW v AS SELECT E'it''s \\n${LITERAL}' AS "a""b"`],
    ['a name', `CREATE TABLE "\n${END}" (x text)`],
  ])('of %s does not make a cut dump whole, nor a whole one cut', async (name, sql) => {
    const database = ownName(`end in ${name}`);
    await server.createDatabase(database);
    await server.query(sql, database);
    const bytes = await dumpOf(database, {}, true);
    expect(isWhole(newPlainDumpProof, [bytes])).toBe(true);
    const accepted = Array.from(bytes.keys()).filter((end) =>
      isWhole(newPlainDumpProof, [bytes.subarray(0, end)]),
    );
    expect(accepted).toEqual([]);
  });

  it('of a dump with a token needs that token', () => {
    const bytes = dump('plain').toString('latin1');
    const forged = bytes.replace(/\\unrestrict \w+\n\n$/, '\\unrestrict aaaaaaaaaaaaaaaaaaaaaaaa\n\n');
    expect(forged).not.toBe(bytes);
    expect(isWhole(newPlainDumpProof, [Buffer.from(forged, 'latin1')])).toBe(false);
  });
});

describe('a damaged custom archive', () => {
  it('of a version that is not known is refused, saying so', () => {
    const bytes = Buffer.from(dump('custom'));
    bytes[6] = 99;
    const proof = newCustomArchiveProof();
    expect(() => proof.observe(bytes)).toThrow(/1\.99/);
  });

  it('without one of its blocks is refused', () => {
    const bytes = dump('custom');
    const table = Buffer.from(bytes);
    // The count of entries stays, the rest is cut at the end of an earlier block: only the missing entry tells.
    const ends = blockEnds(table);
    expect(ends.length).toBeGreaterThan(3);
    expect(ends.map((end) => isWhole(newCustomArchiveProof, [bytes.subarray(0, end)]))).toEqual(
      ends.map((end) => end === bytes.length),
    );
  });
});

/** Where data blocks end: before the kind byte 1 or 3 and a known id, found by the zero-length chunk before them. */
function blockEnds(bytes: Buffer): readonly number[] {
  const ends: number[] = [];
  const zero = Buffer.alloc(5);
  for (let at = bytes.indexOf(zero); at >= 0; at = bytes.indexOf(zero, at + 1)) {
    const next = bytes[at + 5];
    if (next === 1 || next === 3 || at + 5 === bytes.length) ends.push(at + 5);
  }
  return ends;
}
