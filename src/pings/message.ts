import type { Message, Sent } from '../channels/channel.ts';
import type { PingKind, PingProtocol } from '../db/schema.ts';

/** Both are at most that long; healthchecks.io keeps 100 kB. */
const MOST_BODY_CHARACTERS = 10_000;

const ENDINGS = { start: '/start', success: '', fail: '/fail', test: '/log' } as const;

/**
 * What is sent for a ping. By the protocol of healthchecks.io: its ending, the run's id as a UUID and the figures as text; a
 * test is only logged there. Elsewhere a plain GET, for what ended well and for tests. Null where nothing is sent.
 */
export function messageOf(
  to: { readonly url: string; readonly protocol: PingProtocol },
  ping: { readonly kind: PingKind; readonly uuid: string; readonly body: string },
): Message | null {
  if (to.protocol === 'plain') {
    return ping.kind === 'success' || ping.kind === 'test'
      ? { url: to.url, method: 'GET', body: null }
      : null;
  }
  const url = new URL(to.url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${ENDINGS[ping.kind]}`;
  url.searchParams.set('rid', ping.uuid);
  return { url: url.href, method: 'POST', body: ping.body.slice(0, MOST_BODY_CHARACTERS) };
}

export type Verdict =
  | { readonly isOk: true }
  | { readonly isOk: false; readonly reason: string; readonly mayPass: boolean };

/** Whether a ping arrived, by what came back. healthchecks.io answers 200 also where it knows no such check. */
export function verdictOf(host: string, sent: Sent): Verdict {
  if ('failure' in sent) return { isOk: false, ...sent.failure };
  const { status, text } = sent.answer;
  const no = (reason: string, mayPass: boolean): Verdict => ({ isOk: false, reason, mayPass });
  if (status >= 200 && status < 300) {
    if (text.includes('(not found)')) return no(`${host} knows no check of that address.`, false);
    if (text.includes('(rate limited)')) return no(`${host} takes no more pings for a while.`, true);
    return { isOk: true };
  }
  if (status >= 300 && status < 400) {
    return no(
      `${host} answered ${status}, which leads elsewhere: enter the address that it leads to.`,
      false,
    );
  }
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
  return no(`${host} answered ${status}.`, mayPass);
}

/** The same UUID for the same id: what healthchecks.io takes as the id of a run. */
export async function uuidOf(id: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id)));
  const hex = [...hash.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  // Version 8: made in a way of one's own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
