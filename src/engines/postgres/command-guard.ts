import type { DumpGuard } from '../restore.ts';
import { cutBefore } from './dump-statements.ts';
import { newCommentReaders } from './plain-dump/comments.ts';
import { newCopyRows } from './plain-dump/copy.ts';
import { newDollarReaders } from './plain-dump/dollar-quoted.ts';
import { newCommandReader } from './plain-dump/psql-commands.ts';
import { newQuotedReaders } from './plain-dump/quoted.ts';
import { newReading, type Part, type PartReader, type Reading, refuse } from './plain-dump/reading.ts';
import { NEWLINE, NUL } from './plain-dump/signs.ts';
import { newSqlReader } from './plain-dump/sql.ts';
import { newStatement, type Statement } from './plain-dump/statement.ts';

const NOTHING = new Uint8Array(0);

/**
 * Reads a plain dump as psql does, and refuses each of psql's own commands in it, which run programs on the host, but the pair
 * `\restrict` and `\unrestrict` with one key of letters and digits: its arguments may run programs, too (CVE-2026-18408). Refused is
 * also a variable of psql's (`:SERVER_VERSION_NAME` holds what the server says), and what psql reads in one way or another by its
 * version, or by `standard_conforming_strings`, which a dump can change: no pg_dump writes that, but for a text that ends with a backslash.
 *
 * A dump can change `client_encoding` as well, by any expression, and psql then reads another sign where a byte of 0x80 or more stands
 * before a quote. So psql is locked by a key of our own before all else, and what locks it in the dump is blanked out.
 *
 * Refused is, too, what pg_dump does not begin statements with, above all what ends a transaction: the dump is restored in one of ours.
 * Around the data of large objects pg_dump writes one of its own, which would end it: where ours is around, that is blanked out.
 */
export function newCommandGuard(isInTransaction = true): DumpGuard {
  const reading = newReading();
  const statement = newStatement(reading, isInTransaction);
  const readers = readersOf(reading, statement);
  /** The beginning of what may be blanked out once it has come whole. */
  let kept: Uint8Array = NOTHING;
  let isAtLine = true;

  return {
    first: new TextEncoder().encode(`\\restrict ${crypto.randomUUID().replaceAll('-', '')}\n`),
    observe(next) {
      const come = kept.length === 0 ? next : joined(kept, next);
      const end = isInTransaction ? cutBefore(come, isAtLine) : come.length;
      kept = end === come.length ? NOTHING : come.slice(end);
      const chunk = end === come.length ? come : come.subarray(0, end);
      const nul = chunk.indexOf(NUL);
      if (nul >= 0) refuse(reading, 'a NUL character', nul);
      reading.sent = chunk;
      for (let at = 0; at < chunk.length; ) at = readers[reading.part](chunk, at);
      reading.position += chunk.length;
      if (chunk.length > 0) isAtLine = chunk[chunk.length - 1] === NEWLINE;
      return reading.sent;
    },
    finish: () => statement.finish(),
  };
}

function readersOf(reading: Reading, statement: Statement): Readonly<Record<Part, PartReader>> {
  const quoted = newQuotedReaders(reading);
  const dollars = newDollarReaders(reading);
  const commands = newCommandReader(reading);
  const comments = newCommentReaders(reading, statement.addOperator);
  const rows = newCopyRows(reading);
  return {
    sql: newSqlReader(reading, statement, { quoted, dollars, commands }),
    dash: comments.readMark,
    slash: comments.readMark,
    'line-comment': comments.readLine,
    'block-comment': comments.readBlock,
    quoted: quoted.readText,
    named: quoted.readName,
    dollar: dollars.readTag,
    'dollar-quoted': dollars.readText,
    command: commands.read,
    'copy-head': rows.readHead,
    'copy-line': rows.readLine,
    'copy-rest': rows.readRest,
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
