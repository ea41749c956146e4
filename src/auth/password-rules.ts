import * as z from 'zod';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Passwords } from './passwords.ts';

/** What existing clients of the API rely on, and what a person is asked for at a page. */
const LEAST = { api: 8, page: 12 } as const;

/** The characters that a new password has at least, typed at a page or sent to the API; PASSWORD_MIN_LENGTH raises both. */
export function leastPassword(config: Pick<Config, 'passwordMinLength'>, door: 'api' | 'page'): number {
  return Math.max(LEAST[door], config.passwordMinLength ?? 0);
}

/** A new password. */
export function newPasswordField(config: Pick<Config, 'passwordMinLength'>, door: 'api' | 'page') {
  return z.string().min(leastPassword(config, door)).max(1024);
}

/** Throws `invalid`, naming the field, for a password that everybody tries first: a common one, or the account's own email. */
export async function refuseGuessable(
  passwords: Passwords,
  password: string,
  { email, field }: { readonly email: string; readonly field: string },
): Promise<void> {
  const isEmail = password.trim().toLowerCase() === email.toLowerCase();
  if (!isEmail && !(await passwords.isCommon(password))) return;
  const what = isEmail
    ? 'This is the email of the account, which is tried first.'
    : 'This is one of the 10,000 most common passwords, which are tried first.';
  throw new AppError('invalid', `${what} Choose another one.`, { details: { field } });
}
