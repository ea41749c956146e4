import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { type RunLogLine, readRunLog } from './run-log.ts';

/** A log is worth no more than that: the run, or the start of the next one, waits for it. */
const PATIENCE_MS = 1_000;

/** What a run has said, as far as it is kept: of one that goes on, some seconds ago. */
export async function runLogOf(db: Db, runId: string): Promise<readonly RunLogLine[]> {
  return readRunLog(await storedLog(db, runId));
}

/** As it is stored; empty where nothing is. */
export async function storedLog(db: Db, runId: string): Promise<string> {
  const row = await db.selectFrom('run_logs').select('lines').where('run_id', '=', runId).executeTakeFirst();
  return row?.lines ?? '';
}

/** Keeps it with its run; of a run that is gone, nothing. Throws `unavailable` where nothing can be saved. */
export async function saveLog(db: Db, runId: string, lines: string): Promise<void> {
  await write(
    db,
    (trx) =>
      trx
        .insertInto('run_logs')
        .columns(['run_id', 'lines'])
        .expression((eb) =>
          eb
            .selectFrom('runs')
            .select((of) => ['runs.id', of.val(lines).as('lines')])
            .where('runs.id', '=', runId),
        )
        .onConflict((conflict) => conflict.column('run_id').doUpdateSet({ lines }))
        .execute(),
    { patienceMs: PATIENCE_MS },
  );
}
