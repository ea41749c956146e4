import type { Db, NotedTroubleRow, Trx } from '../db/schema.ts';

/** Those of that kind that were noted and last. */
export function notedTroubles(
  db: Db | Trx,
  kind: NotedTroubleRow['kind'],
): Promise<readonly NotedTroubleRow[]> {
  return db.selectFrom('noted_troubles').selectAll().where('kind', '=', kind).orderBy('id').execute();
}

/** Notes that it lasts. False where it was noted at that stage before: then nobody is told of it again. */
export async function noteTrouble(trx: Trx, trouble: NotedTroubleRow): Promise<boolean> {
  const { stage } = trouble;
  const noted = await trx
    .insertInto('noted_troubles')
    .values(trouble)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ stage }).where('noted_troubles.stage', '!=', stage),
    )
    .returning('id')
    .executeTakeFirst();
  return noted !== undefined;
}

/** Forgets that it lasted; gives what was noted, where it was. */
export function forgetTrouble(trx: Trx, id: string): Promise<NotedTroubleRow | undefined> {
  return trx.deleteFrom('noted_troubles').where('id', '=', id).returningAll().executeTakeFirst();
}

/** Of what is no more. */
export async function forgetTroubles(trx: Trx, kind: NotedTroubleRow['kind']): Promise<void> {
  await trx.deleteFrom('noted_troubles').where('kind', '=', kind).execute();
}
