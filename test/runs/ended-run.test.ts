import { expect, it } from 'vitest';
import { write } from '../../src/db/write.ts';
import { createLog } from '../../src/log.ts';
import { endRun } from '../../src/runs/claim.ts';
import type { RunContext, RunKind } from '../../src/runs/kind.ts';
import { createWorker } from '../../src/runs/worker.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const ends = [
  ['has just ended goes on to its end', null],
  ['another process has taken over is ended, and says so', 'another'],
] as const;

it.each(ends)('a run that %s', async (_name, takenBy) => {
  const db = await openTestDatabase();
  const lines: string[] = [];
  let looks = 0;
  const now = () => {
    looks += 1;
    return new Date();
  };
  const log = createLog('debug', (line) => lines.push(line), now);
  const { id } = await insertBackup(db, now(), { status: 'pending', outcome: null });
  let signal: AbortSignal | undefined;
  let isOver = false;
  const run = async (_row: unknown, context: RunContext) => {
    signal = context.signal;
    await write<unknown>(db, (trx) =>
      takenBy === null
        ? endRun(trx, context.claim, { state: 'completed', at: now(), error: null, step: null })
        : trx.updateTable('runs').set({ claimed_by: takenBy }).where('id', '=', id).execute(),
    );
    const from = looks;
    await until('some rounds', 5_000, () => looks > from + 20 || context.signal.aborted);
    isOver = true;
  };
  const words = { noun: 'backup', cancelled: 'cancelled', stopped: 'stopped' };
  const kind: RunKind = {
    ...{ isLimited: false, words, first: { step: 'x', progress: 0 } },
    ...{ run, repair: async () => undefined },
  };
  const limits = async () => ({ total: 1, perServer: 1 });
  const worker = createWorker({ db, log, now }, { backup: kind }, { limits, tickMs: 5 });
  worker.start();
  await until('the run to be over', 10_000, () => isOver);
  await worker.stop(5_000);
  const said = lines.filter((line) => line.includes('no longer its own'));
  expect([signal?.reason?.code, said.length]).toEqual(takenBy === null ? [undefined, 0] : ['superseded', 1]);
  await db.destroy();
});
