import type { LookupFunction } from 'node:net';
import { addressGuard, addressInUrl, NAME_PRIVATE_HOSTS } from '../address-guard.ts';
import type { Answer, Channel, Message, NotSent } from '../channel.ts';
import { explain } from './explain.ts';
import { everyAddress, guardedLookup, type LookUp, Refused } from './guarded-lookup.ts';

export interface GuardedChannelOptions {
  /** Private hosts that messages may go to: names, addresses and CIDRs. */
  readonly allowed: () => Promise<readonly string[]>;
  /** All addresses of a name; the system's resolver when absent. */
  readonly lookUp?: LookUp;
  /** For all of it, from the name to the last byte of the answer. */
  readonly timeoutMs?: number;
}

/** Of a message that is not answered; by the contract. */
export const TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 4096;

/** Read with the first message: its code is a third of the app's. */
const undici = () => import('./undici.ts');

/**
 * A connection of its own for each message: what an admin allows no longer is not reached by one that is open still. It goes
 * straight there, through no proxy, which would look the name up itself.
 */
export function createChannel(options: GuardedChannelOptions): Channel {
  const { lookUp = everyAddress } = options;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return {
    async send(message, signal) {
      const url = URL.parse(message.url);
      if (url === null || !/^https?:$/.test(url.protocol)) {
        return { failure: { reason: 'The address is no http or https URL.', mayPass: false } };
      }
      const guard = addressGuard(await options.allowed());
      const literal = addressInUrl(url.hostname);
      const why = literal === null ? null : guard.judge(url.hostname, literal);
      if (why !== null) return { failure: refusal(url.host, why) };
      const limit = AbortSignal.timeout(timeoutMs);
      try {
        const within = AbortSignal.any([signal, limit]);
        return { answer: await request(message, url, guardedLookup(lookUp, guard), within) };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Refused) return { failure: refusal(url.host, error.why) };
        return { failure: explain(url.host, error, { timeoutMs, isOver: limit.aborted }) };
      }
    },
  };
}

async function request(
  { url, method, body, headers: own = {} }: Message,
  { hostname }: URL,
  guarded: LookupFunction,
  signal: AbortSignal,
): Promise<Answer> {
  const { Agent, request: send } = await undici();
  // A literal address was judged before, and is connected to without a look-up.
  const lookup = addressInUrl(hostname) === null ? { lookup: guarded } : {};
  const agent = new Agent({ connections: 1, connect: lookup });
  // What is not waited for ends with the agent.
  const over = new Promise<never>((_, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  });
  try {
    const headers = {
      'user-agent': 'BRIDGEPORT-Storage',
      ...(body === null ? {} : { 'content-type': 'text/plain; charset=utf-8' }),
      ...own,
    };
    const answer = await Promise.race([
      send(url, { dispatcher: agent, method, headers, body, signal }),
      over,
    ]);
    return { status: answer.statusCode, text: await Promise.race([firstOf(answer.body), over]) };
  } finally {
    await agent.destroy().catch(() => undefined);
  }
}

async function firstOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of body) {
    text += decoder.decode(chunk.subarray(0, MOST_ANSWER_BYTES - bytes), { stream: true });
    bytes += chunk.byteLength;
    if (bytes >= MOST_ANSWER_BYTES) break;
  }
  return text;
}

function refusal(host: string, why: string): NotSent {
  const reason = `Nothing was sent to ${host}: ${why}. ${NAME_PRIVATE_HOSTS}.`;
  return { reason, mayPass: false };
}
