/** A small request to a service that an admin entered. */
export interface GuardedRequest {
  readonly method: string;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/**
 * Asks an https URL, or an http one of this machine itself, at addresses that `address-guard.ts` lets through, within a time
 * and up to a size. Redirects are answers. Throws `NotFetched`, and what the signal does.
 */
export type GuardedFetch = (url: string, request: GuardedRequest, signal?: AbortSignal) => Promise<Response>;

/** No answer came that could be read. The message is a sentence for admins, without path and query. */
export class NotFetched extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFetched';
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a secret may be sent there: over https, or in the clear to this machine itself, which no network sees. */
export function isFitForSecrets({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}
