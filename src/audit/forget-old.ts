import { type SqlBool, sql } from 'kysely';
import { breathe } from '../breathe.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { isOwnMark, readMarks, saveMark, signMark } from './chain-marks.ts';
import { chainText, NO_HASH } from './chain-row.ts';
import type { ChainContext } from './context.ts';

/** Rows that one transaction removes. */
const BATCH = 500;
const DAY_MS = 86_400_000;

/**
 * Removes what is older than so many days (0: keeps all), from the beginning of the chain on and no further than the first row
 * that is younger, and leaves a signed mark of where the chain begins now. One whose time lies ahead was written by a clock that was
 * set back since: it goes with the old ones behind it. Each row is checked before it goes: throws `internal`
 * at one that was changed, or where some are missing, and removes nothing from there on, since that is evidence.
 * Gives how many are gone.
 */
export async function forgetOldAudit(
  context: ChainContext,
  days: number,
  signal: AbortSignal,
): Promise<number> {
  if (days === 0) return 0;
  const before = new Date(context.now().getTime() - days * DAY_MS).toISOString();
  let gone = 0;
  while (!signal.aborted) {
    const removed = await forgetBatch(context, before);
    gone += removed;
    if (removed < BATCH) break;
    await breathe();
  }
  return gone;
}

async function forgetBatch(context: ChainContext, before: string): Promise<number> {
  const { db } = context;
  const { start } = await readMarks(db);
  if (start !== undefined && !(await isOwnMark(context, start))) throw broken(start.number + 1);
  const { last, count } = await oldPart(context, start ?? { number: 0, hash: NO_HASH }, before);
  if (count === 0) return 0;
  const mark = await signMark(context, { name: 'start', ...last });
  await write(db, async (trx) => {
    if (!(await saveMark(trx, mark, start)))
      throw new AppError('conflict', 'Another process shortens the audit.');
    await removeUpTo(trx, last.number);
  });
  return count;
}

/** A row of the chain, as the one behind it knows it. */
interface Link {
  readonly number: number;
  readonly hash: string;
}

/** The last row that goes, and how many do: of the first batch in which any is old, however many of a clock that was ahead lie before it. */
async function oldPart(
  { db, sha256, now }: ChainContext,
  { number: from, hash }: Link,
  before: string,
): Promise<{ readonly last: Link; readonly count: number }> {
  const at = now().toISOString();
  let seen: Link = { number: from, hash };
  let found = { last: seen, count: 0 };
  for (let rows = await rowsAfter(db, 0); rows.length > 0; rows = await rowsAfter(db, seen.number)) {
    for (const row of rows) {
      const { number, hash: own } = row;
      const isAhead = row.created_at > at;
      if (number === null || own === null || (row.created_at >= before && !isAhead)) return found;
      if (number !== seen.number + 1 || sha256(chainText(seen.hash, number, row)) !== own) {
        if (found.count === 0) throw broken(number);
        return found;
      }
      seen = { number, hash: own };
      if (!isAhead) found = { last: seen, count: number - from };
    }
    if (found.count > 0) return found;
    await breathe();
  }
  return found;
}

/** The newest row of the chain always stays: the chain's end is compared with it. */
async function rowsAfter(db: Db, number: number) {
  const rows = await db
    .selectFrom('audit_logs')
    .selectAll()
    .where('number', '>', number)
    .where('number', '<=', Number.MAX_SAFE_INTEGER)
    .where(isWhole)
    .orderBy('number')
    .limit(BATCH + 1)
    .execute();
  return rows.slice(0, -1);
}

async function removeUpTo(trx: Trx, number: number): Promise<void> {
  await trx
    .deleteFrom('audit_logs')
    .where('number', '>=', 1)
    .where('number', '<=', number)
    .where(isWhole)
    .execute();
}

/** Rows with another number were put in past the app: they don't stop retention, and stay, since they are evidence. */
const isWhole = sql<SqlBool>`cast(number as bigint) = number`;

function broken(number: number): AppError {
  return new AppError(
    'internal',
    `The audit is not as it was chained at row ${number}: nothing from there on is removed, though it is old. Audit log > Verify tells more.`,
  );
}
