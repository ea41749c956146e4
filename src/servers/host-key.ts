import { AppError } from '../errors.ts';
import { readHostKey } from '../hosts/host-key.ts';

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
