import { createHash } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import type { PresentedHostKey } from '../host.ts';
import { readHostKey } from '../host-key.ts';

/** Reads a host key's wire form (RFC 4253, 6.6): a string with its type comes first. */
export function presentedHostKey(blob: Buffer): PresentedHostKey {
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { key: `${type} ${blob.toString('base64')}`, type, fingerprint: `SHA256:${digest}` };
}

/** Reads a stored `type base64`, with or without a comment behind it; null when it is none. */
export function parseHostKey(text: string): PresentedHostKey | null {
  const key = readHostKey(text);
  return key === null ? null : presentedHostKey(Buffer.from(key.blob));
}

/**
 * The signature algorithms to offer. A server has several keys: unless we ask for the pinned one's type it may present
 * another, which then looks like a changed key. Plain `ssh-rsa` (SHA-1) is never offered.
 */
export function hostKeyAlgorithms(pinnedType: string | null): ServerHostKeyAlgorithm[] {
  if (pinnedType === 'ssh-rsa') return ALGORITHMS.filter((algorithm) => algorithm.startsWith('rsa-'));
  if (pinnedType !== null) return ALGORITHMS.filter((algorithm) => algorithm === pinnedType);
  return ALGORITHMS;
}

const ALGORITHMS: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
