import type { ArchiveBlocks, EndProof } from '../engine.ts';
import { type ByteReader, newWalkProof } from './byte-walk.ts';
import { newDataRows } from './data-rows.ts';
import { incomplete } from './incomplete.ts';
import {
  ARCHIVE_FORMATS,
  type Contents,
  type DataEntry,
  type Layout,
  readContents,
  readInt,
} from './postgres-toc.ts';
import { newTally, type Tally } from './tally.ts';

const BLOCK_DATA = 1;
const BLOCK_LARGE_OBJECTS = 3;

/**
 * A custom archive of pg_dump: header, table of contents, then the data blocks of the entries, each a list of chunks
 * up to one of length 0. It has no trailer, so it is whole when every entry with data has had its block. The format:
 * `postgres-toc.ts`, _PrintTocData and _skipData of pg_backup_custom.c. Memory: what is known of each entry with data. The rows in
 * compressed blocks are counted where `blocks` inflates them.
 */
export function newCustomArchiveProof(blocks?: ArchiveBlocks): EndProof {
  const tally = newTally();
  const walk = newWalkProof((reader) => walkArchive(reader, tally, blocks), refuse);
  return { ...walk, contents: () => tally.contents() };
}

function refuse(found: string, bytes: number): Error {
  return incomplete('custom archive of pg_dump', found, bytes);
}

function* walkArchive(
  reader: ByteReader,
  tally: Tally,
  blocks: ArchiveBlocks | undefined,
): Generator<void, void> {
  const contents = yield* readContents(reader, ARCHIVE_FORMATS.custom, tally, refuse);
  const awaited = new Map(contents.awaited);
  const open = (entry: DataEntry) => openBlock(entry, tally, contents, blocks);
  for (;;) {
    if (awaited.size === 0) reader.mayEndHere();
    const kind = yield* reader.byte();
    const id = yield* readInt(reader, contents.layout);
    const entry = awaited.get(id);
    if (entry === undefined) {
      throw refuse(`there is a data block of no known entry (${id})`, reader.position);
    }
    awaited.delete(id);
    // pg_restore would run what is in it.
    if (kind === BLOCK_DATA && entry.isLargeObjects) {
      throw refuse('there is a data block of rows where large objects should be', reader.position);
    }
    if (kind === BLOCK_DATA) yield* readChunks(reader, contents.layout, open(entry));
    else if (kind === BLOCK_LARGE_OBJECTS) {
      while ((yield* readInt(reader, contents.layout)) !== 0) {
        tally.addLargeObjects(1);
        yield* readChunks(reader, contents.layout, open(entry));
      }
    } else throw refuse(`there is a data block of unknown kind ${kind}`, reader.position);
  }
}

/** What takes the bytes of a block. */
interface Block {
  /** null: nobody looks at them. */
  readonly read: ((chunk: Uint8Array, from: number, end: number) => void) | null;
  end(): void;
}

function openBlock(
  entry: DataEntry,
  tally: Tally,
  { compression }: Contents,
  blocks: ArchiveBlocks | undefined,
): Block {
  const rows = newDataRows(entry, tally);
  if (compression === 'none') return entry.table === null ? UNREAD : rows;
  const inflated = blocks?.open(compression, {
    read: (chunk) => rows.read(chunk, 0, chunk.length),
    end: rows.end,
  });
  if (inflated !== undefined) {
    return { read: (chunk, from, end) => inflated.add(chunk.slice(from, end)), end: inflated.end };
  }
  if (entry.table !== null) entry.table.rows = null;
  return UNREAD;
}

const UNREAD: Block = { read: null, end: () => {} };

/** Chunks up to one of length 0. */
function* readChunks(reader: ByteReader, layout: Layout, block: Block): Generator<void, void> {
  while (!readChunksAtHand(reader, layout, block)) {
    const length = yield* readInt(reader, layout);
    if (length === 0) break;
    if (length < 0) throw refuse('a chunk has a negative length', reader.position);
    yield* block.read === null ? reader.skip(length) : reader.show(length, block.read);
  }
  block.end();
}

/**
 * Reads the chunks that have come whole; true when the one of length 0 was among them. An uncompressed archive has a
 * chunk for each row, so this loop decides how fast a dump can be read.
 */
function readChunksAtHand(reader: ByteReader, layout: Layout, { read }: Block): boolean {
  if (layout.intBytes !== 4) return false;
  const { chunk } = reader;
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = reader.offset;
  while (at + 5 <= chunk.length && chunk[at] === 0) {
    const length = view.getUint32(at + 1, true);
    const next = at + 5 + length;
    if (next > chunk.length) break;
    if (length === 0) {
      reader.offset = next;
      return true;
    }
    if (read !== null) read(chunk, at + 5, next);
    at = next;
  }
  reader.offset = at;
  return false;
}
