import { NotFetched } from '../channels/guarded-fetch.ts';
import { short } from '../short-text.ts';
import { OidcFailure } from './failure.ts';

/** What a call was for, as the beginning of a sentence tells it. */
export type Step = 'discovery' | 'keys' | 'answer' | 'token' | 'userinfo';

interface Told {
  readonly step: Step;
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string | null;
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
  const sentence =
    SENTENCES[code] ?? (({ host, what }) => `${host} answered ${what} in a way that could not be read.`);
  return new OidcFailure(sentence({ ...told, host: hostOf(told.issuer), what: WHAT[told.step] }), { at });
}

type Sentence = (told: Told & { readonly host: string; readonly what: string }) => string;

const notJson: Sentence = ({ host, what }) =>
  `What ${host} answered to ${what} is not JSON. Is the issuer that of an OpenID Connect provider, and nothing in between that answers in its place?`;
const inTheClear: Sentence = ({ host, what }) =>
  `${host} names an address for ${what} that is not https. Have the provider use https throughout: behind a proxy it must be told its public address.`;
const notSaid: Sentence = ({ host, what }) =>
  `${host} does not say where ${what} is sent to. Is it an OpenID Connect provider?`;
const late: Sentence = ({ host, what }) => `${host} did not answer ${what} in time. Try again.`;

/** By the library's codes. */
const SENTENCES: Readonly<Record<string, Sentence | undefined>> = {
  OAUTH_RESPONSE_IS_NOT_CONFORM: ({ step, host, what }) =>
    step === 'discovery'
      ? `${host} has no OpenID Connect provider under this issuer: its address with /.well-known/openid-configuration behind it was answered with an error. Copy the issuer from the provider’s settings.`
      : `${host} answered ${what} with an unexpected status. The provider’s own log says why.`,
  OAUTH_RESPONSE_IS_NOT_JSON: notJson,
  OAUTH_PARSE_ERROR: notJson,
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: ({ step, host, issuer }) =>
    step === 'userinfo'
      ? `${host} told of another person than the one who signed in. Nothing was taken of it.`
      : `The provider calls itself by another issuer than the one entered here, ${issuer}. Enter the issuer as the provider spells it, to the last slash; of Microsoft Entra the one with the id of your tenant.`,
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: ({ host, now }) =>
    `The token of ${host} is of another time: here it is ${now.toISOString().slice(0, 19).replace('T', ' ')} UTC. Set the clock of this installation, or of the provider.`,
  OAUTH_JWT_CLAIM_COMPARISON_FAILED: ({ host }) =>
    `The token of ${host} was made for another client, another sign-in or by another issuer. Compare the client id and the issuer with the provider’s settings, and sign in from the beginning.`,
  OAUTH_KEY_SELECTION_FAILED: ({ host }) =>
    `The token of ${host} is signed with a key that the provider does not publish. Where it has just changed its keys, try again in a minute.`,
  OAUTH_UNSUPPORTED_OPERATION: ({ host }) =>
    `The token of ${host} is signed or sent in a way that is not taken. Have the provider sign ID tokens with a key of its own (RS256 or ES256), and not with the client secret.`,
  OAUTH_HTTP_REQUEST_FORBIDDEN: inTheClear,
  OAUTH_REQUEST_PROTOCOL_FORBIDDEN: inTheClear,
  OAUTH_MISSING_SERVER_METADATA: notSaid,
  OAUTH_INVALID_SERVER_METADATA: notSaid,
  OAUTH_INVALID_RESPONSE: ({ step, host, what }) =>
    step === 'answer'
      ? `What came back from ${host} is not an answer to this sign-in. Sign in from the beginning.`
      : `What ${host} answered to ${what} does not hold what it must, or its signature does not fit. Nothing was taken of it.`,
  OAUTH_TIMEOUT: late,
  OAUTH_ABORT: late,
};

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
  const { hint, at = null } = ADVICE.get(fields.error)?.(told) ?? { hint: '' };
  const sentence = hint === '' ? quoted : `${quoted} ${hint}`;
  return new OidcFailure(sentence, { at });
}

interface Advice {
  readonly hint: string;
  readonly at?: 'clientId' | 'clientSecret' | 'scopes';
}

const wrongClient = ({ clientId }: Told): Advice => ({
  hint: `Client id or secret are wrong, or the way they are sent: compare them with those of the client ${short(clientId, 60)} at the provider, where a secret may have expired, and register it there for client_secret_post or client_secret_basic.`,
  at: 'clientSecret',
});

/** By the error's name, which anybody may write into an address. */
const ADVICE: ReadonlyMap<string, (told: Told) => Advice> = new Map(
  Object.entries<(told: Told) => Advice>({
    invalid_client: wrongClient,
    unauthorized_client: wrongClient,
    access_denied: () => ({
      hint: 'The sign-in was turned down there, by you or by a rule of the provider.',
    }),
    login_required: () => ({ hint: 'Sign in there first.' }),
    invalid_scope: () => ({ hint: 'The scopes entered here are not all known there.', at: 'scopes' }),
    invalid_grant: () => ({
      hint: 'The answer was used already, or came too late. Sign in from the beginning.',
    }),
    redirect_uri_mismatch: ({ clientId, redirectUri }) => ({
      hint: `Enter the redirect URI that was tried at the client ${short(clientId, 60)} there, letter by letter: ${redirectUri ?? ''}`,
    }),
    temporarily_unavailable: () => ({ hint: 'Try again in a moment.' }),
    server_error: () => ({ hint: 'The provider’s own log says more.' }),
  }),
);

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

const ended = (text: string) => (/[.!?\u2026]$/.test(text) ? text : `${text}.`);

export function hostOf(issuer: string): string {
  return URL.parse(issuer)?.host ?? 'The provider';
}
