import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Db, Trx, UserRow } from '../db/schema.ts';

/** In the place of a hash, for an account without a password: no password fits it. */
export const NO_PASSWORD = '';

/** One person of a provider, as people see it. */
export interface LinkedPerson {
  readonly issuer: string;
  readonly email: string | null;
}

/** As a provider spells itself in its tokens, and as it was typed: a slash after the host is no difference. */
export function isSameIssuer(one: string, other: string): boolean {
  return one === other || (URL.canParse(one) && URL.parse(one)?.href === URL.parse(other)?.href);
}

/** Whether there is an admin beside that user who can sign in: with a password, or by the provider that is entered. */
export async function hasOtherAdmin(trx: Trx, id: string): Promise<boolean> {
  const others = await trx
    .selectFrom('users')
    .select(['id', 'password_hash'])
    .where('role', '=', 'admin')
    .where('id', '<>', id)
    .execute();
  for (const other of others) if (await hasWayIn(trx, other)) return true;
  return false;
}

/** Whether there is an admin who needs no provider. */
export async function hasAdminWithPassword(trx: Trx): Promise<boolean> {
  const admin = await trx
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('password_hash', '<>', NO_PASSWORD)
    .limit(1)
    .executeTakeFirst();
  return admin !== undefined;
}

/** Whether an account can be signed in to: with its password, or as somebody of the provider that is entered. */
export async function hasWayIn(
  db: Db,
  { id, password_hash: hash }: Pick<UserRow, 'id' | 'password_hash'>,
): Promise<boolean> {
  if (hash !== NO_PASSWORD) return true;
  const settings = await db.selectFrom('oidc_settings').select('issuer').limit(1).executeTakeFirst();
  if (settings === undefined) return false;
  const links = await db.selectFrom('oidc_identities').select('issuer').where('user_id', '=', id).execute();
  return links.some(({ issuer }) => isSameIssuer(issuer, settings.issuer));
}

/**
 * Takes off whom of a provider an account stands for, and ends the sessions that began so: whoever had the old password may have
 * linked somebody else. Part of the transaction that it belongs to.
 */
export async function takeLinksOff(
  trx: Trx,
  actor: Actor,
  { id, email: name }: Pick<UserRow, 'id' | 'email'>,
  now: Date,
): Promise<readonly LinkedPerson[]> {
  const gone = await trx
    .deleteFrom('oidc_identities')
    .where('user_id', '=', id)
    .returning(['issuer', 'email'])
    .execute();
  for (const { issuer, email } of gone) {
    const details = { issuer, email, by: 'a new password' };
    await recordAudit(trx, actor, auditEntry('oidc_identity', 'delete', { id, name }, { details }), now);
  }
  return gone;
}
