import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { parseCron } from '../../src/schedules/cron.ts';
import { runsBetween } from '../../src/schedules/next-run.ts';
import { openWorld, type World } from '../support/schedules.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

/*
 * A year of schedules under a clock that is passed in: restarts, downtime, clocks that jump, two processes that look at the
 * same time. At its end every slot has exactly one line, and none ran twice.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** It is looked so often: rarer than in life, so that a year is over in seconds. */
const STEP_HOURS = 3;

/** Six zones, each with a schedule that falls into both of its changes, and another one. */
const SCHEDULES = [
  ['Europe/Berlin', '30 2 * * *'],
  ['Europe/Berlin', '*/30 2 * * *'],
  ['America/New_York', '30 1,2 * * *'],
  ['America/New_York', '0 */8 * * *'],
  ['Australia/Lord_Howe', '45 1 * * *'],
  ['Australia/Lord_Howe', '15 2 * * SUN'],
  ['Pacific/Chatham', '0 3 * * *'],
  ['Pacific/Chatham', '30 2 1,15 * *'],
  ['Africa/Casablanca', '30 2 * * *'],
  ['Africa/Casablanca', '0 12 * * MON-FRI'],
  ['UTC', '0 0 * * *'],
  ['UTC', '5/45 6 * * *'],
] as const;

let db: Db | undefined;
afterEach(() => db?.destroy());
afterAll(() => dropStates());

/** Always the same numbers for a seed: what fails can be looked at. */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Plan {
  readonly days: number;
  readonly restarts: number;
  readonly seed: number;
}

/** Lets the time go by, with whatever may happen, and gives where it has been. */
async function live(
  world: World,
  { days, restarts, seed }: Plan,
): Promise<{ readonly until: number; readonly runs: number }> {
  const random = numbersOf(seed);
  const begin = world.now().getTime();
  const until = begin + days * DAY;
  const events = new Set(
    Array.from({ length: restarts }, (_, index) =>
      Math.floor(((index + random()) / restarts) * ((days * 24) / STEP_HOURS)),
    ),
  );
  let workers = [world.worker(), world.worker()];
  let at = begin;
  for (let step = 0; at < until; step += 1) {
    at += STEP_HOURS * HOUR;
    if (events.has(step)) {
      const kind = random();
      // A stop for up to two days; a clock that is set back for up to a day or ahead for up to a day, and put right.
      if (kind < 0.5) at += Math.floor(random() * 48) * HOUR;
      else {
        const by = Math.floor((random() - 0.5) * 48) * HOUR + Math.floor(random() * 60) * MINUTE;
        world.setNow(at + by);
        await Promise.all(workers.map((worker) => worker()));
        await world.finish();
      }
      workers = [world.worker(), world.worker()];
    }
    world.setNow(at + Math.floor(random() * 3) * MINUTE);
    await Promise.all(workers.map((worker) => worker()));
    await world.finish();
  }
  world.setNow(at + HOUR);
  await workers[0]?.();
  await world.finish();
  const { count } = await world.db
    .selectFrom('backups')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return { until, runs: Number(count) };
}

/** Each slot with the lines that speak of it. */
async function audit(
  world: World,
  id: string,
  [zone, expression]: (typeof SCHEDULES)[number],
  { from, until }: { from: number; until: number },
) {
  const slots = runsBetween(parseCron(expression), zone, {
    after: new Date(from),
    until: new Date(until),
    most: 100_000,
  });
  const lines = await world.rows(id);
  const wrong = slots.flatMap((slot) => {
    const at = slot.toISOString();
    const found = lines.filter((line) => line.due_at <= at && at <= line.last_due_at);
    return found.length === 1
      ? []
      : [{ at, found: found.map(({ outcome, due_at: due }) => `${outcome} ${due}`) }];
  });
  const backups = lines.flatMap(({ backup_id: backup }) => (backup === null ? [] : [backup]));
  return { slots: slots.length, wrong, backups };
}

async function prove(world: World, schedules: readonly (typeof SCHEDULES)[number][], plan: Plan) {
  const from = world.now().getTime();
  const databases: { readonly id: string; readonly of: (typeof SCHEDULES)[number] }[] = [];
  for (const of of schedules) {
    const id = await world.database();
    await world.schedule(id, { timeZone: of[0], cronExpression: of[1] });
    databases.push({ id, of });
  }
  const { until, runs } = await live(world, plan);
  const all: string[] = [];
  let slots = 0;
  for (const { id, of } of databases) {
    const found = await audit(world, id, of, { from, until });
    expect([of, found.wrong]).toEqual([of, []]);
    slots += found.slots;
    all.push(...found.backups);
  }
  // Each run is that of one slot, and each slot of which is said that it ran has its own.
  expect([new Set(all).size, all.length]).toEqual([runs, runs]);
  expect(runs).toBeGreaterThan(slots * 0.4);
  expect(world.log).toEqual([]);
}

describe('a year of twelve schedules in six zones', () => {
  it('has one line for each slot, and runs none twice, whatever restarts and clocks do', async () => {
    db = await openState('SQLite');
    const world = await openWorld(db, '2026-01-01T00:30:00.000Z');
    await prove(world, SCHEDULES, { days: 366, restarts: 200, seed: 7 });
  });
});

describe.each(STATES)('some weeks around a change of the clocks, with %s', (state) => {
  it('have one line for each slot, and run none twice', async () => {
    db = await openState(state);
    const world = await openWorld(db, '2026-10-20T00:30:00.000Z');
    await prove(world, SCHEDULES.slice(0, 4), { days: 8, restarts: 12, seed: 11 });
  });
});
