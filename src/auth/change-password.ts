import { recordAudit } from '../catalog/audit.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { hasRole } from './roles.ts';
import { endSessionsOf } from './sessions.ts';
import { normaliseEmail, type UserActor } from './users.ts';

type Context = Pick<Services, 'db' | 'now' | 'passwords'>;

/**
 * Sets a new password and ends every session of that user. The current password is asked of whoever is no admin.
 * Throws `not_found`, `invalid` (no current password), `unauthorized` (a wrong one).
 */
export async function changePassword(
  services: Context,
  actor: UserActor,
  userId: string,
  input: { readonly newPassword: string; readonly currentPassword?: string | undefined },
): Promise<void> {
  const row = await services.db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'User not found');
  if (!hasRole(actor.role, 'admin')) {
    if (!input.currentPassword) throw new AppError('invalid', 'Current password is required');
    const isRight = await services.passwords.verify(input.currentPassword, row.password_hash);
    if (!isRight) throw new AppError('unauthorized', 'Current password is incorrect');
  }
  await storePassword(services, userId, input.newPassword);
  await write(services.db, (trx) =>
    recordAudit(
      trx,
      actor,
      {
        action: 'update',
        resourceType: 'user',
        resourceId: userId,
        resourceName: row.email,
        details: { password: 'changed' },
      },
      services.now(),
    ),
  );
}

/** For the command of the image: sets a random password and gives it once. Throws `not_found`. */
export async function resetPassword(services: Context, email: string): Promise<string> {
  const row = await services.db
    .selectFrom('users')
    .select(['id', 'email'])
    .where('email', '=', normaliseEmail(email))
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', `There is no user with the email ${email}.`);
  const password = randomPassword();
  await storePassword(services, row.id, password);
  await write(services.db, (trx) =>
    recordAudit(
      trx,
      { userId: null, address: null },
      {
        action: 'update',
        resourceType: 'user',
        resourceId: row.id,
        resourceName: row.email,
        details: { password: 'reset' },
      },
      services.now(),
    ),
  );
  return password;
}

async function storePassword(services: Context, userId: string, password: string): Promise<void> {
  const passwordHash = await services.passwords.hash(password);
  await write(services.db, async (trx) => {
    await trx
      .updateTable('users')
      .set({ password_hash: passwordHash, updated_at: services.now().toISOString() })
      .where('id', '=', userId)
      .execute();
    await endSessionsOf(trx, userId);
  });
}

/** 20 characters without look-alikes, 100 bits. */
export function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789A';
  const characters = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => alphabet[byte % 32]);
  return characters.join('').replace(/(.{5})(?=.)/g, '$1-');
}
