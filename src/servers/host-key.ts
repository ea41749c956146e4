import { AppError } from '../errors.ts';
import { readHostKey } from '../hosts/host-key.ts';

/** `SHA256:…`, as ssh-keygen -l prints it, of a key stored as `type base64`. */
export async function fingerprintOf(hostKey: string): Promise<string> {
  const blob = readHostKey(hostKey)?.blob ?? new Uint8Array();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

/** The key as `type base64`, from a line of known_hosts or of ssh-keyscan. Throws `invalid`. */
export function parseHostKey(text: string): string {
  const key = readHostKey(text);
  if (key !== null) return key.line;
  throw new AppError(
    'invalid',
    'This is no public host key. Paste one line of `ssh-keyscan <host>`, such as "ssh-ed25519 AAAA…".',
    { details: { field: 'hostKey' } },
  );
}
