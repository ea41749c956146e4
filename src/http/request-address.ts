import type { Context } from 'hono';
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../cidr.ts';
import type { Config } from '../config.ts';

type Proxies = { readonly config: Pick<Config, 'trustProxy' | 'publicUrl'> };

/**
 * The client's address: the peer of the connection or, where that is a trusted proxy, the last address in
 * X-Forwarded-For that is none. Null where the platform tells no peer.
 */
export function addressOf(c: Context, { config }: Proxies): string | null {
  const peer = peerOf(c.env);
  const trusted = config.trustProxy.map(parseCidr).filter((cidr) => cidr !== null);
  if (peer === null || !isTrusted(trusted, peer)) return peer;
  const forwarded = (c.req.header('x-forwarded-for') ?? '')
    .split(',')
    .map((entry) => withoutPort(entry.trim()));
  // From the right: each proxy appends whom it saw, and what stands further left anybody could have written.
  for (const address of forwarded.reverse()) {
    if (parseAddress(address) === null) break;
    if (!isTrusted(trusted, address)) return address;
  }
  return peer;
}

/** Some proxies append the port, which is another one for each connection: `203.0.113.9:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  const [, ipv4, ipv6] = /^(?:([\d.]+):\d+|\[([^\]]*)\](?::\d+)?)$/.exec(entry) ?? [];
  return ipv4 ?? ipv6 ?? entry;
}

/** Where this installation is found from outside, without a slash at its end: PUBLIC_URL, else what the browser asked. */
export function ownAddress(c: Context, proxies: Proxies): string {
  if (proxies.config.publicUrl !== null) return proxies.config.publicUrl;
  const { host, protocol } = new URL(c.req.url);
  return `${isHttps(c, proxies) ? 'https:' : protocol}//${host}`;
}

/** True when the browser's side of the request is https: ours, PUBLIC_URL's, or what a trusted proxy says of itself. */
export function isHttps(c: Context, proxies: Proxies): boolean {
  if (c.req.url.startsWith('https:') || proxies.config.publicUrl?.startsWith('https:')) return true;
  return isHttpsByProxy(c, proxies);
}

/** True where a trusted proxy says that it was asked over https. */
export function isHttpsByProxy(c: Context, { config }: Proxies): boolean {
  const peer = peerOf(c.env);
  const trusted = config.trustProxy.map(parseCidr).filter((cidr) => cidr !== null);
  if (peer === null || !isTrusted(trusted, peer)) return false;
  return c.req.header('x-forwarded-proto')?.split(',').at(-1)?.trim() === 'https';
}

function isTrusted(trusted: readonly Cidr[], address: string): boolean {
  return trusted.some((cidr) => cidrContains(cidr, address));
}

/** What @hono/node-server hands in as `env`; read by its shape, so that nothing of Node's is imported. */
function peerOf(env: unknown): string | null {
  const incoming = env !== null && typeof env === 'object' && 'incoming' in env ? env.incoming : null;
  const socket =
    incoming !== null && typeof incoming === 'object' && 'socket' in incoming ? incoming.socket : null;
  const isSocket = socket !== null && typeof socket === 'object' && 'remoteAddress' in socket;
  return isSocket && typeof socket.remoteAddress === 'string' ? socket.remoteAddress : null;
}
