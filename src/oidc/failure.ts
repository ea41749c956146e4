import { AppError } from '../errors.ts';

/** Which field of the settings it may be mended by. */
export type FailureField = 'issuer' | 'clientId' | 'clientSecret' | 'scopes';

/** Why nobody was signed in by the provider. The message is for whoever sees the page, and holds no token, code or secret. */
export class OidcFailure extends AppError {
  /** Null where it is nothing of these. */
  readonly at: FailureField | null;
  /** Whether the person or the provider turned it down, rather than something failing. */
  readonly isRefusal: boolean;
  constructor(
    message: string,
    {
      at = null,
      isRefusal = false,
    }: { readonly at?: FailureField | null; readonly isRefusal?: boolean } = {},
  ) {
    super('unauthorized', message);
    this.name = 'OidcFailure';
    this.at = at;
    this.isRefusal = isRefusal;
  }
}
