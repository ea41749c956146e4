import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newRandom } from '../dev/random.ts';
import { MIB } from './figures.ts';

const WORDS =
  'order invoice customer delivered pending Zürich Grüße refund shipped basket total note 漢字 address street'.split(
    ' ',
  );

/** Writes rows such as a plain dump's COPY data has, whole MiB of them; the same for the same size. */
export async function writeDumpText(file: string, mebibytes: number): Promise<void> {
  await pipeline(Readable.from(blocks(mebibytes)), createWriteStream(file));
}

function* blocks(mebibytes: number): Generator<Buffer> {
  const random = newRandom(1);
  let id = 0;
  let rest = '';
  for (let block = 0; block < mebibytes; block += 1) {
    while (Buffer.byteLength(rest) < MIB) {
      for (let row = 0; row < 1000; row += 1) {
        id += 1;
        rest += rowOf(id, random);
      }
    }
    const bytes = Buffer.from(rest);
    yield bytes.subarray(0, MIB);
    // A character may have been cut in two; the rows go on with the next one.
    rest = bytes.subarray(MIB).toString();
  }
}

function rowOf(id: number, random: () => number): string {
  const hex = () => Math.floor(random() * 2 ** 32).toString(16);
  const word = () => WORDS[Math.floor(random() * WORDS.length)];
  const day = 1 + Math.floor(random() * 28);
  const body = Array.from({ length: 6 + Math.floor(random() * 12) }, word).join(' ');
  return `${id}\t2026-0${1 + (id % 9)}-${day} 10:${10 + (id % 50)}:07.${id % 1000}+00\t${id % 977}\t{"n": ${id}, "ref": "${hex()}${hex()}"}\t${body}\t\\N\t\\\\x${hex()}${hex()}${hex()}\n`;
}
