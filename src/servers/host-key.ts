import { AppError } from '../errors.ts';

/** `SHA256:…`, as ssh-keygen -l prints it, of a key stored as `type base64`. */
export async function fingerprintOf(hostKey: string): Promise<string> {
  const blob = decode(hostKey.split(' ')[1] ?? '') ?? new Uint8Array();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

/** The key as `type base64`, from a line of known_hosts or of ssh-keyscan. Throws `invalid`. */
export function parseHostKey(text: string): string {
  const words = text.trim().split(/[ \t]+/);
  const at = words.findIndex((word) => /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521))$/.test(word));
  const type = words[at];
  const blob = decode(words[at + 1] ?? '');
  if (/[\r\n]/.test(text.trim()) || type === undefined || blob === null || typeOf(blob) !== type) {
    throw new AppError(
      'invalid',
      'This is no public host key. Paste one line of `ssh-keyscan <host>`, such as "ssh-ed25519 AAAA…".',
      { details: { field: 'hostKey' } },
    );
  }
  return `${type} ${words[at + 1]}`;
}

/** The key names its own type in its first field (RFC 4253 section 6.6). */
function typeOf(blob: Uint8Array): string | null {
  if (blob.length < 8) return null;
  const length = new DataView(blob.buffer, blob.byteOffset).getUint32(0);
  return length > 64 ? null : new TextDecoder().decode(blob.subarray(4, 4 + length));
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
