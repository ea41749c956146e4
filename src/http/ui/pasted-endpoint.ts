import { PROVIDERS, type Provider, providerOf } from '../../object-stores/providers.ts';

/** What an endpoint that somebody has copied tells of a storage. */
export interface PastedEndpoint {
  readonly typed: string;
  readonly provider: Provider;
  /** With its port, and `http://` where that was pasted; without a bucket in front. */
  readonly host: string;
  /** Null where it is not in it. */
  readonly region: string | null;
  readonly bucket: string | null;
}

/** Null for text that is no address. A bucket may stand in front of the host or behind it, as consoles show it. */
export function readPasted(typed: string | undefined): PastedEndpoint | null {
  const text = (typed ?? '').trim();
  const url = /[\s\\]/.test(text) ? null : URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return null;
  const name = url.hostname.replace(/\.$/, '');
  const port = url.port === '' ? '' : `:${url.port}`;
  const own = providerOf(name);
  const inside = own.bucketHost === null ? inFront(name) : null;
  const provider = inside?.provider ?? own;
  const host = inside?.endpoint ?? name;
  const [segment = ''] = url.pathname.split('/').filter((part) => part !== '');
  return {
    typed: text,
    provider,
    host: `${url.protocol === 'http:' ? 'http://' : ''}${host}${port}`,
    region: regionIn(provider, host),
    bucket: inside?.bucket ?? (isBucketName(segment) ? segment : null),
  };
}

/** Of a host that is no provider's own: a bucket and the endpoint behind it. */
function inFront(name: string) {
  for (const provider of PROVIDERS) {
    const { bucket, endpoint } = provider.bucketHost?.exec(name)?.groups ?? {};
    if (bucket !== undefined && endpoint !== undefined) return { provider, bucket, endpoint };
  }
  return null;
}

function regionIn({ endpointPattern, byRegion }: Provider, host: string): string | null {
  if (!endpointPattern.includes('{region}')) return null;
  const pattern = endpointPattern
    .split(/(\{\w+\})/)
    .map((part) => PLACES[part] ?? part.replaceAll('.', '\\.'))
    .join('');
  // AWS has hosts of further forms: FIPS, dual stack, China.
  return new RegExp(`^${pattern}$`).exec(host)?.groups?.['region'] ?? byRegion?.regionIn(host) ?? null;
}

const PLACES: Readonly<Record<string, string>> = {
  '{region}': '(?<region>[a-z0-9-]+)',
  '{account}': '[a-z0-9.-]+',
};

const isBucketName = (text: string) => /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text);
