/** A public host key (RFC 4253 section 6.6). */
export interface HostKey {
  /** `ssh-ed25519`, `ssh-rsa` or `ecdsa-sha2-nistp…`. */
  readonly type: string;
  readonly blob: Uint8Array<ArrayBuffer>;
  /** `type base64`, as it is stored. */
  readonly line: string;
}

/** Reads one line of known_hosts or of ssh-keyscan, or what is stored of one; null where it is none. */
export function readHostKey(text: string): HostKey | null {
  const words = text.trim().split(/[ \t]+/);
  const at = words.findIndex((word) => /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521))$/.test(word));
  const [type, base64 = ''] = at < 0 ? [] : words.slice(at);
  const blob = decode(base64);
  if (/[\r\n]/.test(text.trim()) || type === undefined || blob === null || typeOf(blob) !== type) return null;
  return { type, blob, line: `${type} ${base64}` };
}

/** `SHA256:…`, as ssh-keygen -l prints it, of a key stored as `type base64`. */
export async function fingerprintOf(hostKey: string): Promise<string> {
  const blob = readHostKey(hostKey)?.blob ?? new Uint8Array();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

/** The key names its own type in its first field. */
function typeOf(blob: Uint8Array): string | null {
  if (blob.length < 8) return null;
  const length = new DataView(blob.buffer, blob.byteOffset).getUint32(0);
  return length > 64 ? null : new TextDecoder().decode(blob.subarray(4, 4 + length));
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
