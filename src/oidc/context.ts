import type { SessionContext } from '../auth/context.ts';
import type { OidcProvider } from './provider.ts';

/** For what speaks to the provider of the installation. */
export interface OidcContext extends SessionContext {
  readonly oidc: OidcProvider;
}
