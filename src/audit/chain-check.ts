import { type ChainedRow, chainText, NO_HASH, type Sha256 } from './chain-row.ts';

/** Something that is not as it was chained. */
export interface ChainFault {
  /** `changed`: a row, or the one before it; `missing`: rows; `added`: rows that were never chained; `end`: one of the marks. */
  readonly kind: 'changed' | 'missing' | 'added' | 'end';
  /** The row that it was found at. */
  readonly number: number;
  /** Of the row; null where that is not there. */
  readonly id: string | null;
  readonly message: string;
}

/** Where the chain begins and ends, as the marks say; those that are not signed are for the caller to find. */
export interface ChainEnds {
  readonly start: { readonly number: number; readonly hash: string } | null;
  readonly head: { readonly number: number; readonly hash: string } | null;
}

export interface ChainFindings {
  /** Rows that were looked at. */
  readonly rows: number;
  readonly faults: readonly ChainFault[];
  /** Of all, also those that are not listed. */
  readonly faultCount: number;
  /** Rows that are older than one before them: their transactions ended late, or a clock was set back. */
  readonly lateRows: number;
}

/** Faults that are listed. */
const MOST_FAULTS = 100;

/**
 * Follows the chain from its start to its head: rows are added in the order of their numbers, and `end` tells what was found.
 * Each row is compared with what stands in the row before it, so that what was changed is named, and not all that follows it.
 */
export function checkChain({ start, head }: ChainEnds, sha256: Sha256) {
  let last = start ?? { number: 0, hash: NO_HASH };
  let rows = 0;
  let faultCount = 0;
  let lateRows = 0;
  let newestAt = '';
  const faults: ChainFault[] = [];
  const report = (kind: ChainFault['kind'], number: number, id: string | null, message: string) => {
    faultCount += 1;
    if (faults.length < MOST_FAULTS) faults.push({ kind, number, id, message });
  };

  return {
    add(row: ChainedRow): void {
      rows += 1;
      if (!Number.isSafeInteger(row.number) || row.number < 1) {
        report('added', Math.trunc(row.number), row.id, misnumberedText(row.id, String(row.number)));
        return;
      }
      if (row.number > (head?.number ?? 0)) {
        report('added', row.number, row.id, `Row ${row.number} stands behind the end of the chain.`);
        return;
      }
      if (row.number > last.number + 1) {
        const gap = range(last.number + 1, row.number - 1);
        report('missing', last.number + 1, null, `${gap} was removed.`);
      } else if (row.number <= last.number) {
        report('added', row.number, row.id, `Row ${row.number} stands where another one was.`);
      } else if (sha256(chainText(last.hash, row.number, row)) !== row.hash) {
        const before = row.number - 1;
        report(
          'changed',
          row.number,
          row.id,
          `Row ${row.number} was changed, or does not belong behind row ${before}.`,
        );
      }
      if (row.created_at < newestAt) lateRows += 1;
      else newestAt = row.created_at;
      last = row;
    },
    end(): ChainFindings {
      if (head !== null && last.number < head.number) {
        report('missing', last.number + 1, null, `${range(last.number + 1, head.number)} was removed.`);
      } else if (head !== null && last.hash !== head.hash) {
        report('changed', head.number, null, `Row ${head.number} is not the one that the chain ended with.`);
      }
      return { rows, faults, faultCount, lateRows };
    },
  };
}

export function misnumberedText(id: string, number: string): string {
  return `The row with the id ${id} has the number ${number}, which the app gives to none.`;
}

function range(from: number, to: number): string {
  return from === to ? `Row ${from}` : `Each row from ${from} to ${to}`;
}
