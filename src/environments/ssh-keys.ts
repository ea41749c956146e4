/** SSH private keys, which only the SSH client reads. */
export interface SshKeys {
  /** Throws `invalid` for text that no connection could log in with, and says what it is instead. */
  check(privateKey: string): Promise<void>;
}
