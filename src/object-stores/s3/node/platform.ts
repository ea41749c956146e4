import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { Agent, Dispatcher, ProxyAgent } from 'undici';
import type { Log } from '../../../log.ts';
import type { StorageMeter } from '../../storage-meter.ts';
import type { PartMemory, S3Platform, S3Transport } from '../platform.ts';
import { NO_PROXIES, type ProxySettings, proxyFor, proxyHost } from '../proxy.ts';

export interface NodePlatformOptions {
  readonly log: Log;
  /** Is told of every request. */
  readonly meter?: StorageMeter;
  readonly now: () => Date;
  /** Certificates in PEM that are trusted besides the usual ones. */
  readonly ca?: string | undefined;
  readonly partMemory: PartMemory;
  readonly publicEndpoint: string | null;
  readonly proxy?: ProxySettings;
}

/** A part is written in slices of this size: one large write would copy it, and would look like silence; smaller ones cost more CPU. */
const SLICE_BYTES = 512 * 1024;
/** How long a storage may be silent while it takes or answers a part. */
const SILENCE_MS = 120_000;
/** Longer than any control request's own limit, Complete's included. */
const HEADERS_MS = 16 * 60_000;
const MAX_ANSWER_BYTES = 2 ** 20;

const POOL = {
  connections: 64,
  // Shorter than the idle time of common servers, so that a closing socket is rarely used.
  keepAliveTimeout: 4_000,
  headersTimeout: HEADERS_MS,
  bodyTimeout: 5 * 60_000,
} as const;

/** Read with the first request to a storage: its code is a third of the app's, which starts without it. */
const undici = () => import('./undici.ts');

/** What Node gives to the S3 client: undici's sockets, with part bodies past fetch, and its own hashing. */
export function createNodePlatform(options: NodePlatformOptions): S3Platform & { close(): Promise<void> } {
  const proxies = options.proxy ?? NO_PROXIES;
  const ways = openWays(proxies, { timeout: 15_000, ...trust(options.ca) });
  return {
    log: options.log,
    meter: options.meter,
    now: options.now,
    partMemory: options.partMemory,
    publicEndpoint: options.publicEndpoint,
    sha256,
    md5: async (bytes) => createHash('md5').update(bytes).digest('base64'),
    proxyOf: (url) => {
      const proxy = proxyFor(url, proxies);
      return proxy === null ? null : proxyHost(proxy);
    },
    send: sendWith(ways.to),
    fetch: fetchWith(ways.to),
    close: ways.close,
  };
}

interface Ways {
  /** What sends a request to this URL. */
  to(url: string): Promise<Dispatcher>;
  close(): Promise<void>;
}

/** Straight to the storage, or through a proxy, by CONNECT; each way is opened with its first request. */
function openWays(proxies: ProxySettings, connect: object): Ways {
  let direct: Promise<Agent> | undefined;
  const opened = new Map<string, Promise<ProxyAgent>>();
  const through = (proxy: string): Promise<ProxyAgent> => {
    const known = opened.get(proxy) ?? openProxy(proxy, connect);
    opened.set(proxy, known);
    return known;
  };
  return {
    to(url) {
      const proxy = proxyFor(url, proxies);
      if (proxy !== null) return through(proxy);
      direct ??= undici().then(({ Agent }) => new Agent({ ...POOL, connect }));
      return direct;
    },
    async close() {
      const ways = direct === undefined ? [...opened.values()] : [direct, ...opened.values()];
      await Promise.all(ways.map(async (way) => (await way).destroy()));
    },
  };
}

/** User and password are taken out of the URL, which errors repeat. */
async function openProxy(proxy: string, connect: object): Promise<ProxyAgent> {
  const { ProxyAgent } = await undici();
  const url = new URL(proxy);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const token = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return new ProxyAgent({
    ...POOL,
    uri: url.origin,
    ...(user === '' && password === '' ? {} : { token }),
    requestTls: connect,
    proxyTls: connect,
  });
}

/** One context for all connections: parsing some 150 certificates for each would be most of a handshake. */
function trust(ca: string | undefined) {
  if (!ca) return {};
  return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), ca] }) };
}

function sendWith(to: Ways['to']): S3Transport {
  return async ({ method, url, headers, body, signal }) => {
    const { request } = await undici();
    const answer = await request(url, {
      dispatcher: await to(url),
      method,
      headers: { ...Object.fromEntries(headers), 'content-length': String(body.byteLength) },
      body:
        body.byteLength === 0
          ? null
          : Readable.from(slices(body), { objectMode: false, highWaterMark: SLICE_BYTES }),
      signal,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    });
    return {
      status: answer.statusCode,
      headers: headersOf(answer.headers),
      text: await textOf(answer.body),
    };
  };
}

/** undici's fetch is typed by its own Request and Response, which are the standard's. */
function fetchWith(to: Ways['to']): typeof fetch {
  return async (input, init) => {
    const { fetch: undiciFetch } = await undici();
    const send = undiciFetch as unknown as typeof fetch;
    const url = input instanceof Request ? input.url : String(input);
    return send(input, Object.assign({}, init, { dispatcher: await to(url) }));
  };
}

/**
 * On this thread, but others have their turn between slices. A thread for it takes 9 MiB, and no CPU time off the 0.6 s
 * for each GiB (measured).
 */
async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (const slice of slices(bytes)) {
    hash.update(slice);
    if (slice.byteLength === SLICE_BYTES) await setImmediate();
  }
  return hash.digest('hex');
}

function* slices(body: Uint8Array): Generator<Uint8Array, void, void> {
  for (let start = 0; start < body.byteLength; start += SLICE_BYTES) {
    yield body.subarray(start, start + SLICE_BYTES);
  }
}

function headersOf(fields: Readonly<Record<string, string | readonly string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, one);
  }
  return headers;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) break;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
