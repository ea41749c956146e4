import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { ownerOf } from '../auth/second-factor.ts';
import { NO_PASSWORD } from '../auth/ways-in.ts';
import type { Context } from '../db/context.ts';
import type { Db, OidcIdentityRow, Trx, UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Person } from './person.ts';

/** Whom of a provider an account stands for, as people see it. */
export interface Identity {
  readonly id: string;
  readonly issuer: string;
  /** As the provider last said. */
  readonly email: string | null;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

export async function listIdentities(db: Db, userId: string): Promise<readonly Identity[]> {
  const rows = await db
    .selectFrom('oidc_identities')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    ...{ id: row.id, issuer: row.issuer, email: row.email },
    ...{ createdAt: row.created_at, lastUsedAt: row.last_used_at },
  }));
}

/** The ids of the users who are linked to a provider. */
export async function usersWithIdentity(db: Db): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('oidc_identities').select('user_id').execute();
  return new Set(rows.map((row) => row.user_id));
}

export async function hasPassword(db: Db, userId: string): Promise<boolean> {
  return (await ownerOf(db, userId)).password_hash !== NO_PASSWORD;
}

export function identityOf(
  db: Db,
  { issuer, subject }: Pick<Person, 'issuer' | 'subject'>,
): Promise<OidcIdentityRow | undefined> {
  return db
    .selectFrom('oidc_identities')
    .selectAll()
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

/** Part of the transaction that it belongs to; gives its id. */
export async function insertIdentity(
  trx: Trx,
  user: Pick<UserRow, 'id'>,
  { issuer, subject, email }: Person,
  now: Date,
): Promise<string> {
  const id = newId();
  const at = now.toISOString();
  const row = { id, user_id: user.id, issuer, subject, email, created_at: at, last_used_at: at };
  await trx.insertInto('oidc_identities').values(row).execute();
  return id;
}

/**
 * The account signs in by it no more, and its sessions that began so end. Throws `not_found`, and `conflict` where the account has
 * no password: nobody would get into it.
 */
export async function unlink(
  { db, now }: Context,
  actor: Actor,
  { userId, identityId }: { readonly userId: string; readonly identityId: string },
): Promise<void> {
  await write(db, async (trx) => {
    const user = await trx.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
    if (user?.password_hash === NO_PASSWORD) throw new AppError('conflict', LAST);
    const row = await trx
      .deleteFrom('oidc_identities')
      .where('id', '=', identityId)
      .where('user_id', '=', userId)
      .returning(['issuer', 'email'])
      .executeTakeFirst();
    if (user === undefined || row === undefined) throw new AppError('not_found', 'No such link');
    await recordAudit(trx, actor, auditedIdentity('delete', user, row), now());
  });
}

const LAST =
  'This account has no password: without the link nobody could sign in to it. An admin can give it a password under Users first.';

/** The entry of a link that was made or taken off. */
export function auditedIdentity(
  action: 'create' | 'delete',
  user: Pick<UserRow, 'id' | 'email'>,
  { issuer, email }: Pick<OidcIdentityRow, 'issuer' | 'email'>,
) {
  return auditEntry(
    'oidc_identity',
    action,
    { id: user.id, name: user.email },
    { details: { issuer, email } },
  );
}
