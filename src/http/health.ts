import { type AppError, toAppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { tryToSave } from '../settings/try-to-save.ts';

/** So long an answer counts, however often it is asked for. */
const GOOD_FOR_MS = 5_000;
const BAD_FOR_MS = 1_000;
/** Less than health checks wait. */
const PATIENCE_MS = 2_000;

/**
 * Whether anything can be saved, found out by saving something: gives null, or why not. One row is written, at most every
 * few seconds; who asks meanwhile gets the same answer.
 */
export function createHealth({
  db,
  now,
  log,
}: Pick<Services, 'db' | 'now' | 'log'>): () => Promise<AppError | null> {
  let answer: { readonly trouble: AppError | null; readonly until: number } | undefined;
  let asking: Promise<AppError | null> | undefined;

  async function ask(): Promise<AppError | null> {
    const trouble = await tryToWrite();
    if (trouble !== null && answer?.trouble?.message !== trouble.message)
      log.warn('nothing can be saved', { error: trouble });
    if (trouble === null && answer?.trouble) log.info('things can be saved again');
    answer = { trouble, until: performance.now() + (trouble === null ? GOOD_FOR_MS : BAD_FOR_MS) };
    return trouble;
  }

  async function tryToWrite(): Promise<AppError | null> {
    try {
      await tryToSave(db, now(), PATIENCE_MS);
      return null;
    } catch (error) {
      return toAppError(error);
    }
  }

  return async () => {
    if (answer !== undefined && performance.now() < answer.until) return answer.trouble;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
