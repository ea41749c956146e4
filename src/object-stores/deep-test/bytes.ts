/** Bytes that nothing can compress or guess. */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  fillRandom(bytes);
  return bytes;
}

/** Fills with random bytes; Web Crypto gives 64 KiB at once, and not into shared memory. */
export function fillRandom(bytes: Uint8Array): void {
  const block = new Uint8Array(Math.min(bytes.byteLength, 65_536));
  for (let at = 0; at < bytes.byteLength; at += block.byteLength) {
    crypto.getRandomValues(block);
    bytes.set(block.subarray(0, bytes.byteLength - at), at);
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}

/** All of a small body. */
export async function bytesOf(
  body: AsyncIterable<Uint8Array> & { readonly bytes: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(body.bytes);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** The beginning of a body; the rest is not read. */
export async function firstBytes(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxBytes);
  let at = 0;
  for await (const chunk of body ?? []) {
    bytes.set(chunk.subarray(0, maxBytes - at), at);
    at = Math.min(maxBytes, at + chunk.byteLength);
    if (at === maxBytes) break;
  }
  return bytes.subarray(0, at);
}
