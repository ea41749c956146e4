import type { EndProof } from '../engine.ts';
import { type ByteReader, newWalkProof } from './byte-walk.ts';
import { newDataRows } from './data-rows.ts';
import { incomplete } from './incomplete.ts';
import { ARCHIVE_FORMATS, type DataEntry, readContents } from './postgres-toc.ts';
import { newTally, type Tally } from './tally.ts';

const BLOCK = 512;

/**
 * A tar archive (POSIX.1-2017, pax, "ustar Interchange Format") is members, each a header block with a checksum and
 * its bytes in whole blocks, then two zero blocks. pg_dump writes toc.dat first, which says what the others are.
 */
export function newTarProof(): EndProof {
  const members: TarMembers = { tally: newTally(), files: new Map(), isKnown: false };
  const walk = newWalkProof((reader) => walkTar(reader, members), refuse);
  return { ...walk, contents: () => (members.isKnown ? members.tally.contents() : null) };
}

function refuse(found: string, bytes: number): Error {
  return incomplete('tar archive of pg_dump', found, bytes);
}

interface TarMembers {
  readonly tally: Tally;
  /** What `toc.dat` says of the others, by their names. */
  readonly files: Map<string, DataEntry>;
  /** Whether `toc.dat` could be read. */
  isKnown: boolean;
}

function* walkTar(reader: ByteReader, members: TarMembers): Generator<void, void> {
  const header = new Uint8Array(BLOCK);
  for (let member = 0; ; member += 1) {
    yield* readBlock(reader, header);
    if (isZero(header)) break;
    if (!hasChecksum(header)) throw refuse(`member ${member + 1} has no valid header`, reader.position);
    const name = textOf(header, 0, 100);
    if (member === 0 && name !== 'toc.dat') {
      throw refuse(
        'it does not begin with toc.dat (a login script of the host may print text)',
        reader.position,
      );
    }
    const size = sizeOf(header);
    if (member === 0) yield* reader.show(size, contentsReader(members));
    else yield* readMember(reader, members, name, size);
    yield* reader.skip(Math.ceil(size / BLOCK) * BLOCK - size);
  }
  yield* readBlock(reader, header);
  if (!isZero(header)) throw refuse('its end is one zero block instead of two', reader.position);
  reader.mayEndHere();
}

/** Up to the first byte of the first member, which is the table of contents. */
export function* walkFirstMember(
  reader: ByteReader,
  refuseArchive: (found: string, bytes: number) => Error,
): Generator<void, void> {
  const header = new Uint8Array(BLOCK);
  yield* readBlock(reader, header);
  if (textOf(header, 0, 100) !== 'toc.dat')
    throw refuseArchive('it does not begin with toc.dat', reader.position);
}

/** Follows `toc.dat` by a walk of its own: how long it is says its header, and that is what the archive's proof goes by. */
function contentsReader(members: TarMembers) {
  const { tally, files } = members;
  const toc = newWalkProof(function* (reader) {
    const { awaited } = yield* readContents(reader, ARCHIVE_FORMATS.tar, tally, refuse);
    for (const entry of awaited.values()) if (entry.file !== null) files.set(entry.file, entry);
    members.isKnown = true;
  }, refuse);
  let isLost = false;
  return (chunk: Uint8Array, from: number, end: number): void => {
    if (isLost) return;
    try {
      toc.observe(chunk.subarray(from, end));
    } catch {
      // It goes on after its end, or is of a version that is not known: the archive may be whole all the same.
      isLost = true;
      members.isKnown = false;
    }
  };
}

function* readMember(
  reader: ByteReader,
  { tally, files }: TarMembers,
  name: string,
  size: number,
): Generator<void, void> {
  const entry = files.get(name);
  if (/^blob_\d+\.dat$/.test(name)) tally.addLargeObjects(1);
  if (entry === undefined || entry.table === null) {
    yield* reader.skip(size);
    return;
  }
  const rows = newDataRows(entry, tally);
  yield* reader.show(size, rows.read);
  rows.end();
}

function* readBlock(reader: ByteReader, block: Uint8Array): Generator<void, void> {
  for (let index = 0; index < BLOCK; index += 1) block[index] = yield* reader.byte();
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** The sum of the header's bytes, the checksum's own eight counted as spaces. */
function hasChecksum(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  return Number.parseInt(textOf(header, 148, 8).trim(), 8) === sum;
}

/** Octal digits, or base 256 behind a first byte of 0x80 for members of 8 GiB and more. */
function sizeOf(header: Uint8Array): number {
  if (((header[124] ?? 0) & 0x80) === 0) return Number.parseInt(textOf(header, 124, 12).trim(), 8);
  return header.subarray(125, 136).reduce((total, byte) => total * 256 + byte, 0);
}

function textOf(header: Uint8Array, start: number, length: number): string {
  const bytes = header.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
}
