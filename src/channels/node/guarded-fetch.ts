import type { Dispatcher } from 'undici';
import { type AddressGuard, addressGuard, addressInUrl } from '../address-guard.ts';
import { type GuardedFetch, type GuardedRequest, isFitForSecrets, NotFetched } from '../guarded-fetch.ts';
import { explain } from './explain.ts';
import { everyAddress, guardedLookup, type LookUp, Refused } from './guarded-lookup.ts';

export interface GuardedFetchOptions {
  /** Private hosts that may be asked: names, addresses and CIDRs. */
  readonly allowed: () => Promise<readonly string[]>;
  /** The proxy that a URL is asked through, which then looks the name up itself; null for none. May hold a password. */
  readonly proxyOf?: (url: string) => string | null;
  /** The system's resolver when absent. */
  readonly lookUp?: LookUp;
  /** For all of it, from the name to the last byte of the answer. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const MOST_BYTES = 1024 * 1024;
/** Of a standard `Response`, those that have no body. */
const BODILESS = [204, 205, 304];

/** Read with the first request: its code is a third of the app's. */
const undici = () => import('./undici.ts');

/** A connection of its own for each request, as `guarded-channel.ts` has it. */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { timeoutMs = TIMEOUT_MS, lookUp = everyAddress, proxyOf = () => null } = options;
  return async (text, request, signal) => {
    const url = URL.parse(text);
    if (url === null || !isFitForSecrets(url)) {
      throw new NotFetched(
        `Nothing was sent to ${url?.host ?? 'an address'}: only https is asked, and http on this machine itself.`,
      );
    }
    const guard = addressGuard(await options.allowed());
    const literal = addressInUrl(url.hostname);
    const why = literal === null ? null : guard.judge(url.hostname, literal);
    if (why !== null) throw refused(url, why);
    const limit = AbortSignal.timeout(timeoutMs);
    const within = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    // What is sent in the clear stays on this machine.
    const isClear = url.protocol === 'http:';
    const proxy = isClear ? null : proxyOf(url.href);
    const judge = isClear ? onlyHere(guard) : guard;
    const connect = literal === null && proxy === null ? { lookup: guardedLookup(lookUp, judge) } : {};
    const agent = await agentOf(proxy, connect);
    try {
      return await answerOf(agent, url, request, within);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof NotFetched) throw error;
      if (error instanceof Refused) throw refused(url, error.why);
      throw new NotFetched(explain(url.host, error, { timeoutMs, isOver: limit.aborted }).reason);
    } finally {
      await agent.destroy().catch(() => undefined);
    }
  };
}

/** `localhost` is a name, too, which a resolver may lead elsewhere. */
function onlyHere(guard: AddressGuard): AddressGuard {
  const isHere = (address: string) => /^(127\.|::1$|::ffff:127\.)/.test(address);
  return {
    judge: (host, address) =>
      guard.judge(host, address) ??
      (isHere(address)
        ? null
        : `its address ${address} is not this machine itself, and http goes nowhere else`),
  };
}

/** User and password are taken out of the proxy's URL, which errors repeat. */
async function agentOf(proxy: string | null, connect: object): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await undici();
  if (proxy === null) return new Agent({ connections: 1, connect });
  const { origin, username, password } = new URL(proxy);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const token = `Basic ${Buffer.from(login).toString('base64')}`;
  return new ProxyAgent({ uri: origin, ...(login === ':' ? {} : { token }) });
}

async function answerOf(
  agent: Dispatcher,
  url: URL,
  { method, headers, body }: GuardedRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { request } = await undici();
  // What is not waited for ends with the agent.
  const over = new Promise<never>((_, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  });
  over.catch(() => undefined);
  const sent = request(url, {
    ...{ dispatcher: agent, body, signal },
    method: method === 'POST' ? 'POST' : 'GET',
    headers: { ...headers, 'user-agent': 'BRIDGEPORT-Storage' },
  });
  const answer = await Promise.race([sent, over]);
  const bytes = await Promise.race([bytesOf(answer.body, url.host), over]);
  const type = answer.headers['content-type'];
  return new Response(BODILESS.includes(answer.statusCode) ? null : bytes, {
    status: answer.statusCode,
    headers: typeof type === 'string' ? { 'content-type': type } : {},
  });
}

async function bytesOf(body: AsyncIterable<Uint8Array>, host: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) throw new NotFetched(`${host} answered more than 1 MiB, which was not read.`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Says exactly what to do: an own provider in the own network is the usual case. */
function refused({ host, hostname }: URL, why: string): NotFetched {
  const isPrivate = why.endsWith('a private one');
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  const advice = isPrivate
    ? ` If it is a host of yours, add ${name} to “Private hosts” under Admin > System, save there, and try again.`
    : '';
  return new NotFetched(`Nothing was sent to ${host}: ${why}.${advice}`);
}
