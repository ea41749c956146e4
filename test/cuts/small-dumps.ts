import Database from 'better-sqlite3';
import type { Mutable } from './mutate.ts';

const ROWS = 400;
const lines = (line: (at: number) => string) => Array.from({ length: ROWS }, (_, at) => line(at)).join('\n');

/** Small dumps, as the tools spell them, of each engine whose dumps need no server to be made. */
export function smallDumps(): readonly Mutable[] {
  return [
    {
      name: 'SQLite plain, zstd',
      of: { type: 'sqlite', format: 'plain', compression: 'zstd-3' },
      dump: Buffer.from(
        `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE "t ü '" (a);\n${lines((at) => `INSERT INTO "t ü '" VALUES('${at}; COMMIT;');`)}\nCOMMIT;\n`,
      ),
    },
    {
      name: 'SQLite binary, none',
      of: { type: 'sqlite', format: 'binary', compression: 'none' },
      dump: sqliteFile(),
    },
    {
      name: 'PostgreSQL plain, gzip',
      of: { type: 'postgres', format: 'plain', compression: 'gzip-6' },
      dump: Buffer.from(
        `--\n-- PostgreSQL database dump\n--\n\nSET standard_conforming_strings = on;\n\nCREATE TABLE public."t ü" (\n    a integer,\n    b text\n);\n\nCOPY public."t ü" (a, b) FROM stdin;\n${lines((at) => `${at}\tx\\\\. ${at * 7}`)}\n\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n`,
      ),
    },
    {
      name: 'MySQL plain, zstd',
      of: { type: 'mysql', format: 'plain', compression: 'zstd-3' },
      dump: Buffer.from(
        `-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n-- Host: localhost    Database: shop\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\nCREATE TABLE \`t ü\` (\n  \`a\` int(11) DEFAULT NULL\n);\nINSERT INTO \`t ü\` VALUES\n${lines((at) => `(${at},'it\\'s; -- ${at}')`).replaceAll(')\n', '),\n')};\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2026-03-04  5:06:07\n`,
      ),
    },
  ];
}

function sqliteFile(): Buffer {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (a, b)');
  const insert = db.prepare('INSERT INTO t VALUES (?, ?)');
  for (let at = 0; at < ROWS; at += 1) insert.run(at, `row ${at} 😀`);
  const bytes = db.serialize();
  db.close();
  return bytes;
}
