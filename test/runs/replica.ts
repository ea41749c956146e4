import { sql } from 'kysely';
import { openPostgres } from '../../src/db/node/postgres.ts';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { createLog } from '../../src/log.ts';
import { endRun, isOwn, type RunClaim } from '../../src/runs/claim.ts';
import type { RunKind } from '../../src/runs/kind.ts';
import { createWorker } from '../../src/runs/worker.ts';

/**
 * A process with a worker of its own, for `replicas.test.ts`: its clock is off by SKEW_MS. It says when it is ready, and works once it
 * is sent a message. What it takes is written to the table `taken`, with how many ran as the claim's own transaction saw it.
 */

const db = openPostgres(process.env['DATABASE_URL'] ?? '');
const skewMs = Number(process.env['SKEW_MS']);
const now = () => new Date(Date.now() + skewMs);
const log = createLog('warn', (line) => process.stderr.write(`${line}\n`), now);

const kind: RunKind = {
  isLimited: true,
  words: { noun: 'run', cancelled: 'cancelled', stopped: 'stopped' },
  first: { step: 'work', progress: 1 },
  async begin(trx, run) {
    const rows = await trx
      .selectFrom('runs')
      .select(['server_id'])
      .where('state', '=', 'running')
      .where('in_repair', '=', 0)
      .execute();
    const onServer = rows.filter((row) => row.server_id === run.server_id).length;
    await trx
      .insertInto('taken' as never)
      .values({ ...taken(run, 'run'), total: rows.length, on_server: onServer } as never)
      .execute();
  },
  run: (run, { claim }) => end(db, run, claim, 'completed'),
  async repair(run, { claim }) {
    await write(db, (trx) =>
      trx
        .insertInto('taken' as never)
        .values(taken(run, 'repair') as never)
        .execute(),
    );
    await end(db, run, claim, 'interrupted');
  },
};

function taken({ id }: RunRow, what: 'run' | 'repair') {
  return { run_id: id, what, by_process: process.pid, total: 0, on_server: 0 };
}

async function end(db: Db, run: RunRow, claim: RunClaim, state: 'completed' | 'interrupted'): Promise<void> {
  await write(db, async (trx) => {
    if (!(await isOwn(trx, claim))) throw new Error(`${run.id} is another's`);
    await endRun(trx, claim, { state, at: now(), error: null, step: null });
  });
}

const worker = createWorker(
  { db, log, now },
  { backup: kind },
  {
    tickMs: 100,
    limits: async () => ({ total: 12, perServer: 2 }),
  },
);
// What costs a process most is to be loaded and to connect: whoever has several of them starts them all at once after it.
await sql`select 1`.execute(db);
process.once('message', () => worker.start());
process.send?.('ready');
process.on('disconnect', async () => {
  await worker.stop(5_000);
  await db.destroy();
  process.exit(0);
});
