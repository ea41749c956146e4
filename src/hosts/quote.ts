import { AppError } from '../errors.ts';

/**
 * The value as one word of a POSIX shell, whatever it holds: `it's` becomes `'it'\''s'`. NUL, which no argument can
 * carry, is refused with `invalid`. A value that starts with a dash stays an option to the command that gets it:
 * write `--` or `--name=` before it.
 */
export function quote(value: string): string {
  if (value.includes('\0')) {
    throw new AppError('invalid', 'A value for a command holds a NUL character; remove it.');
  }
  return `'${value.replaceAll("'", "'\\''")}'`;
}
