import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** A page of 60 KiB takes a millisecond at this level, on another thread; a higher one saves a few per cent more. */
const LEVEL = 4;

export async function gzipText(text: string | Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await compress(text, { level: LEVEL }));
}
