import { AppError, type ErrorCode, type ErrorDetails, toAppError } from '../errors.ts';
import type { Leftover } from './object-store.ts';

/**
 * A store's failure that left something behind, or may have: clean-up was refused or impossible, or the storage may still
 * make it of a request that was given up. Whoever catches it sees to it that the leftover is removed later.
 */
export class StoreFailure extends AppError {
  readonly leftover: Leftover;

  constructor(
    code: ErrorCode,
    message: string,
    options: { leftover: Leftover; details?: ErrorDetails; cause?: unknown },
  ) {
    super(code, message, options);
    this.leftover = options.leftover;
  }
}

/** The same failure, which is its cause, with what was left after it; a leftover that it had already gives way. */
export function leaving(error: unknown, leftover: Leftover, message?: string): StoreFailure {
  const known = toAppError(error);
  const options = { leftover, details: known.details, cause: error };
  return new StoreFailure(known.code, message ?? known.message, options);
}

/** What the failure left behind, or undefined where it left nothing. */
export function leftoverOf(error: unknown): Leftover | undefined {
  return error instanceof StoreFailure ? error.leftover : undefined;
}
