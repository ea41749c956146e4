import { AppError } from '../errors.ts';

export interface TimeLimit {
  /** Aborts with the caller's signal, and with `over` when the time is up. */
  readonly signal: AbortSignal;
  /** Notes what is done from now on, as it stands in the message: `at HeadBucket`, `while storing an object`. */
  enter(step: string): void;
  /** Null until the time is up. */
  over(): AppError | null;
  /** Lets go of the timer; to be called in the end. */
  end(): void;
}

/**
 * A limit to all that is done together with a storage. Each request has a limit of its own, but a storage that drips its
 * answers could be asked one thing after the other for hours.
 */
export function timeLimit(signal: AbortSignal, limitMs: number, what: string): TimeLimit {
  const late = new AbortController();
  let step = 'at its beginning';
  let over: AppError | null = null;
  const timer = setTimeout(() => {
    const message = `${what} took longer than ${duration(limitMs)} and was ended ${step}: the storage, or something between it and this machine, is too slow.`;
    over = new AppError('storage_unreachable', message);
    late.abort(over);
  }, limitMs);
  return {
    signal: AbortSignal.any([signal, late.signal]),
    enter: (next) => {
      step = next;
    },
    over: () => (signal.aborted ? null : over),
    end: () => clearTimeout(timer),
  };
}

function duration(ms: number): string {
  if (ms < 120_000) return `${ms / 1000} seconds`;
  return `${Math.round(ms / 60_000)} minutes`;
}
