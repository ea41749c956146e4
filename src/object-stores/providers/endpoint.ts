import { AppError } from '../../errors.ts';
import type { Provider } from './provider.ts';
import { DEFAULT_PROVIDER, PROVIDERS } from './table.ts';

/** What a configuration without an endpoint means: AWS for a region of its form, DigitalOcean Spaces for others. */
export function deriveEndpoint(region: string): string {
  const typed = region.trim().toLowerCase();
  const owner = PROVIDERS.find(({ byRegion }) => byRegion?.isRegion(typed)) ?? DEFAULT_PROVIDER;
  const host = inRegion(owner, typed);
  return owner.byRegion?.hostIn(host, typed) ?? host;
}

const inRegion = ({ endpointPattern }: Provider, region: string) =>
  endpointPattern.replace('{region}', region);
const ofAccount = ({ endpointPattern }: Provider, account: string) =>
  endpointPattern.replace('{account}', account);

/**
 * What an admin typed as endpoint, as `https://host[:port]` (or `http://…` where `allowHttp`). A scheme and a slash at
 * the end are cleaned away; any endpoint of AWS becomes the region's own. Throws `invalid` with what to enter, in the
 * message and in `details.corrected`.
 */
export function normaliseEndpoint(
  input: string,
  region: string,
  options: { readonly allowHttp: boolean },
): string {
  const typed = input.trim();
  if (typed === '') {
    throw invalid(
      typed,
      `it is empty; enter a host name such as ${inRegion(DEFAULT_PROVIDER, DEFAULT_PROVIDER.defaultRegion)}`,
    );
  }
  const whose = PROVIDERS.find(({ accountPattern }) => accountPattern?.test(typed));
  if (whose !== undefined) {
    const corrected = ofAccount(whose, typed.toLowerCase());
    throw invalid(typed, `it is the id of an account alone; for ${whose.name} enter ${corrected}`, {
      corrected,
    });
  }
  const url = parse(typed, options);
  return `${url.protocol}//${hostOf(url, region)}`;
}

function parse(typed: string, options: { readonly allowHttp: boolean }): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (!url || url.hostname === '' || /[\s\\]/.test(typed)) {
    throw invalid(typed, 'it is not a host name; enter only host or host:port, without https://');
  }
  const corrected = url.host;
  if (url.username || url.password) {
    throw invalid('…', `it holds a user name or password; enter only ${corrected}`, { corrected });
  }
  if (url.search || url.hash)
    throw invalid(typed, `it holds a query; enter only ${corrected}`, { corrected });
  const [bucket] = url.pathname.split('/').filter((segment) => segment !== '');
  if (bucket !== undefined) {
    const why = `it holds a path; enter only ${corrected} and name the bucket in its own field`;
    throw invalid(typed, why, { corrected, bucket });
  }
  if (url.protocol === 'http:' && !options.allowHttp) {
    const why =
      `plain http would send backups unencrypted. If the storage speaks https, enter ${corrected}. If it speaks http alone and ` +
      'the network in between is trusted, who runs BRIDGEPORT sets its environment variable STORAGE_ALLOW_HTTP=1 and restarts it';
    throw invalid(typed, why, { corrected });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalid(typed, `${url.protocol}// is not supported; enter only ${corrected || 'the host'}`);
  }
  return url;
}

/** Host and port to use. */
function hostOf(url: URL, region: string): string {
  const name = url.hostname.replace(/\.$/, '');
  const host = url.port === '' ? name : `${name}:${url.port}`;
  const bare = PROVIDERS.find(({ bareHost }) => bareHost === name);
  if (bare !== undefined) {
    throw invalid(name, `it lacks the account; enter ${ofAccount(bare, '<account id>')}`);
  }
  refuseBucket(name, region);
  const provider = PROVIDERS.find((each) => each.byRegion !== null && each.host.test(name));
  if (!provider?.byRegion) return host;
  const { owner, isRegion, regionIn, hostIn } = provider.byRegion;
  const own = region.trim().toLowerCase();
  if (!isRegion(own)) {
    const named = regionIn(name) ?? provider.defaultRegion;
    const why = `the region "${region.slice(0, 40)}" is none of ${owner}; enter one such as ${named}`;
    throw invalid(name, why, { correctedRegion: named });
  }
  return hostIn(name, own) ?? host;
}

/** The bucket is named in requests: with one in the host, every one of them would go to a wrong place. */
function refuseBucket(name: string, region: string): void {
  for (const provider of PROVIDERS) {
    const served = provider.cdnHost?.exec(name)?.groups;
    if (served?.['region'] === undefined) continue;
    throw holdsBucket(name, served['bucket'], inRegion(provider, served['region']));
  }
  if (PROVIDERS.some((provider) => provider.bucketHost && provider.host.test(name))) return;
  for (const { bucketHost, behindBucket } of PROVIDERS) {
    const { bucket, endpoint } = bucketHost?.exec(name)?.groups ?? {};
    if (endpoint === undefined) continue;
    const corrected = behindBucket?.(endpoint, region.trim().toLowerCase()) ?? endpoint;
    throw holdsBucket(name, bucket, corrected);
  }
}

function holdsBucket(name: string, bucket: string | undefined, corrected: string): AppError {
  const why = `it holds the bucket ${bucket}; enter only ${corrected} and name the bucket in its own field`;
  return invalid(name, why, { corrected, ...(bucket ? { bucket } : {}) });
}

function invalid(endpoint: string, why: string, more: Readonly<Record<string, string>> = {}): AppError {
  return new AppError('invalid', `The endpoint "${endpoint.slice(0, 200)}" can't be used: ${why}.`, {
    details: { field: 'endpoint', ...more },
  });
}
