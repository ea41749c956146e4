import type { ClientAuth, Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import { type GuardedFetch, isFitForSecrets } from '../channels/guarded-fetch.ts';
import { OidcFailure } from './failure.ts';
import type { ProviderSettings } from './provider.ts';

type Library = typeof import('openid-client');

/** Seconds that clocks may differ by. */
const TOLERANCE_S = 60;
/** For one call; the fetch has a limit of its own below it. */
const TIMEOUT_S = 15;
const ENDPOINTS = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const;

/**
 * Reads what the provider says of itself; gives one configuration for each way that the secret may be shown in. Throws what the library throws, and `OidcFailure` for a provider that may not be used:
 * one that calls itself otherwise, or that would have secrets sent in the clear.
 */
export async function discover(
  settings: ProviderSettings,
  { fetch, now }: { readonly fetch: GuardedFetch; readonly now: () => Date },
): Promise<Configuration[]> {
  const client = await import('openid-client');
  const issuer = new URL(settings.issuer);
  const customFetch: CustomFetch = (url, { method, headers, body, signal }) =>
    fetch(url, { method, headers, body: textOf(body) }, signal);
  // The fetch itself lets plain http through to this machine alone.
  const insecure = issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  const about = {
    [client.clockSkew]: Math.round((now().getTime() - Date.now()) / 1000),
    [client.clockTolerance]: TOLERANCE_S,
  };
  const found = await client.discovery(issuer, settings.clientId, about, client.None(), {
    [client.customFetch]: customFetch,
    timeout: TIMEOUT_S,
    execute: insecure,
  });
  const metadata = found.serverMetadata();
  checkMetadata(metadata, settings);
  return waysOf(client, settings, metadata).map((way) => {
    const config = new client.Configuration(metadata, settings.clientId, about, way);
    config[client.customFetch] = customFetch;
    config.timeout = TIMEOUT_S;
    // Without the second the library leaves the signature of a token to TLS.
    for (const set of [...insecure, client.enableNonRepudiationChecks]) set(config);
    return config;
  });
}

/** The library lets Microsoft's issuers of any tenant through, by which everybody in the world would be one of ours. */
function checkMetadata(metadata: ServerMetadata, { issuer }: ProviderSettings): void {
  if (URL.parse(metadata.issuer)?.href !== new URL(issuer).href) {
    throw new OidcFailure(
      `The provider calls itself by another issuer than the one entered here, ${issuer}. Enter the issuer as the provider spells it; of Microsoft Entra the one with the id of your tenant.`,
      { at: 'issuer' },
    );
  }
  for (const name of ENDPOINTS) {
    const endpoint = metadata[name];
    if (endpoint === undefined && name === 'userinfo_endpoint') continue;
    const url = URL.parse(endpoint ?? '');
    if (url !== null && isFitForSecrets(url)) continue;
    throw new OidcFailure(
      `The provider’s ${name} ${endpoint === undefined ? 'is missing' : 'is not https'}. Behind a proxy, a provider must be told its own public address.`,
      { at: 'issuer' },
    );
  }
}

/**
 * In the body first where the provider takes it so: providers differ in how they read what a header has to encode. What it takes at
 * all is no more than what this very client is registered for: in the header, too, where it takes that.
 */
function waysOf(
  client: Library,
  { clientSecret }: ProviderSettings,
  { token_endpoint_auth_methods_supported: ways = ['client_secret_basic'] }: ServerMetadata,
): ClientAuth[] {
  if (clientSecret === null) return [client.None()];
  const basic = client.ClientSecretBasic(clientSecret);
  if (!ways.includes('client_secret_post')) return [basic];
  const post = client.ClientSecretPost(clientSecret);
  return ways.includes('client_secret_basic') ? [post, basic] : [post];
}

function textOf(body: unknown): string | null {
  if (body === undefined || body === null) return null;
  return body instanceof URLSearchParams || typeof body === 'string' ? String(body) : null;
}
