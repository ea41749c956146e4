import type { Config } from '../config.ts';
import type { Context } from '../db/context.ts';
import type { Log } from '../log.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { Passwords } from './passwords.ts';

/** For what makes, changes or checks a password. */
export interface PasswordContext extends Context {
  readonly passwords: Passwords;
}

/** For what begins or looks up a session: its tokens are signed with a sealed key. */
export interface SessionContext extends VaultContext {
  readonly config: Config;
  readonly log: Log;
}

/** For everybody at the door. */
export interface SignInContext extends SessionContext, PasswordContext {}
