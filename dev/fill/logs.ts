import { write } from '../../src/db/write.ts';
import { createRunLog } from '../../src/runs/run-log.ts';
import type { Services } from '../../src/services-port.ts';
import { inParts } from './in-parts.ts';

const LINES = 12;
/** Of the backups; of drills and restores each has one. */
const ONE_OF = 20;

/** What runs have said: each restore and drill, and one of twenty backups. */
export async function fillLogs({ db }: Services, random: () => number): Promise<void> {
  const runs = await db.selectFrom('runs').select(['id', 'kind', 'created_at']).orderBy('id').execute();
  const logs = runs
    .filter(({ kind }) => kind !== 'backup' || random() < 1 / ONE_OF)
    .map(({ id, created_at }) => ({ run_id: id, lines: linesFrom(created_at) }));
  await write(db, async (trx) => {
    for (const rows of inParts(logs)) await trx.insertInto('run_logs').values(rows).execute();
  });
}

function linesFrom(begin: string): string {
  const log = createRunLog();
  for (let line = 0; line < LINES; line += 1) {
    const at = new Date(Date.parse(begin) + line * 1000).toISOString();
    log.add({ at, level: 'info', message: `step ${line} of the run`, details: 'bytes=1048576 part="7"' });
  }
  return log.text();
}
