import { type Selectable, sql } from 'kysely';
import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { byBytes, isLike } from '../db/kind.ts';
import { likePatterns } from '../db/like-patterns.ts';
import type { Db, Trx, UserRow } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Page } from '../page.ts';
import type { PasswordContext } from './context.ts';
import { refuseGuessable } from './password-rules.ts';
import { hasRole, type Role } from './roles.ts';
import { hasOtherAdmin } from './ways-in.ts';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: Role;
  readonly lastActiveAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface NewUser {
  readonly email: string;
  readonly password: string;
  readonly name?: string | null | undefined;
  readonly role: Role;
}

/** Somebody signed in, or acting by a token, who does something that depends on the role. */
export interface UserActor extends Actor {
  readonly role: Role;
}

/** Newest first, all or a page of those that have that text in their email or name, in any case. */
export async function listUsers(db: Db, page?: Page, search = ''): Promise<readonly User[]> {
  const rows = await found(db, search)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .$if(page !== undefined, (query) => query.limit(page?.limit ?? 0).offset(page?.offset ?? 0))
    .execute();
  return rows.map(toUser);
}

export async function countUsers(db: Db, search = ''): Promise<number> {
  const { total } = await found(db, search)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

function found(db: Db, search: string) {
  const texts = [sql<string>`email`, sql<string | null>`name`];
  const isFound = likePatterns(search).flatMap((pattern) => texts.map((text) => isLike(db, text, pattern)));
  return db.selectFrom('users').$if(search !== '', (query) => query.where((eb) => eb.or(isFound)));
}

/** Those who used the installation since then, the latest first. */
export async function listActiveUsers(db: Db, since: Date): Promise<readonly User[]> {
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .where('last_active_at', '>=', since.toISOString())
    .orderBy('last_active_at', 'desc')
    .execute();
  return rows.map(toUser);
}

/** So many admins, those who were active last first. */
export async function adminEmails(db: Db, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('users')
    .select('email')
    .where('role', '=', 'admin')
    .orderBy(({ fn, val }) => fn.coalesce('last_active_at', val('')), 'desc')
    .orderBy('email', byBytes(db))
    .limit(limit)
    .execute();
  return rows.map(({ email }) => email);
}

/** Throws `not_found`. */
export async function getUser(db: Db, id: string): Promise<User> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'User not found');
  return toUser(row);
}

export async function hasUsers(db: Db): Promise<boolean> {
  return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** Throws `conflict` for an email that is taken (case does not count), `invalid` for one of the most common passwords. */
export async function createUser(context: PasswordContext, actor: Actor, input: NewUser): Promise<User> {
  const row = await newUserRow(context, input);
  await write(context.db, async (trx) => {
    await insertUser(trx, row);
    await recordAudit(trx, actor, auditedUser('create', row, { details: { role: row.role } }), context.now());
  });
  return toUser(row);
}

/** A row to insert, its password hashed: the slow part, done before a transaction begins. Throws `invalid` as above. */
export async function newUserRow(context: PasswordContext, input: NewUser): Promise<UserRow> {
  await refuseGuessable(context.passwords, input.password, { email: input.email, field: 'password' });
  const now = context.now().toISOString();
  return {
    id: newId(),
    email: normaliseEmail(input.email),
    name: input.name ?? null,
    role: input.role,
    password_hash: await context.passwords.hash(input.password),
    time_zone: null,
    last_active_at: null,
    created_at: now,
    updated_at: now,
  };
}

export async function insertUser(trx: Trx, row: UserRow): Promise<void> {
  try {
    await trx.insertInto('users').values(row).execute();
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('conflict', 'Email already in use');
    throw error;
  }
}

/**
 * Changes name and role. Throws `forbidden` when someone who is no admin changes a role, or an admin their own;
 * `conflict` when no admin would be left; `not_found`.
 */
export async function updateUser(
  context: Context,
  actor: UserActor,
  id: string,
  change: { readonly name?: string | null | undefined; readonly role?: Role | undefined },
): Promise<User> {
  if (change.role !== undefined && !hasRole(actor.role, 'admin')) {
    throw new AppError('forbidden', 'Only admins can change user roles');
  }
  return write(context.db, async (trx) => {
    const before = await getUser(trx, id);
    if (change.role !== undefined && change.role !== before.role && actor.userId === id) {
      throw new AppError('forbidden', 'You cannot change your own role. Ask another admin.');
    }
    if (before.role === 'admin' && change.role !== undefined && change.role !== 'admin') {
      await refuseLastAdmin(trx, id, 'demoted');
    }
    const row = await trx
      .updateTable('users')
      .set({
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.role === undefined ? {} : { role: change.role }),
        updated_at: context.now().toISOString(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordAudit(trx, actor, auditedUser('update', row, { details: { ...change } }), context.now());
    return toUser(row);
  });
}

/** Throws `invalid` for one's own account, `conflict` for the last admin, `not_found`. Their sessions end. */
export async function deleteUser(context: Context, actor: UserActor, id: string): Promise<void> {
  if (actor.userId === id) throw new AppError('invalid', 'Cannot delete your own account');
  await write(context.db, async (trx) => {
    const user = await getUser(trx, id);
    if (user.role === 'admin') await refuseLastAdmin(trx, id, 'deleted');
    await trx.deleteFrom('users').where('id', '=', id).execute();
    await recordAudit(trx, actor, auditedUser('delete', user), context.now());
  });
}

/** The entry of something done to this user, or by somebody who says to be them. */
export function auditedUser(
  action: AuditedActions['user'],
  user: Pick<UserRow, 'id' | 'email'> | null,
  more: Pick<AuditEntry, 'details' | 'error'> = {},
): AuditEntry {
  return auditEntry('user', action, { id: user?.id ?? null, name: user?.email ?? null }, more);
}

/** The stored form of an email: trimmed, lower case. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

export function toUser(row: Selectable<UserRow>): User {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    lastActiveAt: row.last_active_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

async function refuseLastAdmin(trx: Trx, id: string, what: 'deleted' | 'demoted'): Promise<void> {
  if (await hasOtherAdmin(trx, id)) return;
  throw new AppError(
    'conflict',
    `The last admin cannot be ${what}. Make another user an admin first, who can sign in: with a password, or by the provider that is entered.`,
  );
}
