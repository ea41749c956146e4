import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { AppError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import {
  createPeriodic,
  type PeriodicOptions,
  type PeriodicTask,
  pauseAfter,
} from '../../src/runs/periodic.ts';
import { openTestDatabase, setServerClock } from '../support/database.ts';
import { refuseInserts } from '../support/trigger.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;
const BEGIN = Date.parse('2026-03-04T05:06:07.890Z');

let db: Db;
let now: number;
const lines: string[] = [];
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  db = await openTestDatabase();
  now = BEGIN;
  await pass(0);
  lines.splice(0);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await db.destroy();
});

/** For the processes and for the server that they may share. */
async function pass(ms: number): Promise<void> {
  now += ms;
  await setServerClock(db, new Date(now));
}

/** A process with that task. */
function start(
  run: PeriodicTask['run'],
  options: PeriodicOptions & Partial<Pick<PeriodicTask, 'everyMs' | 'hasWork' | 'firstAfterMs'>> = {},
) {
  const clock = () => new Date(now);
  const { everyMs = HOUR, hasWork, firstAfterMs, ...rest } = options;
  const given = {
    ...(hasWork === undefined ? {} : { hasWork }),
    ...(firstAfterMs === undefined ? {} : { firstAfterMs }),
  };
  const log = createLog('debug', (line) => lines.push(line), clock);
  const periodic = createPeriodic(
    { db, log, now: clock },
    [{ name: 'sweep ü', everyMs, run, ...given }],
    rest,
  );
  periodic.start();
  stops.push(() => periodic.stop(5_000));
  return periodic;
}

const task = () => db.selectFrom('periodic_tasks').selectAll().executeTakeFirstOrThrow();

it('is done at once where it was never done, and is due again after its pause', async () => {
  let count = 0;
  start(async () => {
    count += 1;
  });
  await until('it to be done', 20_000, async () => count === 1 && (await task()).claimed_by === null);
  expect(await task()).toMatchObject({ due_at: new Date(BEGIN + HOUR).toISOString(), lease_until: null });
});

it('is not even claimed while it says that it has nothing to do', async () => {
  let looks = 0;
  let count = 0;
  let isWaiting = false;
  const run = async () => {
    count += 1;
  };
  const hasWork = async () => {
    looks += 1;
    return isWaiting;
  };
  start(run, { everyMs: 10, hasWork });
  await until('a second look', 20_000, () => looks >= 2);
  expect([count, (await task()).due_at]).toEqual([0, new Date(BEGIN).toISOString()]);
  isWaiting = true;
  await until('it to be done', 20_000, () => count === 1);
});

it('that has time is looked at some while after the start, and no sooner', async () => {
  const done: string[] = [];
  start(async () => void done.push('in an hour'), { firstAfterMs: HOUR });
  start(async () => void done.push('soon'), { firstAfterMs: 1 });
  await until('it to be done', 20_000, async () => done.length > 0);
  expect(done).toEqual(['soon']);
});

it('is done by one process at a time, and not by the next before it is due', async () => {
  let goingOn = 0;
  let most = 0;
  let count = 0;
  const run = async () => {
    goingOn += 1;
    most = Math.max(most, goingOn);
    await new Promise((resolve) => setTimeout(resolve, 3));
    goingOn -= 1;
    count += 1;
    await pass(10);
  };
  for (let process = 0; process < 4; process += 1) start(run, { everyMs: 10 });
  await until('it to be done often', 20_000, () => count > 20);
  expect(most).toBe(1);
});

it('is done also where the database could not be written at first', async () => {
  const refusal = await refuseInserts(db, 'periodic_tasks');
  let count = 0;
  const run = async () => {
    count += 1;
  };
  start(run, { listAgainMs: 20 });
  await until('the refusal', 20_000, () => lines.some((line) => line.includes('could not be listed')));
  await refusal.drop();
  await until('it to be done', 20_000, () => count === 1);
});

it('waits for no process that was there before where this one is alone', async () => {
  let count = 0;
  const run = async () => {
    count += 1;
  };
  await start(run).stop(1_000);
  await until(
    'the first',
    20_000,
    async () => (await db.selectFrom('periodic_tasks').selectAll().execute()).length === 1,
  );
  const leaseUntil = new Date(BEGIN + 20_000).toISOString();
  await db.updateTable('periodic_tasks').set({ claimed_by: 'gone', lease_until: leaseUntil }).execute();
  const before = count;
  start(run, { isAlone: true });
  await until('it to be done', 20_000, () => count === before + 1);
});

it('is left to whoever has it, and is taken over once the lease is over or lies too far ahead', async () => {
  const states = [
    { lease: BEGIN + 20_000, due: BEGIN, isDone: false },
    { lease: BEGIN - 1, due: BEGIN, isDone: true },
    { lease: BEGIN + 48 * HOUR, due: BEGIN, isDone: true },
    // The clock was set back.
    { lease: null, due: BEGIN + 48 * HOUR, isDone: true },
    { lease: null, due: BEGIN + HOUR, isDone: false },
  ];
  for (const { lease, due, isDone } of states) {
    await db.deleteFrom('periodic_tasks').execute();
    const iso = (ms: number) => new Date(ms).toISOString();
    const claim = lease === null ? {} : { claimed_by: 'another', lease_until: iso(lease) };
    await db
      .insertInto('periodic_tasks')
      .values({ name: 'sweep ü', due_at: iso(due), ...claim })
      .execute();
    let count = 0;
    let hasBegun = false;
    const hasWork = async () => {
      hasBegun = true;
      return true;
    };
    const run = async () => {
      count += 1;
    };
    const periodic = start(run, { hasWork });
    await until('a look', 20_000, () => hasBegun);
    // It ends the look, which goes on to its end.
    await periodic.stop(5_000);
    expect([lease, due, count]).toEqual([lease, due, isDone ? 1 : 0]);
  }
});

it('is renewed while it goes on, and ended where another process has it', async () => {
  let signal: AbortSignal | undefined;
  start(
    (given) => {
      signal = given;
      return new Promise((resolve) => given.addEventListener('abort', () => resolve(null)));
    },
    { leaseMs: 30 },
  );
  await until('it to begin', 20_000, () => signal !== undefined);
  const first = (await task()).lease_until;
  await pass(10);
  await until('a renewal', 20_000, async () => (await task()).lease_until !== first);
  await db.updateTable('periodic_tasks').set({ claimed_by: 'another' }).execute();
  await until('it to be ended', 20_000, () => signal?.aborted === true);
  expect(signal?.reason).toMatchObject({ code: 'superseded' });
  expect((await task()).claimed_by).toBe('another');
});

it('is ended by a stop, and what it throws is logged', async () => {
  const periodic = start(async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    signal.throwIfAborted();
  });
  await until(
    'it to begin',
    20_000,
    async () => (await db.selectFrom('periodic_tasks').selectAll().execute())[0]?.claimed_by != null,
  );
  await periodic.stop(5_000);
  expect((await task()).claimed_by).toBeNull();
  expect(lines).toEqual([]);
  await db.deleteFrom('periodic_tasks').execute();
  start(async () => {
    throw new Error('Platte voll 🐘');
  });
  await until('it to be logged', 20_000, () => lines.some((line) => line.includes('Platte voll')));
  await until('it to be free', 20_000, async () => (await task()).claimed_by === null);
});

it.each([
  ['a disk that is full is told of as no defect of ours', new AppError('unavailable', 'voll 🐘'), 'warn'],
  ['what else it throws is one', new AppError('internal', 'kaputt 🐘'), 'error'],
])('%s', async (_, problem, level) => {
  start(async () => {
    throw problem;
  });
  await until('it to be logged', 20_000, () => lines.length > 0);
  expect(lines.map((line) => JSON.parse(line).level)).toEqual([level]);
});

it('is looked at ever more rarely while it fails, at least each minute, and as usual once it did not', () => {
  const task = { everyMs: 1000 };
  expect([0, 1, 2, 3, 6, 1000].map((failures) => pauseAfter(task, 1000, failures))).toEqual([
    ...[1000, 2000, 4000, 8000],
    ...[60_000, 60_000],
  ]);
  expect(pauseAfter({ everyMs: HOUR }, HOUR, 3)).toBe(60_000);
});

it('that fails fills no log, and goes on when it can', async () => {
  const looks: number[] = [];
  let isAway = true;
  start(async () => undefined, {
    everyMs: 1,
    hasWork: async () => {
      looks.push(performance.now());
      if (isAway) throw new AppError('unavailable', 'The database is away.');
      return false;
    },
  });
  await until('seven looks', 20_000, () => looks.length >= 7);
  // Before the seventh there were pauses of 126 ms, and of 6 if none of them had grown.
  expect((looks[6] ?? 0) - (looks[0] ?? 0)).toBeGreaterThan(60);
  isAway = false;
  await until('many looks', 20_000, () => looks.length >= 12);
});
