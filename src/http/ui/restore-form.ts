import type { FormState } from '../../../views/parts/form-state.ts';
import { toAppError } from '../../errors.ts';
import type { FormBody } from './kit/form-body.ts';
import { failedForm } from './kit/form-failure.ts';

/** Fields of a form about restores that are never sent back. */
export const RESTORE_SECRETS = ['password'];

/** Whatever is in the way of a look or a restore is for the person at the form; what is nobody's to mend is a page. */
export function failureOfRestore(body: FormBody, error: unknown): FormState {
  const known = toAppError(error);
  if (['internal', 'not_found', 'forbidden', 'shutdown'].includes(known.code)) throw error;
  if (['invalid', 'conflict', 'host_path_refused'].includes(known.code)) {
    return failedForm(body, error, RESTORE_SECRETS);
  }
  const { password: _, ...values } = body;
  return { values, errors: {}, message: known.message };
}
