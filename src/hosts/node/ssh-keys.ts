import { generateKeyPairSync } from 'node:crypto';
import { opensshEd25519 } from './openssh-ed25519.ts';
import { readSshKey } from './ssh-key.ts';

/** What the SSH client reads and writes of private keys. */
export const sshKeys = {
  /** Throws `invalid` for text that no connection could log in with, and says what it is instead. */
  check: async (privateKey: string): Promise<void> => void (await readSshKey(privateKey)),
  /**
   * A new Ed25519 private key in OpenSSH's format. Written by our own hand: of ssh2 1.17's about one of 256 can't be read
   * (it strips the zero bytes that a public key begins with, mscdex/ssh2#1390).
   */
  make: async (): Promise<string> => opensshEd25519(generateKeyPairSync('ed25519').privateKey),
  /** The public half as `type base64`, as in authorized_keys. Throws `invalid` as `check`. */
  async publicHalf(privateKey: string): Promise<string> {
    const readable = await readSshKey(privateKey);
    const { default: ssh2 } = await import('ssh2');
    const [key] = [ssh2.utils.parseKey(readable)].flat();
    // The same text was parsed just now.
    if (key === undefined || key instanceof Error) throw key ?? new Error('no key in it');
    return `${key.type} ${key.getPublicSSH().toString('base64')}`;
  },
};
