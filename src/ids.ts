const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** A new opaque id: `c` and 24 random characters of base 36 (124 bits), safe in URLs. */
export function newId(): string {
  let id = 'c';
  while (id.length < 25) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      // 252 is the largest multiple of 36 below 256: above it, some characters would be more likely than others.
      if (byte < 252 && id.length < 25) id += ALPHABET[byte % 36];
    }
  }
  return id;
}
