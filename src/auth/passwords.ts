/** Password hashing, which only Node has (argon2id). */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** False for a wrong password and for a hash that can't be read. Takes as long for an absent hash. */
  verify(password: string, hash: string | null): Promise<boolean>;
  /** True for one of the 10,000 that are tried first. */
  isCommon(password: string): Promise<boolean>;
}
