import type { ByteReader } from './byte-walk.ts';
import { MOST_HELD } from './held.ts';
import { encodingIn, type TextReader, textReader } from './postgres-encoding.ts';
import { rolesOf } from './postgres-roles.ts';
import { readTable } from './sql-names.ts';
import type { CountedTable, Tally } from './tally.ts';

/**
 * The header and the table of contents with which an archive of pg_dump begins, custom ones and the `toc.dat` of tar ones.
 * Versions 1.10 (PostgreSQL 8.2) to 1.16 (17, 18). The format: ReadHead and ReadToc of PostgreSQL's pg_backup_archiver.c.
 */
export interface Contents {
  readonly layout: Layout;
  readonly compression: ArchiveCompression;
  /** The entries that have data, by their ids. */
  readonly awaited: ReadonlyMap<number, DataEntry>;
}

export interface Layout {
  /** Major and minor version, such as 0x010e. */
  readonly version: number;
  readonly intBytes: number;
  readonly offsetBytes: number;
}

export type ArchiveCompression = 'none' | 'gzip' | 'lz4' | 'zstd' | 'unknown';

export interface DataEntry {
  /** Whose rows they are; null for other data. */
  readonly table: CountedTable | null;
  readonly isLargeObjects: boolean;
  /** Whether they are COPY data; else they are INSERTs. */
  readonly isCopy: boolean;
  /** The member of a tar archive that has them. */
  readonly file: string | null;
}

export const ARCHIVE_FORMATS = { custom: 1, tar: 3 } as const;

const OLDEST = 0x010a;
const NEWEST = 0x0110;
const COMPRESSIONS = ['none', 'gzip', 'lz4', 'zstd'] as const;
const MOST_NAME_BYTES = 64 * 1024;
/** What pg_restore takes for one of the tables that it is given the names of. */
const OTHERS = ['VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE', 'SEQUENCE'];
/** In versions that tell the kind of a relation, a letter as `pg_class` has it. */
const PARTITIONED = 'p'.charCodeAt(0);
const ACCESS = ['ACL', 'DEFAULT ACL', 'POLICY', 'USER MAPPING'];

/** The texts of an entry that pg_restore sends to the server, or makes statements of, a character for each byte. */
export interface EntryTexts {
  readonly kind: string;
  readonly name: string;
  readonly definition: string;
  readonly drop: string;
  readonly copy: string;
  readonly hasData: boolean;
}

/** Told of what is in a table of contents as it is read; throws where something must not be there. */
export interface ContentsCheck {
  /** The version of a program, as the header has it, a character for each byte. */
  version(text: string): void;
  entry(texts: EntryTexts): void;
}

/** Of a text that is looked at, not only counted. */
const MOST_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * Reads it and tells the tally of what it defines. Throws by `refuse` what is no such archive, and what `check` throws for an entry,
 * which is told of all its texts; those that are too long to be looked at are refused then.
 */
export function* readContents(
  reader: ByteReader,
  format: number,
  tally: Tally,
  refuse: (found: string, bytes: number) => Error,
  check?: ContentsCheck,
): Generator<void, Contents> {
  const { layout, compression } = yield* readHeader(reader, format, refuse, check);
  const awaited = new Map<number, DataEntry>();
  const ids = new Set<number>();
  const entries = yield* readInt(reader, layout);
  tally.listOthers();
  // The encoding is told by the first entry.
  const texts = { reader: textReader('UTF8') };
  for (let entry = 0; entry < entries; entry += 1) {
    const id = yield* readInt(reader, layout);
    // Of two with one number, pg_restore takes the data of either for the other's.
    if (id <= 0 || ids.has(id))
      throw refuse(
        `an entry has the number ${id}, ${ids.has(id) ? 'as another has' : 'which none can have'}`,
        reader.position,
      );
    ids.add(id);
    const hasData = (yield* readInt(reader, layout)) !== 0;
    const data = yield* readEntry(reader, layout, format, { tally, hasData, texts, check, refuse });
    if (hasData) awaited.set(id, data);
  }
  return { layout, compression, awaited };
}

function* readHeader(
  reader: ByteReader,
  awaitedFormat: number,
  refuse: (found: string, bytes: number) => Error,
  check: ContentsCheck | undefined,
): Generator<void, Omit<Contents, 'awaited'>> {
  for (const letter of 'PGDMP') {
    if ((yield* reader.byte()) !== letter.charCodeAt(0)) {
      throw refuse('it does not begin as one (a login script of the host may print text)', reader.position);
    }
  }
  const version = (yield* reader.byte()) * 256 + (yield* reader.byte());
  yield* reader.skip(1); // revision
  const layout = { version, intBytes: yield* reader.byte(), offsetBytes: yield* reader.byte() };
  const format = yield* reader.byte();
  if (version < OLDEST || version > NEWEST) {
    throw refuse(
      `its version 1.${version & 0xff} is not one that can be checked (1.10 to 1.16); choose the plain format for now`,
      reader.position,
    );
  }
  if (format !== awaitedFormat || layout.intBytes < 1 || layout.intBytes > 8 || layout.offsetBytes > 8) {
    throw refuse('its header is not one of the custom format', reader.position);
  }
  const compression =
    version >= 0x010f
      ? (COMPRESSIONS[yield* reader.byte()] ?? 'unknown')
      : (yield* readInt(reader, layout)) === 0
        ? 'none'
        : 'gzip';
  for (let field = 0; field < 7; field += 1) yield* readInt(reader, layout); // time of creation
  yield* skipText(reader, layout); // database
  const reads = textReader('UTF8');
  for (const whose of ['the server', 'pg_dump']) {
    const version = yield* readText(reader, layout, MOST_NAME_BYTES, reads);
    if (version.length > MOST_NAME_BYTES)
      throw refuse(`the version of ${whose} is too long`, reader.position);
    check?.version(spelledOut(version));
  }
  return { layout, compression };
}

function* readEntry(
  reader: ByteReader,
  layout: Layout,
  format: number,
  { tally, hasData, texts, check, refuse }: EntryContext,
): Generator<void, DataEntry> {
  const { version } = layout;
  yield* skipTexts(reader, layout, 2); // table's and own oid
  const read = (most: number) => readText(reader, layout, most, texts.reader);
  const tag = yield* read(MOST_NAME_BYTES);
  const kind = yield* read(MOST_NAME_BYTES);
  if (version >= 0x010b) yield* readInt(reader, layout); // section
  const keepsText = KEPT.includes(kind.text) || ACCESS.includes(kind.text);
  const isChecked = check !== undefined;
  const definition = yield* read(isChecked ? MOST_TEXT_BYTES : keepsText ? MOST_HELD : 0);
  const drop = yield* read(isChecked ? MOST_TEXT_BYTES : 0);
  const copy = yield* read(isChecked ? MOST_TEXT_BYTES : 0);
  if (isChecked) {
    if ([definition, drop, copy].some(({ bytes, length }) => length > bytes.length)) {
      throw refuse(`the texts of its entry ${tag.text} are too long to be looked at`, reader.position);
    }
    const of = { kind: kind.text, name: tag.text, hasData };
    check.entry({
      ...of,
      definition: spelledOut(definition),
      drop: spelledOut(drop),
      copy: spelledOut(copy),
    });
  }
  const schema = yield* read(MOST_NAME_BYTES);
  yield* skipText(reader, layout); // tablespace
  if (version >= 0x010e) yield* skipText(reader, layout); // access method
  const relation = version >= 0x0110 ? yield* readInt(reader, layout) : null;
  const owner = yield* read(MOST_NAME_BYTES);
  yield* skipText(reader, layout); // with oids
  while (yield* skipText(reader, layout)); // dependencies, up to an absent one
  const file = format === ARCHIVE_FORMATS.tar ? (yield* read(MOST_NAME_BYTES)).text : null;
  if (format === ARCHIVE_FORMATS.custom) yield* reader.skip(1 + layout.offsetBytes); // data position, unknown in a pipe

  if (owner.text !== '') tally.addRole(owner.text);
  const name = { schema: schema.text === '' ? null : schema.text, name: tag.text };
  const isRows = kind.text === 'TABLE DATA' && hasData;
  if (kind.text === 'TABLE') {
    tally.define(tally.table(name), spelled(definition), definition.bytes.length === definition.length);
    if (relation === null ? BY_PARTITION.test(definition.text) : relation === PARTITIONED) {
      tally.setPartitioned(name);
    }
  } else if (kind.text === 'TABLE ATTACH') {
    const of = readTable(definition.text.replace(ATTACHES, ''));
    if (of !== undefined) tally.attach(name, { schema: of.schema, name: of.name });
  } else if (OTHERS.includes(kind.text)) tally.addOther(name);
  else if (kind.text === 'ENCODING') {
    const encoding = encodingIn(definition.text);
    if (encoding !== undefined) {
      texts.reader = textReader(encoding);
      tally.setEncoding(encoding);
    }
  } else if (kind.text === 'EXTENSION') tally.addExtension(tag.text);
  else if (ACCESS.includes(kind.text)) addRoles(tally, definition.text);
  const isLargeObjects = kind.text === 'BLOBS';
  return { table: isRows ? tally.table(name) : null, isLargeObjects, isCopy: copy.length > 0, file };
}

/** Gives a character for each byte, ASCII as itself. */
const BYTES = new TextDecoder('windows-1252');

function spelledOut({ bytes }: ReadText): string {
  return BYTES.decode(bytes);
}

interface EntryContext {
  readonly check: ContentsCheck | undefined;
  readonly refuse: (found: string, bytes: number) => Error;
  readonly tally: Tally;
  readonly hasData: boolean;
  readonly texts: { reader: TextReader };
}

const KEPT = ['TABLE', 'TABLE ATTACH', 'ENCODING'];
/** Behind the columns, on a line of its own. */
const BY_PARTITION = /\nPARTITION BY /;
const ATTACHES = /^ALTER TABLE (?:ONLY )?/;

/** As in a plain dump, where it stands without its semicolon. */
function spelled({ bytes }: ReadText): Uint8Array {
  let end = bytes.length;
  while (end > 0 && END_OF_STATEMENT.includes(bytes[end - 1] ?? 0)) end -= 1;
  return bytes.subarray(0, end);
}

const END_OF_STATEMENT = [0x0a, 0x3b];

function addRoles(tally: Tally, definition: string): void {
  for (const statement of definition.split(/;\n/)) {
    for (const role of rolesOf(statement.trim())) tally.addRole(role);
  }
}

/** A sign byte, then the value, least significant byte first. */
export function* readInt(reader: ByteReader, layout: Layout): Generator<void, number> {
  const { chunk, offset } = reader;
  if (layout.intBytes === 4 && offset + 5 <= chunk.length) {
    reader.offset += 5;
    const at = new DataView(chunk.buffer, chunk.byteOffset + offset, 5);
    return at.getUint32(1, true) * (at.getUint8(0) === 0 ? 1 : -1);
  }
  const isNegative = (yield* reader.byte()) !== 0;
  let value = 0;
  for (let index = 0, unit = 1; index < layout.intBytes; index += 1, unit *= 256) {
    value += (yield* reader.byte()) * unit;
  }
  return isNegative ? -value : value;
}

interface ReadText {
  readonly bytes: Uint8Array;
  readonly text: string;
  /** All of it; negative for an absent one. */
  readonly length: number;
}

function* readText(
  reader: ByteReader,
  layout: Layout,
  most: number,
  text: TextReader,
): Generator<void, ReadText> {
  const length = yield* readInt(reader, layout);
  const bytes = yield* reader.take(Math.max(0, length), most);
  return { bytes, text: bytes.length === 0 ? '' : text.decode(bytes), length };
}

function* skipTexts(reader: ByteReader, layout: Layout, count: number): Generator<void, void> {
  for (let text = 0; text < count; text += 1) yield* skipText(reader, layout);
}

/** False for an absent text (a negative length). */
function* skipText(reader: ByteReader, layout: Layout): Generator<void, boolean> {
  const length = yield* readInt(reader, layout);
  if (length > 0) yield* reader.skip(length);
  return length >= 0;
}
