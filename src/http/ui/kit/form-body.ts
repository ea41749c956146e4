import type { Context } from 'hono';
import { AppError } from '../../../errors.ts';

/** The fields of a posted form as text; of a repeated field the last one. Files are refused. */
export type FormBody = Readonly<Record<string, string>>;

const MAX_VALUES = 1000;
const MAX_BYTES = 256 * 1024;

/** Throws `invalid` for a body that is no form of ours. */
export async function readForm(c: Context): Promise<FormBody> {
  const type = c.req.header('content-type') ?? '';
  if (type !== '' && !type.startsWith('application/x-www-form-urlencoded')) {
    throw new AppError('invalid', 'The pages take forms only. Use the API under /api for anything else.');
  }
  const text = await c.req.text();
  if (text.length > MAX_BYTES) throw new AppError('invalid', 'The form is too large.');
  if (!isReadable(text))
    throw new AppError('invalid', 'The form holds text that is not in UTF-8. Send it again.');
  return Object.fromEntries(new URLSearchParams(text));
}

/** Every value of a repeated field, such as the boxes of a list's rows. Throws `invalid` as `readForm`. */
export async function readValues(c: Context, name: string): Promise<readonly string[]> {
  await readForm(c);
  const values = new URLSearchParams(await c.req.text()).getAll(name);
  if (values.length > MAX_VALUES) throw new AppError('invalid', `Choose at most ${MAX_VALUES} at once.`);
  return [...new Set(values)];
}

/** False where reading the form would put replacement characters into what was typed, a password perhaps. */
function isReadable(form: string): boolean {
  try {
    for (const part of form.split(/[&=]/)) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** The text without spaces around it, or null for none. */
export function textOf(body: FormBody, name: string): string | null {
  const text = (body[name] ?? '').trim();
  return text === '' ? null : text;
}

/** The number, null for none; what is no number stays NaN, so that the schema refuses it. */
export function numberOf(body: FormBody, name: string): number | null {
  const text = textOf(body, name);
  if (text === null) return null;
  return /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

/** A browser sends a checkbox only when it is ticked. */
export function isTicked(body: FormBody, name: string): boolean {
  return body[name] === 'true';
}
