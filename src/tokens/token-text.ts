import { toBase64Url } from '../secrets/base64url.ts';

/** By its beginning a token is told from a session's, by people and by programs that look for leaked secrets. */
const BEGINNING = 'bport_pat_';
const SHAPE = /^bport_pat_[A-Za-z0-9_-]{43}$/;
const PREFIX_LENGTH = 14;

/** A new token of 256 random bits, and what is stored of it: nobody who reads the database can use it. */
export async function newTokenText(): Promise<{
  readonly token: string;
  readonly hash: string;
  /** What people know it by. */
  readonly prefix: string;
}> {
  const token = BEGINNING + toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { token, hash: await hashOfToken(token), prefix: prefixOf(token) };
}

/** Whether the text says that it is an API token, be it one or not. */
export function isTokenLike(text: string): boolean {
  return text.startsWith(BEGINNING);
}

/** Whether it may be one of ours: cut or lengthened ones are not looked up. */
export function hasTokenShape(text: string): boolean {
  return SHAPE.test(text);
}

/** What people know a token by. */
export function prefixOf(token: string): string {
  return token.slice(0, PREFIX_LENGTH);
}

/**
 * The name that a token is found by. An index is searched for it, in a time that may tell of the hashes that are there; of a
 * hash nobody learns the 256 bits that it was made of, so that nothing needs to be compared in constant time.
 */
export async function hashOfToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return toBase64Url(new Uint8Array(digest));
}
