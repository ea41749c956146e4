import type { Configuration } from 'openid-client';
import { type GuardedFetch, NotFetched } from '../channels/guarded-fetch.ts';
import { discover } from './discover.ts';
import { explain, hostOf, type Step } from './explain.ts';
import { OidcFailure } from './failure.ts';
import type { Claims, OidcProvider, ProviderSettings } from './provider.ts';

/** Read with the first sign-in: the app starts without it. */
const library = () => import('openid-client');

/** A provider's own settings change when people change them: an hour is soon enough. */
const KNOWN_FOR_MS = 3_600_000;

interface Known {
  readonly key: string;
  readonly at: number;
  readonly opened: Promise<Configuration[]>;
}

/** Keeps what the provider says of itself, of the one that is asked. */
export function createOidcProvider({
  fetch,
  now,
}: {
  readonly fetch: GuardedFetch;
  readonly now: () => Date;
}): OidcProvider {
  let known: Known | null = null;

  function open(settings: ProviderSettings): Promise<Configuration[]> {
    const key = JSON.stringify(settings);
    const at = now().getTime();
    if (known?.key === key && Math.abs(at - known.at) < KNOWN_FOR_MS) return known.opened;
    const opened = discover(settings, { fetch, now });
    const mine = { key, at, opened };
    known = mine;
    opened.catch(() => {
      if (known === mine) known = null;
    });
    return opened;
  }

  /** Does a step of it, and says in words what went wrong. */
  async function step<T>(
    name: Step,
    settings: ProviderSettings,
    about: { readonly redirectUri: string | null; readonly secrets?: readonly (string | null)[] },
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { issuer, clientId, clientSecret } = settings;
      const { redirectUri, secrets = [] } = about;
      const told = { issuer, clientId, redirectUri, now: now(), secrets: [clientSecret, ...secrets] };
      throw explain(causeOf(error), { ...told, step: name });
    }
  }

  return {
    async probe(settings, redirectUri) {
      // Whoever tests has perhaps just changed something there: the next sign-in reads it anew.
      known = null;
      const key = JSON.stringify(settings);
      const at = now().getTime();
      const ways = await step('discovery', settings, { redirectUri }, () =>
        discover(settings, { fetch, now }),
      );
      await step('keys', settings, { redirectUri }, () => readKeys(firstOf(ways), settings, fetch));
      await step('token', settings, { redirectUri }, () =>
        inEachWay(ways, (config) => tryClient(config, redirectUri)),
      );
      known = { key, at, opened: Promise.resolve(ways) };
    },

    async authorizationUrl(settings, { redirectUri, state, nonce, verifier }) {
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library();
      const ways = await step('discovery', settings, { redirectUri }, () => open(settings));
      const url = buildAuthorizationUrl(firstOf(ways), {
        ...{ redirect_uri: redirectUri, scope: settings.scopes, state, nonce },
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    },

    async claimsOf(settings, { redirectUri, state, nonce, verifier }, answer, isEnough) {
      const { authorizationCodeGrant, fetchUserInfo } = await library();
      const ways = await step('discovery', settings, { redirectUri }, () => open(settings));
      const url = new URL(redirectUri);
      url.search = answer.toString();
      const secrets = [answer.get('code'), verifier, nonce, state];
      const about = { redirectUri, secrets };
      await step('answer', settings, about, async () => checkIssuer(firstOf(ways), answer));
      const isRefused = answer.get('error') !== null;
      const tokens = await step(isRefused ? 'answer' : 'token', settings, about, () =>
        inEachWay(ways, (config) =>
          authorizationCodeGrant(config, url, {
            ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
            idTokenExpected: true,
          }),
        ),
      );
      const claims = personIn(tokens.claims());
      const config = firstOf(ways);
      if (config.serverMetadata().userinfo_endpoint === undefined || (await isEnough(claims))) return claims;
      const more = await step(
        'userinfo',
        settings,
        { redirectUri, secrets: [...secrets, tokens.access_token] },
        () => fetchUserInfo(config, tokens.access_token, claims.sub),
      );
      return { ...more, ...claims };
    },
  };
}

/** There is one at least. */
function firstOf(ways: readonly Configuration[]): Configuration {
  const [first] = ways;
  if (first === undefined) throw new Error('a provider without a configuration');
  return first;
}

const REFUSED_CLIENT = ['invalid_client', 'unauthorized_client'];

/**
 * Shows the secret in another way where the client was refused in one: which it is registered for, no provider says. A refused client
 * uses no code up (RFC 6749, 3.2.1). What worked is first from then on. Throws what the first way met.
 */
async function inEachWay<T>(ways: Configuration[], work: (config: Configuration) => Promise<T>): Promise<T> {
  const [first, ...others] = [...ways];
  if (first === undefined) throw new Error('a provider without a configuration');
  try {
    return await work(first);
  } catch (error) {
    if (!REFUSED_CLIENT.includes(errorIn(error))) throw error;
    for (const other of others) {
      const done = await work(other).then(
        (result) => ({ result }),
        (failure: unknown) => {
          if (!REFUSED_CLIENT.includes(errorIn(failure))) throw failure;
          return null;
        },
      );
      if (done === null) continue;
      ways.sort((one, two) => Number(two === other) - Number(one === other));
      return done.result;
    }
    throw error;
  }
}

/** OAuth's name of what the provider answered; empty for anything else. */
function errorIn(error: unknown): string {
  const said: unknown = error instanceof Error ? Reflect.get(error, 'error') : null;
  return typeof said === 'string' ? said : '';
}

/** RFC 9207: an answer of one provider must not be taken for that of another. The library checks it too, and says less. */
function checkIssuer(config: Configuration, answer: URLSearchParams): void {
  const { issuer, authorization_response_iss_parameter_supported: isSaid } = config.serverMetadata();
  const given = answer.getAll('iss');
  if (given.length === 0 && isSaid !== true) return;
  if (given.length === 1 && given[0] === issuer) return;
  throw new OidcFailure(
    `The answer does not come from ${hostOf(issuer)}, as its issuer says. Nothing was taken of it: sign in from the beginning.`,
  );
}

function personIn(claims: Claims | undefined): Claims {
  // Text of a length that databases compare byte by byte, without what one of them can't hold.
  if (claims !== undefined && /^[^\p{C}]{1,255}$/u.test(claims.sub)) return claims;
  throw new OidcFailure('The provider’s token names nobody: its `sub` is missing, or is none.');
}

async function readKeys(
  config: Configuration,
  { issuer }: ProviderSettings,
  fetch: GuardedFetch,
): Promise<void> {
  const request = { method: 'GET', headers: { accept: 'application/json' }, body: null };
  const answer = await fetch(config.serverMetadata().jwks_uri ?? '', request);
  const keys: unknown = answer.ok ? await answer.json().catch(() => null) : null;
  const listed: unknown = typeof keys === 'object' && keys !== null ? Reflect.get(keys, 'keys') : null;
  if (Array.isArray(listed) && listed.length > 0) return;
  throw new OidcFailure(
    `${hostOf(issuer)} publishes no keys to check its tokens with. Give the client a key that signs ID tokens (RS256 or ES256) there.`,
    { at: 'issuer' },
  );
}

/** What providers answer to a wrong code where the client is right; a code that is none was given for no redirect URI, either. */
const KNOWN_CLIENT = ['invalid_grant', 'invalid_request', 'redirect_uri_mismatch'];

/** Shows id and secret with a code that is none. */
async function tryClient(config: Configuration, redirectUri: string): Promise<void> {
  const { authorizationCodeGrant, randomPKCECodeVerifier } = await library();
  const answer = new URL(redirectUri);
  answer.searchParams.set('code', 'test-of-the-settings');
  answer.searchParams.set('iss', config.serverMetadata().issuer);
  try {
    await authorizationCodeGrant(config, answer, { pkceCodeVerifier: randomPKCECodeVerifier() });
  } catch (error) {
    if (!KNOWN_CLIENT.includes(errorIn(error))) throw error;
  }
}

/** What a request met on its way is the cause of what the library throws. */
function causeOf(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof NotFetched || at instanceof OidcFailure) return at;
  }
  return error;
}
