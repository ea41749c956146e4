import { AppError } from '../../errors.ts';

/** The error of a dump whose end was not seen. */
export function incomplete(what: string, found: string, bytes: number): AppError {
  return new AppError(
    'dump_incomplete',
    `The ${what} is not whole: ${found}, after ${bytes} bytes. Nothing of it was kept. Run the backup again; ` +
      'if it stays so, look at the log of the database server and the free memory and disk of the host.',
    { details: { bytes } },
  );
}
