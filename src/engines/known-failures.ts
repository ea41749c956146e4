import { AppError, type ErrorCode } from '../errors.ts';
import { readComplaint } from './complaint.ts';
import type { CommandFailure } from './engine.ts';
import type { RestoreObstacle } from './restore.ts';

/** A failure that the tools of an engine tell in words or by a number of their own; either is enough. */
export interface KnownFailure {
  /** Of the complaint that tells the cause (`readComplaint`). */
  readonly pattern?: RegExp;
  /** Of MySQL's tools. A server may word its messages in its own language, and names may look like numbers. */
  readonly numbers?: readonly number[];
  readonly code: ErrorCode;
  /** Of a restore. */
  readonly obstacle?: RestoreObstacle;
  /** `detail` is what the pattern's first group matched, or empty; `words` are the tool's own. */
  readonly message: (what: string, detail: string, words: string) => string;
}

/** What the cause of a command's failure means for an admin; undefined when it is nothing known. */
export function explainBy(
  failures: readonly KnownFailure[],
  what: string,
  { exitCode, stderr }: CommandFailure,
): AppError | undefined {
  const { text, number, words } = readComplaint(stderr);
  for (const { pattern, numbers, code, obstacle, message } of failures) {
    const matched = pattern?.exec(text);
    if (!matched && (number === null || !numbers?.includes(number))) continue;
    const details = { exitCode, stderr, ...(obstacle === undefined ? {} : { obstacle }) };
    return new AppError(code, message(what, matched?.[1] ?? '', words), { details });
  }
  return undefined;
}
