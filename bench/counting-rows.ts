/** Rows as dumps of each kind have them, for `counting.ts`. */

import { newRandom } from '../dev/random.ts';
import { newMysqlTextProof } from '../src/engines/end-proof/mysql-text.ts';
import { newCustomArchiveProof } from '../src/engines/end-proof/postgres-custom.ts';
import { newPlainDumpProof } from '../src/engines/end-proof/postgres-plain.ts';
import { newSqliteTextProof } from '../src/engines/end-proof/sqlite-text.ts';
import type { EndProof } from '../src/engines/engine.ts';
import { MIB } from './figures.ts';

const CHUNK_BYTES = 64 * 1024;
const WORDS = 'order invoice customer delivered pending Zürich Grüße refund shipped 漢字 address'.split(' ');
const random = newRandom(1);
const hex = () => Math.floor(random() * 2 ** 32).toString(16);
const words = () =>
  Array.from({ length: 6 + random() * 12 }, () => WORDS[Math.floor(random() * WORDS.length)]);
const fields = (id: number) => [
  String(id),
  '2026-01-01 10:10:07',
  `{"ref": "${hex()}${hex()}"}`,
  words().join(' '),
];

export interface CountingCase {
  readonly name: string;
  readonly newProof: () => EndProof;
  readonly head: Buffer;
  row(id: number): Buffer;
}

const copyRow = (id: number) => Buffer.from(`${fields(id).join('\t')}\t\\N\t\\\\x${hex()}${hex()}\n`);
const several = (one: () => string) => Array.from({ length: 8 }, one).join(',');
const mysqlValues = (id: number) =>
  `${id},'${fields(id).slice(1).join("','").replaceAll('"', '\\"')}',NULL,0x${hex()}${hex()}`;
const numbers = () => several(() => String(Math.floor(random() * 10 ** (1 + random() * 8))));
const shortStrings = () => several(() => `'${hex().slice(0, 1 + random() * 6)}'`);
const blobs = (before: string, after: string) => {
  const bytes = Buffer.from(Array.from({ length: 20 + random() * 4000 }, () => random() * 256));
  return `${Math.floor(random() * 1e6)},${before}${bytes.toString('hex')}${after}`;
};
const ROWS_PER_STATEMENT = 4000;

function mysqlCase(name: string, between: string, valuesOf: (id: number) => string): CountingCase {
  return {
    name,
    newProof: newMysqlTextProof,
    head: Buffer.from('-- MySQL dump 10\n'),
    row: (id) => {
      const place = id % ROWS_PER_STATEMENT;
      const start = place === 0 ? `INSERT INTO \`events\` VALUES${between || ' '}` : `,${between}`;
      return Buffer.from(`${start}(${valuesOf(id)})${place === ROWS_PER_STATEMENT - 1 ? ';\n' : ''}`);
    },
  };
}

function sqliteCase(name: string, valuesOf: (id: number) => string): CountingCase {
  return {
    name,
    newProof: newSqliteTextProof,
    head: Buffer.from('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n'),
    row: (id) => Buffer.from(`INSERT INTO events VALUES(${valuesOf(id)});\n`),
  };
}

export const CASES: readonly CountingCase[] = [
  {
    name: 'PostgreSQL plain',
    newProof: newPlainDumpProof,
    head: Buffer.from('--\n-- PostgreSQL database dump\n--\n\nCOPY public.events (a) FROM stdin;\n'),
    row: copyRow,
  },
  {
    name: 'PostgreSQL custom, `-Z 0`',
    newProof: newCustomArchiveProof,
    head: archiveHead(),
    row: (id) => {
      const row = copyRow(id);
      return Buffer.concat([int(row.length), row]);
    },
  },
  mysqlCase('mysqldump', '', mysqlValues),
  mysqlCase('mysqldump, numbers', '', numbers),
  mysqlCase('mysqldump, short strings', '', shortStrings),
  mysqlCase('mysqldump, blobs', '', () => blobs('0x', '')),
  mysqlCase('mariadb-dump', '\n', mysqlValues),
  sqliteCase('SQLite', (id) => `${id},'${fields(id).slice(1).join("','")}',NULL`),
  sqliteCase('SQLite, numbers', numbers),
  sqliteCase('SQLite, short strings', shortStrings),
  sqliteCase('SQLite, blobs', () => blobs("X'", "'")),
];

/** About eight MiB, which are read again and again: whole statements, so that each round begins where one may. */
export function chunksOf({ row }: CountingCase): readonly Buffer[] {
  const rows: Buffer[] = [];
  for (let id = 0, bytes = 0; bytes < 8 * MIB || id % ROWS_PER_STATEMENT !== 0; id += 1) {
    const one = row(id);
    rows.push(one);
    bytes += one.length;
  }
  const all = Buffer.concat(rows);
  return Array.from({ length: Math.ceil(all.length / CHUNK_BYTES) }, (_, index) =>
    all.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

/** Of version 1.14 with one entry, whose data come. */
function archiveHead(): Buffer {
  const text = (value: string) => Buffer.concat([int(value.length), Buffer.from(value)]);
  const absent = Buffer.from([1, 1, 0, 0, 0]);
  const entry = [int(7), int(1), text('0'), text('0'), text('events'), text('TABLE DATA'), int(3)];
  const rest = [
    text(''),
    text(''),
    text('COPY'),
    text('public'),
    absent,
    text(''),
    text('me'),
    text('false'),
  ];
  return Buffer.concat([
    Buffer.from('PGDMP\x01\x0e\x00\x04\x08\x01', 'latin1'),
    ...Array.from({ length: 8 }, () => int(0)),
    ...[text('db'), text('15'), text('15'), int(1), ...entry, ...rest, absent, Buffer.alloc(9)],
    ...[Buffer.from([1]), int(7)],
  ]);
}
