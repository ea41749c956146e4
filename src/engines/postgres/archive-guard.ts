import { AppError } from '../../errors.ts';
import { newWalkProof } from '../end-proof/byte-walk.ts';
import { incomplete } from '../end-proof/incomplete.ts';
import { ARCHIVE_FORMATS, type EntryTexts, readContents } from '../end-proof/postgres-toc.ts';
import { newTally } from '../end-proof/tally.ts';
import { walkFirstMember } from '../end-proof/tar.ts';
import type { DumpGuard } from '../restore.ts';
import { whyForeign } from './archive-statements.ts';

const MOST_SAID = 80;
/** What pg_restore makes no use of where it is not told to make the database; the second since versions of archives that have it. */
const OF_DATABASE = ['DATABASE', 'DATABASE PROPERTIES'];
const ABOUT = ['ACL', 'COMMENT', 'SECURITY LABEL'];
const KIND = /^[A-Z][A-Z ]*$/;
const NAME = String.raw`(?:"(?:[^"]|"")*"|[\w$\u0080-\uffff]+)`;
const COPY = new RegExp(
  String.raw`^COPY ${NAME}(?:\.${NAME})? (?:\(${NAME}(?:, ${NAME})*\) )? ?(?:WITH OIDS )?FROM stdin;\n$`,
);
const OIDS = /^(?:\d+\n?)+$/;

/**
 * Reads the table of contents with which an archive begins, all of which pg_restore reads before it does anything, and refuses one
 * whose entries would have it run what pg_dump does not write: its texts are sent to the server as they stand, and one that ends the
 * transaction of the restore would let the next drop any database.
 */
export function newArchiveGuard(format: 'custom' | 'tar'): DumpGuard {
  const tally = newTally();
  const refuse = (found: string, bytes: number) => incomplete(`${format} archive of pg_dump`, found, bytes);
  let isRead = false;
  const walk = newWalkProof(function* (reader) {
    if (format === 'tar') yield* walkFirstMember(reader, refuse);
    yield* readContents(reader, ARCHIVE_FORMATS[format], tally, refuse, checkEntry);
    isRead = true;
    // Nothing behind it is looked at.
    for (;;) yield* reader.skip(1024 * 1024);
  }, refuse);
  return {
    observe(chunk) {
      if (!isRead) walk.observe(chunk);
      return chunk;
    },
  };
}

function checkEntry(entry: EntryTexts): void {
  const { kind, name, definition, drop, copy, hasData } = entry;
  if (OF_DATABASE.includes(kind) || (ABOUT.includes(kind) && name.startsWith('DATABASE '))) {
    if (hasData) refuse(entry, 'data');
    return;
  }
  // It stands in a comment, which a line break would end.
  if (!KIND.test(kind)) refuse(entry, 'its kind');
  if (copy !== '' && !COPY.test(copy)) refuse(entry, copy);
  if (hasData && !(kind === 'TABLE DATA' ? copy !== '' : kind === 'BLOBS'))
    refuse(entry, 'data that are no rows');
  // From 17 on it lists large objects, and pg_restore puts each line between brackets.
  if (kind === 'BLOB METADATA') {
    if (!OIDS.test(definition)) refuse(entry, definition);
    return;
  }
  if (!GIVEN.includes(kind)) {
    const foreign = whyForeign(definition);
    if (foreign !== null) refuse(entry, foreign);
  }
  // Of functions and the like it is a part of the statement that gives them to their owner.
  const foreign = whyForeign(drop);
  if (foreign !== null) refuse(entry, foreign);
}

/** pg_restore reads a value in these, and writes the statement itself. */
const GIVEN = ['ENCODING', 'STDSTRINGS', 'SEARCHPATH'];

function refuse({ kind, name }: EntryTexts, what: string): never {
  const said = (text: string) => text.replaceAll(/[^ -~]+/g, ' ').slice(0, MOST_SAID);
  throw new AppError(
    'dump_unsafe',
    `The archive’s entry ${said(kind)} ${said(name)} holds “${said(what)}”, which would not stay within the one database and the one transaction of a restore. Nothing of it was kept. pg_dump writes no such thing, so look at where the file comes from; if you trust it, restore it by hand.`,
  );
}
