import { AppError } from '../errors.ts';

/**
 * The value as one word of a POSIX shell, whatever it holds: `it's` becomes `'it'\''s'`. NUL, which no argument can
 * carry, is refused with `invalid`. A value that starts with a dash stays an option to the command that gets it:
 * write `--` or `--name=` before it.
 */
export function quote(value: string): string {
  return `'${withoutNul(value).replaceAll("'", "'\\''")}'`;
}

/**
 * As `quote`, for a login shell that may be none of POSIX: fish reads backslashes in single quotes, too, and in double
 * quotes as all do.
 */
export function quoteForAnyShell(value: string): string {
  return `'${withoutNul(value).replaceAll("'", `'"'"'`).replaceAll('\\', `'"\\\\"'`)}'`;
}

function withoutNul(value: string): string {
  if (!value.includes('\0')) return value;
  throw new AppError('invalid', 'A value for a command holds a NUL character; remove it.');
}
