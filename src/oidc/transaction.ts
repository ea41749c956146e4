import { toBase64Url } from '../secrets/base64url.ts';
import type { ProviderSettings, Request } from './provider.ts';

/** A sign-in that was begun, as the browser keeps it, signed, until its answer comes. */
export interface Transaction extends Request {
  /** Of the provider and the client that it was begun with. */
  readonly target: string;
  /** Where to go afterwards; a path of ours. */
  readonly next: string;
  /** To link an account that is signed in, rather than to sign in: whose, and in which session. */
  readonly link: { readonly userId: string; readonly sessionId: string } | null;
}

/** Time to sign in at the provider. */
export const TRANSACTION_MS = 10 * 60_000;

export async function newTransaction(
  settings: Pick<ProviderSettings, 'issuer' | 'clientId'>,
  { next, link, redirectUri }: Pick<Transaction, 'next' | 'link' | 'redirectUri'>,
): Promise<Transaction> {
  return {
    ...{ state: random(), nonce: random(), verifier: random(), target: await targetOf(settings) },
    redirectUri,
    // A cookie holds little.
    ...{ next: next.length > 500 ? '/' : next, link },
  };
}

export async function targetOf({
  issuer,
  clientId,
}: Pick<ProviderSettings, 'issuer' | 'clientId'>): Promise<string> {
  return (await hashOf(JSON.stringify([issuer, clientId]))).slice(0, 22);
}

/** 256 bits. */
function random(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

export async function hashOf(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}
