import type { TokenActor } from '../audit/audit.ts';
import { roleAtMost } from '../auth/roles.ts';
import type { User } from '../auth/users.ts';
import { hasWayIn } from '../auth/ways-in.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { Log } from '../log.ts';
import type { ShownFrom, ShownToken, TokenNotes } from './note-use.ts';
import { hashOfToken, hasTokenShape, prefixOf } from './token-text.ts';

/**
 * What a token may do: whatever its role may; or ask for backups, read of them, and pin those that it asked for; or read the
 * metrics, and nothing else.
 */
export const TOKEN_ACCESSES = ['full', 'backups', 'metrics'] as const;
export type TokenAccess = (typeof TOKEN_ACCESSES)[number];

/** A token that somebody acts by. */
export interface ActingToken extends TokenActor {
  readonly access: TokenAccess;
  /** Those that it is for; null: all. */
  readonly environmentIds: readonly string[] | null;
}

export interface FoundToken {
  readonly token: ActingToken;
  /** Its owner, with the role that counts now: the token's or the owner's, whichever may less. */
  readonly user: User;
}

/** Whether whoever acts by that token, or by none, has to do with the environment. */
export function mayReach(token: ActingToken | null, environmentId: string): boolean {
  return token === null || token.environmentIds === null || token.environmentIds.includes(environmentId);
}

/** How stale the instant of the last use may get before a request writes it anew. */
const TOUCH_AFTER_MS = 60_000;

/** Who is told what became of a token that was shown. */
interface Noting {
  readonly notes: TokenNotes;
  readonly from: ShownFrom;
}

/**
 * Whom a token stands for, as the database knows them now; null where it opens nothing: unknown, revoked, expired, its owner
 * gone, disabled, or
 * without a way in.
 */
export async function findToken(
  context: Context & { readonly log: Log },
  text: string,
  noting?: Noting,
): Promise<FoundToken | null> {
  if (!hasTokenShape(text)) return null;
  const now = context.now();
  const row = await rowOf(context.db, await hashOfToken(text));
  const isOver =
    row === undefined || row.expires_at <= now.toISOString() || !(await canSignIn(context.db, row));
  const user = isOver ? null : ownerOf(row);
  const shown = row === undefined ? unknown(text) : shownOf(row);
  if (row === undefined || user === null) {
    await noting?.notes.refused(shown, noting.from, whyNot(row, now));
    return null;
  }
  await noting?.notes.used(shown, noting.from);
  const environmentIds = row.all_environments === 1 ? null : await environmentsOf(context.db, row.id);
  await touch(context, row, now);
  return {
    token: {
      ...{ id: row.id, prefix: row.token_prefix, serviceAccountId: row.service_account_id },
      ...{ access: row.access, environmentIds },
    },
    user,
  };
}

function unknown(text: string): ShownToken {
  return { id: null, name: null, prefix: prefixOf(text), userId: null, serviceAccountId: null };
}

function shownOf(row: Row): ShownToken {
  const { id, name, token_prefix: prefix, user_id: userId, service_account_id: serviceAccountId } = row;
  return { id, name, prefix, userId, serviceAccountId };
}

function whyNot(row: Row | undefined, now: Date): string {
  if (row === undefined) return 'There is no such token, or it was revoked';
  if (row.expires_at <= now.toISOString()) return `The token expired at ${row.expires_at}`;
  if (row.user_id !== null)
    return 'The token’s owner can’t sign in: no password, and no link to the provider';
  return 'The token’s owner is disabled, or gone';
}

/** A person who has no way in any more has none by a token either. Costs a look for whoever has no password alone. */
async function canSignIn(db: Db, { user_id: id, password_hash }: Row): Promise<boolean> {
  return id === null || password_hash === null || hasWayIn(db, { id, password_hash });
}

function rowOf(db: Db, hash: string) {
  return db
    .selectFrom('api_tokens')
    .leftJoin('users', 'users.id', 'api_tokens.user_id')
    .leftJoin('service_accounts', 'service_accounts.id', 'api_tokens.service_account_id')
    .select([
      ...(['api_tokens.id', 'api_tokens.token_prefix', 'api_tokens.role', 'api_tokens.access'] as const),
      ...(['api_tokens.all_environments', 'api_tokens.last_used_at', 'api_tokens.user_id'] as const),
      ...(['api_tokens.name', 'api_tokens.expires_at'] as const),
      ...(['api_tokens.service_account_id', 'users.email', 'users.last_active_at'] as const),
      'users.name as user_name',
      ...(['users.role as user_role', 'users.password_hash'] as const),
      'users.created_at as user_created_at',
      'users.updated_at as user_updated_at',
      'service_accounts.name as account_name',
      'service_accounts.role as account_role',
      'service_accounts.disabled as account_disabled',
      'service_accounts.created_at as account_created_at',
      'service_accounts.updated_at as account_updated_at',
    ])
    .where('api_tokens.token_hash', '=', hash)
    .executeTakeFirst();
}

type Row = NonNullable<Awaited<ReturnType<typeof rowOf>>>;

function ownerOf(row: Row): User | null {
  if (row.user_id !== null) return personOf(row, row.user_id);
  return row.service_account_id === null ? null : accountOf(row, row.service_account_id);
}

function personOf(row: Row, id: string): User | null {
  const {
    email,
    user_name: name,
    user_role: role,
    user_created_at: createdAt,
    user_updated_at: updatedAt,
  } = row;
  if (email === null || role === null || createdAt === null || updatedAt === null) return null;
  const lastActiveAt = row.last_active_at;
  return { id, email, name, role: roleAtMost(row.role, role), lastActiveAt, createdAt, updatedAt };
}

/** The contract's words for one that is no person. */
function accountOf(row: Row, id: string): User | null {
  const { account_name: name, account_role: role } = row;
  const { account_created_at: createdAt, account_updated_at: updatedAt } = row;
  if (name === null || role === null || createdAt === null || updatedAt === null) return null;
  if (row.account_disabled !== 0) return null;
  return {
    ...{ id: `sa:${id}`, email: `${name}@service-account.local`, name, lastActiveAt: null },
    ...{ role: roleAtMost(row.role, role), createdAt, updatedAt },
  };
}

async function environmentsOf(db: Db, tokenId: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('api_token_environments')
    .select('environment_id')
    .where('token_id', '=', tokenId)
    .execute();
  return rows.map((row) => row.environment_id);
}

/** Once a minute at most, and whatever becomes of it: what cannot be noted keeps nobody from working. */
async function touch(
  { db, log }: { readonly db: Db; readonly log: Log },
  row: Pick<Row, 'id' | 'last_used_at'>,
  now: Date,
): Promise<void> {
  const unusedMs = row.last_used_at === null ? null : now.getTime() - Date.parse(row.last_used_at);
  // One of the future is from before the clock was set back.
  if (unusedMs !== null && unusedMs >= 0 && unusedMs < TOUCH_AFTER_MS) return;
  try {
    await write(
      db,
      (trx) =>
        trx
          .updateTable('api_tokens')
          .set({ last_used_at: now.toISOString() })
          .where('id', '=', row.id)
          .execute(),
      { patienceMs: 0 },
    );
  } catch (error) {
    log.debug('the time of a token’s use could not be saved', { tokenId: row.id, error });
  }
}
