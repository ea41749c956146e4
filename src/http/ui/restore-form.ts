import { AppError, toAppError } from '../../errors.ts';

/** Fields of a form about restores that are never sent back. */
export const RESTORE_SECRETS = ['password'];

/** Whatever is in the way of a look or a restore is for the person at the form; what is nobody's to mend is a page. */
export function explainRestore(error: unknown): unknown {
  const { code, message } = toAppError(error);
  if (['internal', 'not_found', 'forbidden', 'shutdown'].includes(code)) return error;
  if (['invalid', 'conflict', 'host_path_refused'].includes(code)) return error;
  return new AppError('invalid', message, { cause: error });
}
