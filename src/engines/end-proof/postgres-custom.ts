import type { EndProof } from '../engine.ts';
import { type ByteReader, newWalkProof } from './byte-walk.ts';
import { incomplete } from './incomplete.ts';

const OLDEST = 0x010a;
const NEWEST = 0x0110;
const FORMAT_CUSTOM = 1;
const BLOCK_DATA = 1;
const BLOCK_LARGE_OBJECTS = 3;

/**
 * A custom archive of pg_dump: header, table of contents, then the data blocks of the entries, each a list of chunks
 * up to one of length 0. It has no trailer, so it is whole when every entry with data has had its block. Versions
 * 1.10 (PostgreSQL 8.2) to 1.16 (17, 18). The format: ReadHead and ReadToc of PostgreSQL's pg_backup_archiver.c,
 * _PrintTocData and _skipData of pg_backup_custom.c. Memory: one number for each entry with data.
 */
export function newCustomArchiveProof(): EndProof {
  return newWalkProof(walkArchive, refuse);
}

function refuse(found: string, bytes: number): Error {
  return incomplete('custom archive of pg_dump', found, bytes);
}

interface Layout {
  /** Major and minor version, such as 0x010e. */
  readonly version: number;
  readonly intBytes: number;
  readonly offsetBytes: number;
}

function* walkArchive(reader: ByteReader): Generator<void, void> {
  const layout = yield* readHeader(reader);
  const awaited = yield* readContents(reader, layout);
  for (;;) {
    if (awaited.size === 0) reader.mayEndHere();
    const kind = yield* reader.byte();
    const id = yield* readInt(reader, layout);
    if (!awaited.delete(id)) throw refuse(`there is a data block of no known entry (${id})`, reader.position);
    if (kind === BLOCK_DATA) yield* skipChunks(reader, layout);
    else if (kind === BLOCK_LARGE_OBJECTS) yield* skipLargeObjects(reader, layout);
    else throw refuse(`there is a data block of unknown kind ${kind}`, reader.position);
  }
}

function* readHeader(reader: ByteReader): Generator<void, Layout> {
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
  if (format !== FORMAT_CUSTOM || layout.intBytes < 1 || layout.intBytes > 8 || layout.offsetBytes > 8) {
    throw refuse('its header is not one of the custom format', reader.position);
  }
  if (version >= 0x010f) yield* reader.skip(1);
  else yield* readInt(reader, layout); // compression
  for (let field = 0; field < 7; field += 1) yield* readInt(reader, layout); // time of creation
  for (let field = 0; field < 3; field += 1) yield* skipText(reader, layout); // database, versions of server and pg_dump
  return layout;
}

/** The ids of the entries that have data. */
function* readContents(reader: ByteReader, layout: Layout): Generator<void, Set<number>> {
  const { version } = layout;
  const awaited = new Set<number>();
  const entries = yield* readInt(reader, layout);
  for (let entry = 0; entry < entries; entry += 1) {
    const id = yield* readInt(reader, layout);
    const hasData = (yield* readInt(reader, layout)) !== 0;
    yield* skipTexts(reader, layout, 4); // table's and own oid, tag, description
    if (version >= 0x010b) yield* readInt(reader, layout); // section
    yield* skipTexts(reader, layout, 5); // definition, drop, copy, namespace, tablespace
    if (version >= 0x010e) yield* skipText(reader, layout); // access method
    if (version >= 0x0110) yield* readInt(reader, layout); // kind of relation
    yield* skipTexts(reader, layout, 2); // owner, with oids
    while (yield* skipText(reader, layout)); // dependencies, up to an absent one
    yield* reader.skip(1 + layout.offsetBytes); // data position, unknown when written to a pipe
    if (hasData) awaited.add(id);
  }
  return awaited;
}

function* skipLargeObjects(reader: ByteReader, layout: Layout): Generator<void, void> {
  while ((yield* readInt(reader, layout)) !== 0) yield* skipChunks(reader, layout);
}

/** Chunks up to one of length 0. */
function* skipChunks(reader: ByteReader, layout: Layout): Generator<void, void> {
  while (!skipChunksAtHand(reader, layout)) {
    const length = yield* readInt(reader, layout);
    if (length === 0) return;
    if (length < 0) throw refuse('a chunk has a negative length', reader.position);
    yield* reader.skip(length);
  }
}

/**
 * Skips the chunks that have come whole; true when the one of length 0 was among them. An uncompressed archive has a
 * chunk for each row, so this loop decides how fast a dump can be read.
 */
function skipChunksAtHand(reader: ByteReader, layout: Layout): boolean {
  if (layout.intBytes !== 4) return false;
  const { chunk } = reader;
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = reader.offset;
  while (at + 5 <= chunk.length && chunk[at] === 0) {
    const length = view.getUint32(at + 1, true);
    const next = at + 5 + length;
    if (next > chunk.length) break;
    at = next;
    if (length === 0) {
      reader.offset = at;
      return true;
    }
  }
  reader.offset = at;
  return false;
}

/** A sign byte, then the value, least significant byte first. */
function* readInt(reader: ByteReader, layout: Layout): Generator<void, number> {
  const isNegative = (yield* reader.byte()) !== 0;
  let value = 0;
  for (let index = 0, unit = 1; index < layout.intBytes; index += 1, unit *= 256) {
    value += (yield* reader.byte()) * unit;
  }
  return isNegative ? -value : value;
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
