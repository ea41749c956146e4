import { cidrContains, parseCidr } from '../../cidr.ts';

/** Which proxies requests to a storage go through, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. */
export interface ProxySettings {
  /** `http://[user:password@]host:port` or https; null for none. */
  readonly https: string | null;
  readonly http: string | null;
  /** Hosts that are reached without one. */
  readonly exempt: readonly string[];
}

export const NO_PROXIES: ProxySettings = { https: null, http: null, exempt: [] };

/**
 * The proxy for a URL, or null. An entry of NO_PROXY is `*`, a domain with all below it (with or without a dot or `*.`
 * before it), an address or a CIDR, each also with a port. As with curl, loopback is exempt only where it is named.
 */
export function proxyFor(url: string | URL, settings: ProxySettings): string | null {
  const { protocol, hostname, port } = new URL(url);
  const proxy = protocol === 'https:' ? settings.https : settings.http;
  if (proxy === null) return null;
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const usedPort = port || (protocol === 'https:' ? '443' : '80');
  return settings.exempt.some((entry) => isExempt(entry.toLowerCase(), host, usedPort)) ? null : proxy;
}

/** Host and port of a proxy, for messages: never its user and password. */
export function proxyHost(proxy: string): string {
  const { protocol, hostname, port } = new URL(proxy);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

function isExempt(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const block = parseCidr(entry.replace(/^\[|\]$/g, ''));
  if (block !== null) return cidrContains(block, host);
  const [, name = '', itsPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (itsPort !== undefined && itsPort !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '');
  const address = parseCidr(bare);
  if (address !== null) return cidrContains(address, host);
  const domain = bare.replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}
