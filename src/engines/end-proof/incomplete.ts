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

/** The error of a dump with a row that no program would read back. */
export function unrestorable(what: string, bytes: number, reader: string, limit: number): AppError {
  return new AppError(
    'dump_failed',
    `The ${what} has a statement of ${bytes} bytes, and ${reader} takes none of more than ${limit}: the backup could not be ` +
      'restored, so it was not kept. Take that value out of the database, such as into a file, or store it in pieces.',
    { details: { bytes, limit } },
  );
}
