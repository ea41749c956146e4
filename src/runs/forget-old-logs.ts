import { breathe } from '../breathe.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';

const KEPT_MS = 90 * 86_400_000;
/** Runs that are looked at in one piece. */
const AT_ONCE = 500;

/**
 * Forgets what completed runs said that were asked for more than 90 days ago. What others said stays as long as they: why one failed
 * may be asked for years later.
 */
export async function forgetOldLogs({ db, now }: Context, signal?: AbortSignal): Promise<void> {
  const before = new Date(now().getTime() - KEPT_MS).toISOString();
  let after: Place = { created_at: '', id: '' };
  while (!signal?.aborted) {
    const runs = await pageOf(db, after, before);
    const said = runs.flatMap(({ run_id: runId }) => (runId === null ? [] : [runId]));
    if (said.length > 0) {
      await write(db, (trx) => trx.deleteFrom('run_logs').where('run_id', 'in', said).execute());
    }
    after = runs.at(-1) ?? after;
    if (runs.length < AT_ONCE) break;
    await breathe();
  }
}

interface Place {
  readonly created_at: string;
  readonly id: string;
}

/** Completed runs in the order of their index, each with the key of its log, if it has one. */
function pageOf(db: Db, { created_at, id }: Place, before: string) {
  return db
    .selectFrom('runs')
    .leftJoin('run_logs', 'run_logs.run_id', 'runs.id')
    .select(['runs.id', 'runs.created_at', 'run_logs.run_id'])
    .where('runs.state', '=', 'completed')
    .where('runs.created_at', '>=', created_at)
    .where('runs.created_at', '<', before)
    .where((eb) => eb.or([eb('runs.created_at', '>', created_at), eb('runs.id', '>', id)]))
    .orderBy('runs.created_at')
    .orderBy('runs.id')
    .limit(AT_ONCE)
    .execute();
}
