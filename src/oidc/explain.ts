import { NotFetched } from '../channels/guarded-fetch.ts';
import { short } from '../short-text.ts';
import { OidcFailure } from './failure.ts';

/** What a call was for, as the beginning of a sentence tells it. */
export type Step = 'discovery' | 'keys' | 'answer' | 'token' | 'userinfo';

interface Told {
  readonly step: Step;
  readonly issuer: string;
  readonly clientId: string;
  /** Of this installation, for the comparison of clocks. */
  readonly now: Date;
  /** Texts that no message may hold. */
  readonly secrets: readonly (string | null)[];
}

/** What the library threw, in a sentence that says what came back and what to do. Its own messages and causes hold tokens, and go no further. */
export function explain(error: unknown, told: Told): OidcFailure {
  if (error instanceof OidcFailure) return error;
  const at = told.step === 'discovery' ? ('issuer' as const) : null;
  if (error instanceof NotFetched) return new OidcFailure(error.message, { at });
  const { name, code, fields } = partsOf(error);
  if (name === 'AuthorizationResponseError' || name === 'ResponseBodyError') return ofProvider(fields, told);
  const { step, issuer, now } = told;
  const host = hostOf(issuer);
  const what = WHAT[step];
  switch (code) {
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
      return new OidcFailure(
        step === 'discovery'
          ? `${host} has no OpenID Connect provider under this issuer: its address with /.well-known/openid-configuration behind it was answered with an error. Copy the issuer from the provider’s settings.`
          : `${host} answered ${what} with an unexpected status. The provider’s own log says why.`,
        { at },
      );
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
    case 'OAUTH_PARSE_ERROR':
      return new OidcFailure(
        `What ${host} answered to ${what} is not JSON. Is the issuer that of an OpenID Connect provider, and nothing in between that answers in its place?`,
        { at },
      );
    case 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED':
      return new OidcFailure(
        step === 'userinfo'
          ? `${host} told of another person than the one who signed in. Nothing was taken of it.`
          : `The provider calls itself by another issuer than the one entered here, ${issuer}. Enter the issuer as the provider spells it, to the last slash; of Microsoft Entra the one with the id of your tenant.`,
        { at },
      );
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return new OidcFailure(
        `The token of ${host} is of another time: here it is ${now.toISOString().slice(0, 19).replace('T', ' ')} UTC. Set the clock of this installation, or of the provider.`,
      );
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
      return new OidcFailure(
        `The token of ${host} was made for another client, another sign-in or by another issuer. Compare the client id and the issuer with the provider’s settings, and sign in from the beginning.`,
      );
    case 'OAUTH_KEY_SELECTION_FAILED':
      return new OidcFailure(
        `The token of ${host} is signed with a key that the provider does not publish. Where it has just changed its keys, try again in a minute.`,
      );
    case 'OAUTH_UNSUPPORTED_OPERATION':
      return new OidcFailure(
        `The token of ${host} is signed or sent in a way that is not taken. Have the provider sign ID tokens with a key of its own (RS256 or ES256), and not with the client secret.`,
      );
    case 'OAUTH_HTTP_REQUEST_FORBIDDEN':
    case 'OAUTH_REQUEST_PROTOCOL_FORBIDDEN':
      return new OidcFailure(
        `${host} names an address for ${what} that is not https. Have the provider use https throughout: behind a proxy it must be told its public address.`,
        { at },
      );
    case 'OAUTH_MISSING_SERVER_METADATA':
    case 'OAUTH_INVALID_SERVER_METADATA':
      return new OidcFailure(
        `${host} does not say where ${what} is asked for. Is it an OpenID Connect provider?`,
        {
          at,
        },
      );
    case 'OAUTH_INVALID_RESPONSE':
      return new OidcFailure(
        step === 'answer'
          ? `What came back from ${host} is not an answer to this sign-in. Sign in from the beginning.`
          : `What ${host} answered to ${what} does not hold what it must, or its signature does not fit. Nothing was taken of it.`,
        { at },
      );
    case 'OAUTH_TIMEOUT':
    case 'OAUTH_ABORT':
      return new OidcFailure(`${host} did not answer ${what} in time. Try again.`, { at });
    default:
      return new OidcFailure(`${host} answered ${what} in a way that could not be read.`, { at });
  }
}

const WHAT: Readonly<Record<Step, string>> = {
  discovery: 'the question for its settings',
  keys: 'the question for its keys',
  answer: 'the sign-in',
  token: 'the question for the token',
  userinfo: 'the question for the person',
};

/** An error of OAuth 2.0, in the provider's words. */
function ofProvider(fields: ErrorFields, told: Told): OidcFailure {
  const host = hostOf(told.issuer);
  const error = readable(fields.error, told, 60);
  const said = readable(fields.description, told, 200);
  const quoted = said === '' ? `${host} answered “${error}”.` : `${host} answered “${error}”: ${ended(said)}`;
  const { hint, at, isRefusal } = ADVICE[fields.error]?.(told) ?? { hint: '' };
  const sentence = hint === '' ? quoted : `${quoted} ${hint}`;
  return new OidcFailure(sentence, { at: at ?? null, isRefusal: isRefusal ?? false });
}

interface Advice {
  readonly hint: string;
  readonly at?: 'clientId' | 'clientSecret' | 'scopes';
  readonly isRefusal?: boolean;
}

const wrongClient = ({ clientId }: Told): Advice => ({
  hint: `Client id or secret are wrong: compare them with those of the client ${short(clientId, 60)} at the provider, where a secret may have expired.`,
  at: 'clientSecret',
});

const ADVICE: Readonly<Record<string, ((told: Told) => Advice) | undefined>> = {
  invalid_client: wrongClient,
  unauthorized_client: wrongClient,
  access_denied: () => ({
    hint: 'The sign-in was turned down there, by you or by a rule of the provider.',
    isRefusal: true,
  }),
  login_required: () => ({ hint: 'Sign in there first.', isRefusal: true }),
  invalid_scope: () => ({ hint: 'The scopes entered here are not all known there.', at: 'scopes' }),
  invalid_grant: () => ({
    hint: 'The answer was used already, or came too late. Sign in from the beginning.',
  }),
  temporarily_unavailable: () => ({ hint: 'Try again in a moment.' }),
  server_error: () => ({ hint: 'The provider’s own log says more.' }),
};

interface ErrorFields {
  readonly error: string;
  readonly description: string;
}

/** By their shape: the library is read only where somebody signs in. */
function partsOf(error: unknown): { name: string; code: string; fields: ErrorFields } {
  if (!(error instanceof Error)) return { name: '', code: '', fields: { error: '', description: '' } };
  const text = (name: string): string => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : '';
  };
  return {
    name: error.name,
    code: text('code'),
    fields: { error: text('error'), description: text('error_description') },
  };
}

/** What the provider wrote, in one line and without what is secret in it. */
function readable(text: string, { secrets }: Told, most: number): string {
  const plain = secrets
    .filter((secret) => secret !== null && secret !== '')
    .reduce<string>((left, secret) => left.replaceAll(secret ?? '', '…'), text.slice(0, 2000));
  return short(
    plain
      .toWellFormed()
      .replaceAll(/[\p{C}\s]+/gu, ' ')
      .trim(),
    most,
  );
}

const ended = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

export function hostOf(issuer: string): string {
  return URL.parse(issuer)?.host ?? 'The provider';
}
