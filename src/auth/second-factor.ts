import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Db, SecondFactorRow, Trx, UserRow } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { countRecoveryCodes, storeRecoveryCodes } from './recovery-codes.ts';
import { auditedUser } from './users.ts';

/** Of an account, as its owner and admins see it. */
export interface SecondFactor {
  /** Asked for at each sign-in. */
  readonly isActive: boolean;
  /** Since when; null where it is not. */
  readonly confirmedAt: string | null;
  readonly recoveryCodesLeft: number;
}

export async function readSecondFactor(db: Db | Trx, userId: string): Promise<SecondFactor> {
  const factor = await factorOf(db, userId);
  if (factor === null) return { isActive: false, confirmedAt: null, recoveryCodesLeft: 0 };
  const recoveryCodesLeft = await countRecoveryCodes(db, userId);
  return { isActive: true, confirmedAt: factor.confirmed_at, recoveryCodesLeft };
}

/** The ids of the users who are asked for one. */
export async function usersWithSecondFactor(db: Db): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('second_factors')
    .select('id')
    .where('confirmed_at', 'is not', null)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** What the account is asked for at a sign-in; null for none. */
export async function factorOf(db: Db | Trx, userId: string): Promise<SecondFactorRow | null> {
  const row = await db
    .selectFrom('second_factors')
    .selectAll()
    .where('id', '=', userId)
    .where('confirmed_at', 'is not', null)
    .executeTakeFirst();
  return row ?? null;
}

/** Takes it off, and what was begun of one. False where there was neither. */
export async function takeOff(
  trx: Trx,
  actor: Actor,
  user: Pick<UserRow, 'id' | 'email'>,
  now: Date,
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('second_factors')
    .where('id', '=', user.id)
    .executeTakeFirst();
  await storeRecoveryCodes(trx, user.id, []);
  if (numDeletedRows === 0n) return false;
  await recordAudit(trx, actor, auditedUser('update', user, { details: { secondFactor: 'taken off' } }), now);
  return true;
}

/** The account, for what changes its second factor. Throws `not_found`. */
export async function ownerOf(db: Db, userId: string): Promise<UserRow> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'User not found');
  return row;
}
