import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import type { RunContext, RunKind } from '../../src/runs/kind.ts';
import { createWorker } from '../../src/runs/worker.ts';
import type { Worker } from '../../src/runs/worker-port.ts';
import { insertBackup, runOf } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { until } from '../support/until.ts';

const LEASE_MS = 60_000;
const WORDS = { noun: 'backup', cancelled: 'It was cancelled.', stopped: 'It was stopped.' };
const ANOTHER = 'another process 😀';

afterAll(dropStates);

describe.each(STATES)('the claim of a run that goes on, on %s,', (state) => {
  let db: Db;
  let id: string;
  let worker: Worker;
  beforeEach(async () => {
    db = await openState(state);
    ({ id } = await insertBackup(db, new Date(), { status: 'pending', outcome: null }));
  });
  afterEach(async () => {
    await worker.stop(5_000);
    await db.destroy();
  });

  /** Begins it in a worker of that round, and gives what its kind was handed; it goes on until it is ended. */
  async function begin(tickMs: number): Promise<RunContext> {
    let handed: RunContext | undefined;
    const kind: RunKind = {
      ...{ isLimited: true, words: WORDS, first: { step: 'connect', progress: 10 } },
      async run(_, context) {
        handed = context;
        await new Promise((done) => context.signal.addEventListener('abort', done, { once: true }));
      },
      repair: async () => undefined,
    };
    const now = () => new Date();
    const log = createLog('error', () => undefined, now);
    worker = createWorker(
      { db, log, now },
      { backup: kind },
      {
        ...{ tickMs, leaseMs: LEASE_MS },
        limits: async () => ({ total: 1, perServer: 1 }),
      },
    );
    worker.start();
    return until('the run to begin', 20_000, () => handed);
  }

  const change = (values: Partial<RunRow>) =>
    db.updateTable('runs').set(values).where('id', '=', id).execute();
  const run = () => runOf(db, { id });

  it('is renewed right now before what can not be undone, and ends it where another process has it', async () => {
    const { hold, signal } = await begin(600_000);
    // Nearer than a lease, and over for no machine that is busy: the end of a run has repairs looked for.
    const soon = new Date(Date.now() + LEASE_MS / 2).toISOString();
    await change({ lease_until: soon });
    await hold();
    expect(String((await run()).lease_until) > soon).toBe(true);

    await change({ claimed_by: ANOTHER, lease_until: soon });
    await expect(hold()).rejects.toMatchObject({ code: 'superseded' });
    expect(signal.aborted).toBe(true);
    expect(await run()).toMatchObject({ claimed_by: ANOTHER, lease_until: soon, state: 'running' });
  });

  it('that another process has is renewed in no round: the run ends', async () => {
    const { signal } = await begin(20);
    const until30s = new Date(Date.now() + 30_000).toISOString();
    await change({ claimed_by: ANOTHER, lease_until: until30s });
    await until('the run to be ended', 20_000, () => signal.aborted);
    expect(signal.reason).toMatchObject({ code: 'superseded' });
    expect(await run()).toMatchObject({ claimed_by: ANOTHER, lease_until: until30s, state: 'running' });
  });
});
