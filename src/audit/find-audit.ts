import type { Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { type ListedAudit, withNames } from './names.ts';

/** One row. Throws `not_found`, as for what retention has removed. */
export async function findAudit(db: Db, id: string): Promise<ListedAudit> {
  const row = await db.selectFrom('audit_logs').selectAll().where('id', '=', id).executeTakeFirst();
  const [named] = await withNames(db, row === undefined ? [] : [row]);
  if (named === undefined)
    throw new AppError('not_found', 'There is no such row of the audit, or not any more.');
  return named;
}
