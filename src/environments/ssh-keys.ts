/** SSH private keys, which only the SSH client reads and writes. */
export interface SshKeys {
  /** Throws `invalid` for text that no connection could log in with, and says what it is instead. */
  check(privateKey: string): Promise<void>;
  /** A new private key, in OpenSSH's format. */
  make(): Promise<string>;
  /** The public half as `type base64`. Throws `invalid` as `check`. */
  publicHalf(privateKey: string): Promise<string>;
}
