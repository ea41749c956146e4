import type { FormState } from '../../../../views/parts/form-state.ts';
import { type ErrorCode, type InputIssue, isAppError } from '../../../errors.ts';
import type { FormBody } from './form-body.ts';

/** Failures that the person at the form can mend: shown in the form, with 422. Everything else is a page. */
const MENDABLE: readonly ErrorCode[] = [
  'invalid',
  'conflict',
  'readonly_field',
  'unauthorized',
  'host_path_refused',
];

/** A form as it was sent, with what the schema found wrong beside each field. Secrets are left out of `values`. */
export function refusedForm(
  body: FormBody,
  issues: readonly InputIssue[],
  secrets: readonly string[] = [],
): FormState {
  const errors: Record<string, string> = {};
  for (const issue of issues) {
    const field = issue.path.join('.');
    errors[field] ??= explain(issue);
  }
  const { '': message = null, ...byField } = errors;
  return { values: withoutSecrets(body, secrets), errors: byField, message, ...seenIn(body) };
}

/**
 * A form as it was sent, with the failure above its fields or beside the one that it names.
 * Throws the error again when the person at the form can't mend it.
 */
export function failedForm(body: FormBody, error: unknown, secrets: readonly string[] = []): FormState {
  if (!isAppError(error, ...MENDABLE)) throw error;
  const values = withoutSecrets(body, secrets);
  const { issues, field } = error.details;
  if (issues !== undefined) return refusedForm(body, issues, secrets);
  if (field === undefined) return { values, errors: {}, message: error.message, ...seenIn(body) };
  return { values, errors: { [field]: error.message }, message: null, ...seenIn(body) };
}

/** What the form showed when it was opened stays what it showed. */
function seenIn({ seen }: FormBody): Pick<FormState, 'seen'> {
  return seen === undefined ? {} : { seen };
}

/**
 * Marks the secrets that were typed, since they are never sent back. For forms where a secret left blank is taken: there
 * the form sent again would quietly keep what is stored, or nothing at all.
 */
export function askAgain(form: FormState, body: FormBody, secrets: readonly string[]): FormState {
  const typed = secrets.filter((name) => (body[name] ?? '').trim() !== '');
  const again = Object.fromEntries(typed.map((name) => [name, TYPE_AGAIN]));
  return { ...form, errors: { ...again, ...form.errors } };
}

/** Beside a secret that was typed. */
export const TYPE_AGAIN = 'Type it again: what is typed here is never sent back.';

function withoutSecrets(body: FormBody, secrets: readonly string[]): FormBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !secrets.includes(name)));
}

/** zod's words are for programmers; these are for people. */
function explain(issue: InputIssue): string {
  if (issue.code === 'invalid_type') return 'Please fill this in.';
  if (issue.code === 'invalid_format' && issue.format === 'email') return 'Enter an email address.';
  if (issue.code === 'invalid_value') return 'Choose one of the list.';
  if (issue.code === 'too_small' && issue.origin === 'string') {
    return issue.minimum === 1 ? 'Please fill this in.' : `Enter at least ${issue.minimum} characters.`;
  }
  if (issue.code === 'too_small') return `Enter at least ${issue.minimum}.`;
  if (issue.code === 'too_big' && issue.origin === 'string')
    return `Enter at most ${issue.maximum} characters.`;
  if (issue.code === 'too_big') return `Enter at most ${issue.maximum}.`;
  return issue.message;
}
