/**
 * Seals secrets for the database with AES-256-GCM. `identity` names the row and column that the secret belongs to
 * (`environment:<id>:ssh_private_key`); it is bound to the ciphertext, so that one can't be moved to another row.
 */
export interface Vault {
  seal(plain: string, identity: string): Promise<string>;
  /** Throws `secret_unreadable` for another key, another identity or a changed ciphertext. */
  open(sealed: string, identity: string): Promise<string>;
}
