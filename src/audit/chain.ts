import { sql } from 'kysely';
import { breathe } from '../breathe.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { VaultContext } from '../secrets/context.ts';
import { auditKey, type ChainMark, isOwnMark, readMarks, saveMark, signMark } from './chain-marks.ts';
import { type ChainedRow, chainRows } from './chain-row.ts';
import type { ChainContext } from './context.ts';
import { lastNumber, unchained } from './unchained.ts';

/** Rows that one transaction chains. */
const BATCH = 500;
const TELL_AGAIN_MS = 3_600_000;

/**
 * The step that chains what was written since: whoever writes a row waits for nobody. A row gets the next number when it is seen,
 * those that are seen together by their time. One whose transaction ended late comes behind its neighbours, with the time that it
 * has. Goes on until nothing is left. Chains nothing where the chain's end is not what this installation has signed, or is
 * further back than this process has left it: a row more would hide that. The log says so, once an hour.
 */
export function createChainer(context: ChainContext & { readonly log: Log }) {
  let newest = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const head = await readHead(context, newest);
      if (typeof head === 'string') {
        const at = context.now().getTime();
        if (at - toldAt < TELL_AGAIN_MS) return;
        toldAt = at;
        context.log.error('the audit is not chained any more', { reason: head });
        return;
      }
      const chained = await chainBatch(context, head);
      newest = (chained ?? head).number;
      if (chained === null) return;
      await breathe();
    }
  };
}

/** The end of the chain; or, in a sentence, why nothing may follow it. `newest`: the end that this process has seen. */
export async function readHead(context: VaultContext, newest = 0): Promise<ChainMark | string> {
  // The first end comes with it.
  await auditKey(context);
  const { head } = await readMarks(context.db);
  const last = (await lastNumber(context.db)) ?? 0;
  if (head === undefined) {
    const end = Math.max(last, newest);
    return `The mark of its end${end === 0 ? '' : `, behind row ${end},`} was removed.`;
  }
  if (head.number < newest) return `Its end was put back from row ${newest} to row ${head.number}.`;
  if (last > head.number) return `Row ${last} is numbered, but its end is row ${head.number}.`;
  if (await isOwnMark(context, head)) return head;
  return `The mark of its end, at row ${head.number}, is not signed by this installation.`;
}

/** The new end; null where nothing waits. Throws `conflict` where another process has chained meanwhile. */
async function chainBatch(context: ChainContext, head: ChainMark): Promise<ChainMark | null> {
  const { db, sha256 } = context;
  // Read and hashed outside the transaction: rows that others write meanwhile are then no conflict.
  const loose = await unchained(db).selectAll().orderBy('created_at').orderBy('id').limit(BATCH).execute();
  const rows = chainRows(head, loose, sha256);
  const last = rows.at(-1);
  if (last === undefined) return null;
  const mark = await signMark(context, { name: 'head', number: last.number, hash: last.hash });
  await write(db, async (trx) => {
    if (!(await saveMark(trx, mark, head))) throw moved();
    const { numAffectedRows } = await numberRows(rows).execute(trx);
    if (numAffectedRows !== BigInt(rows.length)) throw moved();
  });
  return mark;
}

function numberRows(rows: readonly ChainedRow[]) {
  const values = rows.map(({ id, number, hash }) => sql`(${id}, cast(${number} as bigint), ${hash})`);
  return sql`
    with chained (id, number, hash) as (values ${sql.join(values)})
    update audit_logs set number = chained.number, hash = chained.hash from chained
    where audit_logs.id = chained.id and audit_logs.number is null`;
}

function moved(): AppError {
  return new AppError('conflict', 'Another process chains the audit too; this one looks again.');
}
