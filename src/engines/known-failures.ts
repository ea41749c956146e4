import { AppError, type ErrorCode } from '../errors.ts';
import { readComplaint } from './complaint.ts';
import type { CommandFailure } from './engine.ts';
import type { RestoreObstacle } from './restore.ts';

/** A failure that the tools of an engine tell in words, by a number of their own or by an SQLSTATE; either is enough. */
export interface KnownFailure {
  /** Of the complaint that tells the cause (`readComplaint`). */
  readonly pattern?: RegExp;
  /** Of MySQL's tools. A server may word its messages in its own language, and names may look like numbers. */
  readonly numbers?: readonly number[];
  /** Of psql's. Beside a pattern they say which it may be, where there is one: a name may look like words. */
  readonly states?: readonly string[];
  readonly code: ErrorCode;
  /** Of a restore. */
  readonly obstacle?: RestoreObstacle;
  /** Of the form, or the body, that it is about. */
  readonly field?: string;
  /** `detail` is what the pattern's first group matched, or empty; `words` are the tool's own. */
  readonly message: (what: string, detail: string, words: string) => string;
}

/** What the cause of a command's failure means for an admin; undefined when it is nothing known. */
export function explainBy(
  failures: readonly KnownFailure[],
  what: string,
  { exitCode, stderr }: CommandFailure,
): AppError | undefined {
  const { message: said, number, state, words } = readComplaint(stderr);
  for (const { pattern, numbers, states, code, obstacle, field, message } of failures) {
    const isState = state !== null && states !== undefined ? states.includes(state) : null;
    const matched = isState === false ? null : pattern?.exec(said);
    const isNumber = number !== null && numbers?.includes(number) === true;
    if (!matched && !isNumber && !(isState === true && pattern === undefined)) continue;
    const details = {
      exitCode,
      stderr,
      ...(obstacle === undefined ? {} : { obstacle }),
      ...(field === undefined ? {} : { field }),
    };
    return new AppError(code, message(what, matched?.[1] ?? '', words), { details });
  }
  return undefined;
}
