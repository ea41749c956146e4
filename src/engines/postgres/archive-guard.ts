import { AppError } from '../../errors.ts';
import { newWalkProof } from '../end-proof/byte-walk.ts';
import { incomplete } from '../end-proof/incomplete.ts';
import { ARCHIVE_FORMATS, type EntryTexts, readContents } from '../end-proof/postgres-toc.ts';
import { newTally } from '../end-proof/tally.ts';
import { walkFirstMember } from '../end-proof/tar.ts';
import type { DumpGuard } from '../restore.ts';
import { isWhole, whyForeign } from './archive-statements.ts';

const MOST_SAID = 80;
/** What pg_restore makes no use of where it is not told to make the database; the second since versions of archives that have it. */
const OF_DATABASE = ['DATABASE', 'DATABASE PROPERTIES'];
const ABOUT = ['ACL', 'COMMENT', 'SECURITY LABEL'];
const KIND = /^[A-Z][A-Z ]*$/;
const NAME = String.raw`(?:"(?:[^"]|"")*"|[\w$\u0080-\uffff]+)`;
const COPY = new RegExp(
  String.raw`^COPY ${NAME}(?:\.${NAME})? (?:\(${NAME}(?:, ${NAME})*\) )? ?(?:WITH OIDS )?FROM stdin;\n$`,
);
const OIDS = /^\d+(?:\n\d+)*\n?$/;
const OID = /^\d+$/;
const SEARCH_PATH = /^SELECT pg_catalog\.set_config\('search_path', '(?:[^'\\]|'')*', false\);\n$/;
/** What is not dropped is told in one. */
const COMMENT = /^--[^\r\n]*\n?$/;
/** From 17 on pg_restore cuts these at each `LARGE OBJECT 1` and semicolon, and knows no quotation but that of names. */
const OF_LARGE_OBJECTS = 'LARGE OBJECTS';
const LARGE_OBJECT_GRANTS = new RegExp(
  String.raw`^(?:(?:GRANT|REVOKE) (?:GRANT OPTION FOR )?[A-Z]+(?:, ?[A-Z]+)* ON LARGE OBJECT \d+ (?:TO|FROM) ${NAME}(?: WITH GRANT OPTION)?;\n)+$`,
);

/**
 * Reads the table of contents with which an archive begins, all of which pg_restore reads before it does anything, and refuses one
 * whose entries would have it run what pg_dump does not write: its texts are sent to the server as they stand, and one that ends the
 * transaction of the restore would let the next drop any database.
 */
export function newArchiveGuard(format: 'custom' | 'tar'): DumpGuard {
  const tally = newTally();
  const damaged = (found: string, bytes: number) => incomplete(`${format} archive of pg_dump`, found, bytes);
  let isRead = false;
  let hasSearchPath = false;
  const check = {
    version(text: string) {
      // pg_restore prints it behind the sign of a comment, which a line break ends.
      if (/[\r\n]/.test(text)) refuse({ kind: 'header', name: 'version' }, text);
    },
    entry(entry: EntryTexts) {
      checkEntry(entry);
      if (entry.kind !== 'SEARCHPATH') return;
      if (hasSearchPath) refuse(entry, entry.definition);
      hasSearchPath = true;
    },
  };
  const walk = newWalkProof(function* (reader) {
    if (format === 'tar') yield* walkFirstMember(reader, damaged);
    yield* readContents(reader, ARCHIVE_FORMATS[format], tally, damaged, check);
    isRead = true;
    // Nothing behind it is looked at.
    for (;;) yield* reader.skip(1024 * 1024);
  }, damaged);
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
  // Its name stands without quotes in the statement that gives it to its owner.
  if (kind === 'BLOB' && !OID.test(name)) refuse(entry, name);
  const foreign = whyForeignDefinition(entry) ?? whyForeignDrop(drop);
  if (foreign !== null) refuse(entry, foreign);
}

function whyForeignDefinition({ kind, name, definition }: EntryTexts): string | null {
  if (GIVEN.includes(kind)) return null;
  if (kind === 'SEARCHPATH') return SEARCH_PATH.test(definition) ? null : definition;
  if (kind !== 'ACL') return whyForeign(definition);
  if (name.startsWith(OF_LARGE_OBJECTS) && !LARGE_OBJECT_GRANTS.test(definition)) return definition;
  return whyForeign(definition, true);
}

/** Of functions and the like it is, without its first five signs, a part of the statement that gives them to their owner. */
function whyForeignDrop(drop: string): string | null {
  if (drop === '' || COMMENT.test(drop)) return null;
  const given = `ALTER ${drop.slice(5)}`;
  if (!isWhole(drop) || !isWhole(given)) return drop;
  return whyForeign(drop) ?? whyForeign(given);
}

/** pg_restore reads a value in these, and writes the statement itself. */
const GIVEN = ['ENCODING', 'STDSTRINGS'];

function refuse({ kind, name }: Pick<EntryTexts, 'kind' | 'name'>, what: string): never {
  const said = (text: string) => text.replaceAll(/[^ -~]+/g, ' ').slice(0, MOST_SAID);
  throw new AppError(
    'dump_unsafe',
    `The archive’s entry ${said(kind)} ${said(name)} holds “${said(what)}”, which would not stay within the one database and the one transaction of a restore. Nothing of it was kept. pg_dump writes no such thing, so look at where the file comes from; if you trust it, restore it by hand.`,
  );
}
