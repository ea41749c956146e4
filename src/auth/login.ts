import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { type SessionKind, type StartedSession, startSession } from './sessions.ts';
import { normaliseEmail, toUser, type User } from './users.ts';

export interface SignedIn extends StartedSession {
  readonly user: User;
}

/** Throws `unauthorized`, with the same words and after the same time for an unknown user and a wrong password. */
export async function login(
  services: Services,
  input: { readonly email: string; readonly password: string; readonly kind: SessionKind },
): Promise<SignedIn> {
  const row = await services.db
    .selectFrom('users')
    .selectAll()
    .where('email', '=', normaliseEmail(input.email))
    .executeTakeFirst();
  const isRight = await services.passwords.verify(input.password, row?.password_hash ?? null);
  if (row === undefined || !isRight) throw new AppError('unauthorized', 'Invalid credentials');
  const user = toUser(row);
  return { user, ...(await startSession(services, user, input.kind, row.password_hash)) };
}
