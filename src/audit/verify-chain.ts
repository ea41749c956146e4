import { breathe } from '../breathe.ts';
import type { Db } from '../db/schema.ts';
import { type ChainFault, type ChainFindings, checkChain, misnumberedText } from './chain-check.ts';
import { auditPublicKey, type ChainMark, isOwnMark, readMarks } from './chain-marks.ts';
import type { ChainedRow } from './chain-row.ts';
import type { ChainContext } from './context.ts';
import { countUnchained, lastNumber, misnumbered, type Unchained } from './unchained.ts';

/** What became of checking the whole chain. */
export interface ChainReport extends ChainFindings {
  /** Nothing that was chained is changed, missing or added, and both ends are signed by this installation. */
  readonly isIntact: boolean;
  /** The last row that retention removed; null while it has removed none. */
  readonly start: ChainMark | null;
  /** The newest row that is chained, number 0 while none is; null where the mark of it was removed. */
  readonly head: ChainMark | null;
  /** Ed25519, base64url: by it anybody can check the signatures of the two. */
  readonly publicKey: string;
  readonly unchained: Unchained;
}

/** Numbers whose rows are read at once: some milliseconds. */
const BATCH = 500;

/**
 * Reads the whole chain and tells whether it is as it was chained. Takes about ten seconds for a million rows, in small steps;
 * what is chained or removed by retention meanwhile is no fault. Throws what the signal was aborted with.
 */
export async function verifyChain(context: ChainContext, signal: AbortSignal): Promise<ChainReport> {
  const { db } = context;
  // The first end comes with it.
  const publicKey = await auditPublicKey(context);
  for (;;) {
    const { start = null, head = null } = await readMarks(db);
    const findings = await followChain(context, { start, head }, signal);
    const { start: startNow = null } = await readMarks(db);
    // Retention has removed rows meanwhile: from its mark on, it is looked at again.
    if (findings.faultCount > 0 && startNow?.number !== start?.number) continue;
    const ends = await faultsOfEnds(context, { start, head });
    const odd = await faultsOfNumbers(db);
    const faults = [...ends, ...odd, ...findings.faults];
    const faultCount = findings.faultCount + ends.length + odd.length;
    return {
      ...findings,
      ...{ faults, faultCount, isIntact: faultCount === 0, start, head },
      publicKey,
      unchained: await countUnchained(db),
    };
  }
}

type Ends = Pick<ChainReport, 'start' | 'head'>;

async function followChain({ db, sha256 }: ChainContext, ends: Ends, signal: AbortSignal) {
  const check = checkChain(ends, sha256);
  const last = ends.head?.number ?? 0;
  let from = 1;
  for (;;) {
    signal.throwIfAborted();
    // From the first row on, not from the mark: rows before it were put back.
    const first = await firstNumber(db, from, last);
    if (first === null) break;
    from = Math.floor(first) + BATCH;
    for (const row of await chainedRows(db, first, Math.min(from, last + 1))) check.add(row);
    await breathe();
  }
  return check.end();
}

async function firstNumber(db: Db, from: number, last: number): Promise<number | null> {
  const row = await db
    .selectFrom('audit_logs')
    .select('number')
    .where('number', '>=', from)
    .where('number', '<=', last)
    .orderBy('number')
    .limit(1)
    .executeTakeFirst();
  return row?.number ?? null;
}

/** By their numbers, not so many at once: where the index is gone, several may have the same. */
async function chainedRows(db: Db, from: number, before: number): Promise<readonly ChainedRow[]> {
  const rows = await db
    .selectFrom('audit_logs')
    .selectAll()
    .where('number', '>=', from)
    .where('number', '<', before)
    .orderBy('number')
    .execute();
  return rows.flatMap((row) => {
    const { number, hash } = row;
    return number === null ? [] : [{ ...row, number, hash: hash ?? '' }];
  });
}

/** What the rows alone don't tell: marks that are missing or not signed, and numbers behind the end. */
async function faultsOfEnds(context: ChainContext, { start, head }: Ends): Promise<readonly ChainFault[]> {
  const faults: ChainFault[] = [];
  const end = (number: number, message: string) => faults.push({ kind: 'end', number, id: null, message });
  for (const [mark, name] of [
    [start, 'beginning'],
    [head, 'end'],
  ] as const) {
    if (mark === null || (await isOwnMark(context, mark))) continue;
    end(
      mark.number,
      `The mark of the chain’s ${name}, at row ${mark.number}, is not signed by this installation.`,
    );
  }
  // In this order: a row that is chained in between is behind neither.
  const last = await lastNumber(context.db);
  const { head: headNow } = await readMarks(context.db);
  if (last !== null && last > (headNow?.number ?? 0)) {
    end(
      last,
      `Row ${last} is numbered, but the chain has no end that says so: its mark was removed or put back.`,
    );
  } else if (headNow === undefined) {
    end(start?.number ?? 0, 'The mark of the chain’s end was removed.');
  }
  return faults;
}

async function faultsOfNumbers(db: Db): Promise<readonly ChainFault[]> {
  return (await misnumbered(db)).map(({ id, number }) => {
    const near = Math.trunc(Number(number));
    const message = misnumberedText(id, number);
    return { kind: 'added', number: Number.isSafeInteger(near) ? near : 0, id, message };
  });
}

const LONGEST_MS = 10 * 60_000;

/** `verifyChain` for whoever asks: those who ask while it goes on get its report, and cost nothing. */
export function createVerifier(context: ChainContext): () => Promise<ChainReport> {
  let going: Promise<ChainReport> | null = null;
  return () => {
    going ??= verifyChain(context, AbortSignal.timeout(LONGEST_MS)).finally(() => {
      going = null;
    });
    return going;
  };
}
