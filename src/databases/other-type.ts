import type { DatabaseRow, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';

/**
 * By the type of its database it is known what a dump must end with: whole backups of another one would count as damaged. Throws
 * `conflict` while there are any that people can see.
 */
export async function refuseOtherType(trx: Trx, { id, type }: DatabaseRow, other: string): Promise<void> {
  const stored = await trx
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', id)
    .where('deleted_at', 'is', null)
    .where((eb) => eb.or([eb('status', 'in', ['completed', 'in_progress']), eb('outcome', '=', 'uncertain')]))
    .limit(1)
    .executeTakeFirst();
  if (stored === undefined) return;
  throw new AppError(
    'conflict',
    `This database has backups of ${type}, which could neither be read in full nor restored as backups of ${other}. Register it once more, as a database of ${other}, and keep this one for as long as its backups are needed.`,
    { details: { field: 'type' } },
  );
}
