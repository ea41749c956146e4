import { AppError } from '../errors.ts';

/** Which field of the settings it may be mended by. */
export type FailureField = 'issuer' | 'clientId' | 'clientSecret' | 'scopes';

/** Why nobody was signed in by the provider. The message is for whoever sees the page, and holds no token, code or secret. */
export class OidcFailure extends AppError {
  /** Null where it is nothing of these. */
  readonly at: FailureField | null;
  constructor(message: string, { at = null }: { readonly at?: FailureField | null } = {}) {
    super('unauthorized', message);
    this.name = 'OidcFailure';
    this.at = at;
  }
}
