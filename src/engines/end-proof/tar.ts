import type { EndProof } from '../engine.ts';
import { type ByteReader, newWalkProof } from './byte-walk.ts';
import { incomplete } from './incomplete.ts';

const BLOCK = 512;

/**
 * A tar archive (POSIX.1-2017, pax, "ustar Interchange Format") is members, each a header block with a checksum and
 * its bytes in whole blocks, then two zero blocks. pg_dump writes toc.dat first.
 */
export function newTarProof(): EndProof {
  return newWalkProof(walkTar, refuse);
}

function refuse(found: string, bytes: number): Error {
  return incomplete('tar archive of pg_dump', found, bytes);
}

function* walkTar(reader: ByteReader): Generator<void, void> {
  const header = new Uint8Array(BLOCK);
  for (let member = 0; ; member += 1) {
    yield* readBlock(reader, header);
    if (isZero(header)) break;
    if (!hasChecksum(header)) throw refuse(`member ${member + 1} has no valid header`, reader.position);
    if (member === 0 && textOf(header, 0, 100) !== 'toc.dat') {
      throw refuse(
        'it does not begin with toc.dat (a login script of the host may print text)',
        reader.position,
      );
    }
    const size = sizeOf(header);
    yield* reader.skip(Math.ceil(size / BLOCK) * BLOCK);
  }
  yield* readBlock(reader, header);
  if (!isZero(header)) throw refuse('its end is one zero block instead of two', reader.position);
  reader.mayEndHere();
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
