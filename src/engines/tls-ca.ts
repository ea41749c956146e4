/** The most of an authority's certificates that is kept, in characters. */
export const MAX_CA_LENGTH = 64 * 1024;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** Why the text is no list of certificates as PEM, as a sentence; null where it is one. */
export function problemOfCa(text: string): string | null {
  if (text.length > MAX_CA_LENGTH) {
    return `Must be at most ${MAX_CA_LENGTH / 1024} KiB: the authority of this server alone, not a whole bundle`;
  }
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.some(([, type]) => type?.includes('PRIVATE KEY'))) {
    return 'This holds a private key, which belongs to the authority alone: paste its certificate';
  }
  if (blocks.length === 0) {
    return 'Must be a certificate as PEM, from its BEGIN CERTIFICATE line to its END line';
  }
  for (const [, type, body = ''] of blocks) {
    if (type !== 'CERTIFICATE') return `Must hold certificates alone, not a ${type}`;
    const bytes = decode(body);
    if (bytes === null || !isCertificate(bytes)) {
      return 'A certificate in it can’t be read: paste it whole, as it is in its file';
    }
  }
  return null;
}

function decode(base64: string): Uint8Array | null {
  const text = base64.replaceAll(/\s/g, '');
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

const [INTEGER, BIT_STRING, SEQUENCE, VERSION] = [0x02, 0x03, 0x30, 0xa0];

/**
 * The outline of X.509 (RFC 5280, 4.1): a to-be-signed part with serial, algorithm, issuer, validity, subject and key;
 * an algorithm; a signature. The programs that use it read the rest.
 */
function isCertificate(bytes: Uint8Array): boolean {
  const [whole, ...rest] = elementsOf(bytes) ?? [];
  if (whole?.tag !== SEQUENCE || rest.length > 0) return false;
  const parts = elementsOf(whole.content) ?? [];
  if (parts.map(({ tag }) => tag).join() !== [SEQUENCE, SEQUENCE, BIT_STRING].join()) return false;
  const fields = elementsOf(parts[0]?.content ?? new Uint8Array()) ?? [];
  const tags = fields.map(({ tag }) => tag);
  const wanted = [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE];
  return wanted.every((tag, at) => tags[tags[0] === VERSION ? at + 1 : at] === tag);
}

/** The DER elements that the bytes are made of, one after the other; null where they are none. */
function elementsOf(bytes: Uint8Array): readonly Element[] | null {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, first] = [bytes[at], bytes[at + 1]];
    if (tag === undefined || first === undefined) return null;
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    if (lengthBytes > 3) return null;
    const begin = at + 2 + lengthBytes;
    const length = bytes.subarray(at + 2, begin).reduce((sum, byte) => sum * 256 + byte, 0);
    const end = begin + (lengthBytes === 0 ? first : length);
    if (begin > bytes.length || end > bytes.length) return null;
    elements.push({ tag, content: bytes.subarray(begin, end) });
    at = end;
  }
  return elements;
}
