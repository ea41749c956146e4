/** A provider of OpenID Connect, and this installation as a client of it. */
export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  /** Separated by spaces. */
  readonly scopes: string;
}

/** What a sign-in was begun with, and is answered for. */
export interface Request {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE. */
  readonly verifier: string;
}

/** What a provider says of a person, as it was signed; `sub` and `iss` were checked. */
export type Claims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string };

/** What the provider is asked for beside the ID token, where that does not say it. */
export type IsEnough = (claims: Claims) => Promise<boolean>;

/**
 * Speaks to providers; each call ends within a minute, whatever they do. Throws `OidcFailure`, whose sentence says what came
 * back and what to do.
 */
export interface OidcProvider {
  /** Reads the provider anew, and shows it id and secret with a code that is none: what it says of these tells whether they are right. */
  probe(settings: ProviderSettings, redirectUri: string): Promise<void>;
  /** Where the browser is sent. */
  authorizationUrl(settings: ProviderSettings, request: Request): Promise<string>;
  /** Takes the answer that the browser brought, and gives whom it is about. */
  claimsOf(
    settings: ProviderSettings,
    request: Request,
    answer: URLSearchParams,
    isEnough: IsEnough,
  ): Promise<Claims>;
}
