import { AppError, type ErrorCode } from '../errors.ts';
import type { CommandFailure } from './engine.ts';

/** A failure that the tools of an engine tell in words of their own. */
export interface KnownFailure {
  /** Of their stderr under LC_ALL=C; what a server sends may be in its own language. */
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** `detail` is what the pattern's first group matched, or empty. */
  readonly message: (what: string, detail: string) => string;
}

/** The first of them that a command's stderr tells, as an error for an admin; undefined when it says nothing known. */
export function explainBy(
  failures: readonly KnownFailure[],
  what: string,
  { exitCode, stderr }: CommandFailure,
): AppError | undefined {
  const known = failures.find(({ pattern }) => pattern.test(stderr));
  if (known === undefined) return undefined;
  const detail = known.pattern.exec(stderr)?.[1] ?? '';
  return new AppError(known.code, known.message(what, detail), {
    details: { exitCode, stderr: stderr.slice(-2000) },
  });
}
