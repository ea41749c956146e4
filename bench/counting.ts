/**
 * What it costs to count what a dump holds while it goes by: CPU seconds per GiB of the scanners alone, and of the whole pipeline
 * (proof, SHA-256 of the dump, zstd 3, SHA-256 of what is stored) with them and without.
 *
 *   node bench/counting.ts [MEBIBYTES]
 */

import { newRandom } from '../dev/random.ts';
import { newMysqlTextProof } from '../src/engines/end-proof/mysql-text.ts';
import { newCustomArchiveProof } from '../src/engines/end-proof/postgres-custom.ts';
import { newPlainDumpProof } from '../src/engines/end-proof/postgres-plain.ts';
import { newSqliteTextProof } from '../src/engines/end-proof/sqlite-text.ts';
import type { EndProof } from '../src/engines/engine.ts';
import { openPipeline } from '../src/transfer/node/pipeline.ts';
import { fixed, GIB, MIB } from './figures.ts';

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

interface Case {
  readonly name: string;
  readonly newProof: () => EndProof;
  readonly head: Buffer;
  row(id: number): Buffer;
}

const copyRow = (id: number) => Buffer.from(`${fields(id).join('\t')}\t\\N\t\\\\x${hex()}${hex()}\n`);
const values = (id: number) =>
  `${id},'${fields(id).slice(1).join("','").replaceAll('"', '\\"')}',NULL,0x${hex()}${hex()}`;
const ROWS_PER_STATEMENT = 4000;

const CASES: readonly Case[] = [
  {
    name: 'PostgreSQL plain',
    newProof: newPlainDumpProof,
    head: Buffer.from('--\n-- PostgreSQL database dump\n--\n\nCOPY public.events (a) FROM stdin;\n'),
    row: copyRow,
  },
  {
    name: 'PostgreSQL custom, -Z 0',
    newProof: newCustomArchiveProof,
    head: archiveHead(),
    row: (id) => {
      const row = copyRow(id);
      return Buffer.concat([int(row.length), row]);
    },
  },
  {
    name: 'mysqldump',
    newProof: newMysqlTextProof,
    head: Buffer.from('-- MySQL dump 10\n'),
    row: (id) => {
      const start = id % ROWS_PER_STATEMENT === 0 ? 'INSERT INTO `events` VALUES ' : ',';
      return Buffer.from(
        `${start}(${values(id)})${id % ROWS_PER_STATEMENT === ROWS_PER_STATEMENT - 1 ? ';\n' : ''}`,
      );
    },
  },
  {
    name: 'mariadb-dump',
    newProof: newMysqlTextProof,
    head: Buffer.from('-- MariaDB dump 10\n'),
    row: (id) => {
      const start = id % ROWS_PER_STATEMENT === 0 ? 'INSERT INTO `events` VALUES\n' : ',\n';
      return Buffer.from(
        `${start}(${values(id)})${id % ROWS_PER_STATEMENT === ROWS_PER_STATEMENT - 1 ? ';\n' : ''}`,
      );
    },
  },
  {
    name: 'SQLite',
    newProof: newSqliteTextProof,
    head: Buffer.from('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n'),
    row: (id) => Buffer.from(`INSERT INTO events VALUES(${id},'${fields(id).slice(1).join("','")}',NULL);\n`),
  },
];

const SILENT: EndProof = { observe: () => {}, finish: () => {} };
const mebibytes = Number(process.argv[2] ?? 512);
console.log(`| ${mebibytes} MiB of | scanner, CPU s/GiB | pipeline without | pipeline with | share |`);
console.log('|---|---|---|---|---|');
for (const one of CASES) {
  const chunks = chunksOf(one);
  const rounds = Math.ceil((mebibytes * MIB) / (chunks.length * CHUNK_BYTES));
  const perGib = (seconds: number) => (seconds * GIB) / (rounds * chunks.length * CHUNK_BYTES);
  const scanner = perGib(await cpuOf(async () => scan(one, chunks, rounds)));
  const without = perGib(await cpuOf(() => through(chunks, rounds, SILENT)));
  const counting = one.newProof();
  counting.observe(one.head);
  const proof: EndProof = { observe: counting.observe, finish: () => {} };
  const withIt = perGib(await cpuOf(() => through(chunks, rounds, proof)));
  const share = `${fixed((100 * scanner) / (without + scanner))} %`;
  console.log(
    `| ${one.name} | ${fixed(scanner, 2)} | ${fixed(without, 2)} | ${fixed(withIt, 2)} | ${share} |`,
  );
}

/** About eight MiB, which are read again and again: whole statements, so that each round begins where one may. */
function chunksOf({ row }: Case): readonly Buffer[] {
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

function scan({ newProof, head }: Case, chunks: readonly Buffer[], rounds: number): void {
  const proof = newProof();
  proof.observe(head);
  for (let round = 0; round < rounds; round += 1) for (const chunk of chunks) proof.observe(chunk);
}

async function through(chunks: readonly Buffer[], rounds: number, proof: EndProof): Promise<void> {
  async function* source() {
    for (let round = 0; round < rounds; round += 1) yield* chunks;
  }
  const plan = { newEndProof: () => proof, compression: { type: 'zstd', level: 3 } } as const;
  const { stream } = openPipeline(source(), plan, new AbortController().signal);
  for await (const _ of stream);
}

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
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
