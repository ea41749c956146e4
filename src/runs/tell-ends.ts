import type { Db, RunEnd, RunKindName } from '../db/schema.ts';
import type { Log } from '../log.ts';
import type { RunKind, RunKinds } from './kind.ts';

/** A run that is over. */
export interface RunOver {
  readonly kind: RunKindName;
  readonly state: RunEnd;
  readonly step: string | null;
}

/** The same kinds, of which each run that ended here, by itself or by a repair, is told. What goes wrong with that is the log's alone. */
export function tellingEnds(
  kinds: RunKinds,
  { db, log }: { readonly db: Db; readonly log: Log },
  tell: (run: RunOver) => void,
): RunKinds {
  async function tellOf(runId: string): Promise<void> {
    try {
      const row = await db
        .selectFrom('runs')
        .select(['kind', 'state', 'step'])
        .where('id', '=', runId)
        .executeTakeFirst();
      if (row === undefined || !isOver(row)) return;
      tell(row);
    } catch (error) {
      log.debug('it could not be counted how a run ended', { runId, error });
    }
  }
  const telling = (kind: RunKind): RunKind => ({
    ...kind,
    async run(run, context) {
      await kind.run(run, context);
      await tellOf(run.id);
    },
    async repair(run, context) {
      await kind.repair(run, context);
      await tellOf(run.id);
    },
  });
  return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, telling(kind)]));
}

const ENDS: readonly string[] = ['completed', 'failed', 'cancelled', 'interrupted'] satisfies RunEnd[];

function isOver(row: {
  readonly kind: RunKindName;
  readonly state: string;
  readonly step: string | null;
}): row is RunOver {
  return ENDS.includes(row.state);
}
