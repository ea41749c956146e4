import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import type { RunContext, RunKind, RunNote } from '../../src/runs/kind.ts';
import { createRunLogs } from '../../src/runs/node/keep-logs.ts';
import { runLogOf } from '../../src/runs/stored-log.ts';
import { insertBackup, runOf } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

const NOW = new Date('2026-02-28T23:59:59.000Z');

/** One after the other, so that no two lines have the same instant. */
function clocks() {
  let ms = 0;
  const pass = (by: number) => {
    ms += by;
    return ms;
  };
  return { now: () => new Date(NOW.getTime() + pass(1)), uptimeMs: () => pass(1), pass };
}

interface World {
  readonly db: Db;
  readonly logs: ReturnType<typeof createRunLogs>;
  readonly clock: ReturnType<typeof clocks>;
  readonly printed: string[];
}

function open(db: Db): World {
  const clock = clocks();
  const printed: string[] = [];
  const log = createLog('info', (line) => printed.push(line), clock.now);
  return { db, clock, printed, logs: createRunLogs({ db, log, ...clock }) };
}

async function insertRun(db: Db): Promise<RunRow> {
  return runOf(db, await insertBackup(db, NOW, { status: 'in_progress', outcome: null }));
}

const become = async (db: Db, { id }: RunRow, values: Partial<RunRow>) => {
  await db.updateTable('runs').set(values).where('id', '=', id).execute();
};

/** Works as it is told, as the worker would have it. */
function kindOf({ logs }: World, work: (run: RunRow, context: RunContext) => Promise<void>) {
  const kind: RunKind = {
    words: { noun: 'backup', cancelled: 'It was cancelled.', stopped: 'It was stopped.' },
    ...{ isLimited: true, first: { step: 'connect', progress: 10 } },
    run: work,
    repair: (run) => work(run, CONTEXT),
  };
  return logs.kinds({ backup: kind }).backup ?? kind;
}

const CONTEXT: RunContext = {
  claim: { runId: 'x', claimedBy: 'me' },
  signal: new AbortController().signal,
  follow: () => undefined,
  hold: async () => undefined,
  keepNote: async () => undefined,
};

const said = async (db: Db, { id }: RunRow) =>
  (await runLogOf(db, id)).map(({ level, message, details }) => `${level} ${message} ${details}`.trim());

describe.each(STATES)('what runs say, on %s', (state) => {
  it('is kept with each of them, be they at work at once, and nothing of them with what is no run', async () => {
    const db = await openState(state);
    const world = open(db);
    const { log } = world.logs;
    const runs = [await insertRun(db), await insertRun(db)];
    const kind = kindOf(world, async (run) => {
      const name = run.id === runs[0]?.id ? 'one "ü" 🗝' : 'two';
      log.debug('begins', { name });
      for (let n = 0; n < 3; n += 1) {
        await setImmediate();
        log.warn('the storage failed, trying again', { status: 503, attempt: n, runId: run.id });
      }
      await become(db, run, { state: 'completed' });
    });
    log.warn('nobody runs yet');
    await Promise.all(runs.map((run) => kind.run(run, CONTEXT)));
    log.warn('nobody runs any more');
    for (const [n, name] of ['"one \\"ü\\" 🗝"', 'two'].entries()) {
      const run = runs[n];
      expect(run === undefined ? [] : await said(db, run)).toEqual([
        'info began attempt=1',
        `debug begins name=${name}`,
        ...[0, 1, 2].map((attempt) => `warn the storage failed, trying again status=503 attempt=${attempt}`),
        expect.stringMatching(/^info completed seconds=[\d.]+$/),
      ]);
    }
    // The log of the app has its own level, and the same lines.
    expect(world.printed.filter((line) => line.includes('trying again')).length).toBe(6);
    expect(world.printed.join()).not.toContain('begins');
    await db.destroy();
  });

  it('has the steps when they began, why it failed, and goes on after a repair', async () => {
    const db = await openState(state);
    const world = open(db);
    const run = await insertRun(db);
    await kindOf(world, async () => become(db, run, { state: 'uncertain' })).run(run, CONTEXT);
    const uncertain = await runOf(db, { id: run.id });
    const before = await said(db, run);
    // A look that finds nothing out says nothing.
    await kindOf(world, async () => undefined).repair(uncertain, CONTEXT);
    expect(await said(db, run)).toEqual(before);
    const detail = JSON.stringify({
      steps: [
        { step: 'connect', afterMs: 0 },
        { step: 'dump', afterMs: 1 },
      ],
    });
    const error = JSON.stringify({ message: 'says <no>', stderr: 'FATAL: "ä"', step: 'dump' });
    await kindOf(world, async () => become(db, run, { state: 'failed', detail, error })).repair(
      uncertain,
      CONTEXT,
    );
    expect(await said(db, run)).toEqual([
      ...['info began attempt=1', 'info step: connect', 'info step: dump'],
      expect.stringMatching(/^warn uncertain seconds=[\d.]+$/),
      'warn failed says="says <no>" stderr="FATAL: \\"ä\\""',
    ]);
    await db.destroy();
  });

  it('has the steps of a run that died when they began, once, however late and often it is repaired', async () => {
    const db = await openState(state);
    const world = open(db);
    const inserted = await insertRun(db);
    const startedAt = new Date(NOW.getTime() - 3_600_000);
    await become(db, inserted, { started_at: startedAt.toISOString() });
    const run = await runOf(db, { id: inserted.id });
    const detail = JSON.stringify({
      steps: [
        { step: 'connect', afterMs: 0 },
        { step: 'dump "ü"', afterMs: 90_000 },
      ],
    });
    await kindOf(world, async () => become(db, run, { state: 'uncertain', detail })).repair(run, CONTEXT);
    const steps = async () =>
      (await runLogOf(db, run.id)).flatMap(({ at, message }) =>
        message.startsWith('step: ') ? [[at, message]] : [],
      );
    const wanted = [
      [startedAt.toISOString(), 'step: connect'],
      [new Date(startedAt.getTime() + 90_000).toISOString(), 'step: dump "ü"'],
    ];
    expect(await steps()).toEqual(wanted);
    const uncertain = await runOf(db, { id: run.id });
    await kindOf(world, async () => become(db, run, { state: 'completed' })).repair(uncertain, CONTEXT);
    expect(await steps()).toEqual(wanted);
    expect(await said(db, run)).toEqual([
      ...['info step: connect', 'info step: dump "ü"', 'warn uncertain', 'info completed'],
    ]);
    await db.destroy();
  });

  it('has the steps of each time that it was begun', async () => {
    const db = await openState(state);
    const world = open(db);
    const run = await insertRun(db);
    const detail = JSON.stringify({ steps: [{ step: 'connect', afterMs: 1 }] });
    await kindOf(world, async () => become(db, run, { state: 'pending', detail })).run(run, CONTEXT);
    const startedAt = world.clock.now().toISOString();
    await become(db, run, { state: 'running', started_at: startedAt, attempts: 2 });
    const again = await runOf(db, { id: run.id });
    await kindOf(world, async () => become(db, run, { state: 'uncertain' })).run(again, CONTEXT);
    const uncertain = await runOf(db, { id: run.id });
    await kindOf(world, async () => become(db, run, { state: 'completed' })).repair(uncertain, CONTEXT);
    const lines = await said(db, run);
    expect(lines.filter((line) => line === 'info step: connect').length).toBe(2);
    expect(lines.at(-1)).toBe('info completed');
    await db.destroy();
  });

  it('is kept while it goes on, so that a kill leaves it', async () => {
    const db = await openState(state);
    const world = open(db);
    const run = await insertRun(db);
    let note: (() => RunNote) | undefined;
    const kind = kindOf(world, async (_, { follow }) => {
      follow(() => ({ step: 'dump', progress: 30 }));
      world.logs.log.info('half of it is done');
      world.clock.pass(60_000);
      note?.();
      for (;;) {
        await setImmediate();
        const lines = await said(db, run);
        if (lines.length > 0) break;
      }
      expect(await said(db, run)).toEqual(['info began attempt=1', 'info half of it is done']);
    });
    await kind.run(run, {
      ...CONTEXT,
      follow: (of) => {
        note = of;
      },
    });
    await db.destroy();
  });

  it('goes with the run, and harms none where it can’t be kept', async () => {
    const db = await openState(state);
    const world = open(db);
    const run = await insertRun(db);
    const kind = kindOf(world, async () => become(db, run, { state: 'completed' }));
    await kind.run(run, CONTEXT);
    expect((await said(db, run)).length).toBe(2);
    const count = async () => (await db.selectFrom('run_logs').select('run_id').execute()).length;
    expect(await count()).toBe(1);
    await db.deleteFrom('runs').where('id', '=', run.id).execute();
    expect(await count()).toBe(0);
    // Its run is gone: nothing is kept, and nothing fails.
    await kind.run(run, CONTEXT);
    expect(await count()).toBe(0);

    const other = await insertRun(db);
    await db.schema.alterTable('run_logs').renameTo('away').execute();
    await kindOf(world, async () => become(db, other, { state: 'completed' })).run(other, CONTEXT);
    expect((await runOf(db, { id: other.id })).state).toBe('completed');
    expect(world.printed.join()).toContain('the log of a run could not be kept with it');
    const thrown = new Error('its outcome could not be written');
    const failing = kindOf(world, async () => Promise.reject(thrown));
    await expect(failing.run(other, CONTEXT)).rejects.toBe(thrown);
    await db.schema.alterTable('away').renameTo('run_logs').execute();
    await db.destroy();
  });

  it('is not written over where what was said before could not be read for a moment', async () => {
    const db = await openState(state);
    const world = open(db);
    const run = await insertRun(db);
    const log = (message: string) => async () => world.logs.log.info(message);
    await kindOf(world, log('at first "ü" 🦦')).run(run, CONTEXT);
    await db.schema.alterTable('run_logs').renameTo('away').execute();
    const later = kindOf(world, async () => {
      await db.schema.alterTable('away').renameTo('run_logs').execute();
      await log('and then')();
      await become(db, run, { state: 'failed' });
    });
    await later.repair(run, CONTEXT);
    expect(await said(db, run)).toEqual([
      expect.stringMatching(/^info began/),
      'info at first "ü" 🦦',
      'info and then',
      'warn failed',
    ]);
    expect(world.printed.join()).toContain('the log of a run could not be read');
    await db.destroy();
  });
});
