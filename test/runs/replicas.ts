import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseNow } from '../../src/db/clock.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openPostgres } from '../../src/db/node/postgres.ts';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { renewClaims } from '../../src/runs/take.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { until } from '../support/until.ts';

const MINUTE_MS = 60_000;
const LEASE_MS = 30_000;

let postgres: TestPostgres;
let db: Db;
let url: string;
let processes: ChildProcess[];
let number = 0;
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  number += 1;
  const name = ownName(`replicas ${number}`);
  await postgres.createDatabase(name);
  url = postgres.url.replace(/postgres$/, encodeURIComponent(name));
  db = openPostgres(url);
  await migrate(db, { file: null, now: () => new Date() });
  await sql`create table taken (run_id text, what text, by_process integer, total integer, on_server integer)`.execute(
    db,
  );
  processes = [];
});
afterEach(async () => {
  await Promise.all(
    processes.map(async (child) => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }),
  );
  await db.destroy();
});

/** Processes with clocks off by so much, which begin at the same moment: none is done with all before another is there. */
async function startReplicas(...skewsMs: readonly number[]): Promise<void> {
  const program = fileURLToPath(new URL('replica.ts', import.meta.url));
  const started = skewsMs.map((skewMs) =>
    fork(program, {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { PATH: process.env['PATH'], DATABASE_URL: url, SKEW_MS: String(skewMs) },
    }),
  );
  processes.push(...started);
  await Promise.all(started.map(ready));
  for (const child of started) child.send('begin');
}

async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`A replica ended with ${code} before it was ready`);
  });
  await Promise.race([once(child, 'message'), ended]);
}

async function insertRuns(count: number, name: string, values: (index: number) => Partial<RunRow>) {
  const rows = Array.from({ length: count }, (_, index) => ({
    ...{
      id: `${name} ${index}`,
      kind: 'backup' as const,
      lane: `${name} ü+"${index}`,
      state: 'pending' as const,
    },
    ...{
      subject_id: null,
      server_id: `server ${index % 10}`,
      attempts: 0,
      in_repair: 0 as const,
      progress: 0,
    },
    created_at: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
    ...values(index),
  }));
  await write(db, (trx) => trx.insertInto('runs').values(rows).execute());
}

const iso = (at: Date, ms: number) => new Date(at.getTime() + ms).toISOString();
const present = () => databaseNow({ db, now: () => new Date() });

interface Taken {
  readonly run_id: string;
  readonly what: 'run' | 'repair';
  readonly by_process: number;
  readonly total: number;
  readonly on_server: number;
}
const taken = async () => (await sql<Taken>`select * from taken`.execute(db)).rows;

const NAME = 'four processes on one PostgreSQL, whose clocks are minutes apart';

/** The cases, with so many runs that wait and so many whose leases are over. */
export function describeReplicas(counts: { readonly waiting: number; readonly expired: number }): void {
  describe(NAME, () => cases(counts));
}

function cases({ waiting, expired }: { readonly waiting: number; readonly expired: number }): void {
  it('take each run once, lose none, keep the limits over all, and steal none that lives', async () => {
    const at = await present();
    await insertRuns(waiting, 'waiting', () => ({}));
    await insertRuns(expired, 'expired', () => ({
      state: 'running',
      claimed_by: 'gone',
      lease_until: iso(at, -1),
    }));
    const live = Array.from({ length: 4 }, (_, index) => `live ${index}`);
    await insertRuns(live.length, 'live', (index) => ({
      ...{
        state: 'running',
        claimed_by: 'alive',
        lease_until: iso(at, LEASE_MS),
        server_id: `other ${index}`,
      },
    }));
    const taker = { db, claimedBy: 'alive', leaseMs: LEASE_MS, now: () => new Date() };
    const lost: string[] = [];
    const renewal = setInterval(() => {
      renewClaims(taker, live).then(
        (ids) => lost.push(...ids),
        (error) => lost.push(String(error)),
      );
    }, 2_000);
    try {
      await startReplicas(...[0, 10, -10, 0.6].map((minutes) => minutes * MINUTE_MS));
      await until('all to be over', 400_000, async () => {
        const { rows } = await sql<{ open: number }>`
          select count(*) as open from runs where state in ('pending', 'running')`.execute(db);
        return rows[0]?.open === live.length;
      });
    } finally {
      clearInterval(renewal);
    }
    const all = await taken();
    const ids = (what: Taken['what']) => all.filter((row) => row.what === what).map((row) => row.run_id);
    expect([ids('run').length, new Set(ids('run')).size]).toEqual([waiting, waiting]);
    expect([ids('repair').length, new Set(ids('repair')).size]).toEqual([expired, expired]);
    expect(all.filter(({ run_id: id }) => id.startsWith('live'))).toEqual([]);
    expect(lost).toEqual([]);
    expect(Math.max(...all.map(({ total }) => total))).toBeLessThanOrEqual(12);
    expect(Math.max(...all.map(({ on_server: count }) => count))).toBeLessThanOrEqual(2);
    expect(new Set(all.map(({ by_process: process }) => process)).size).toBe(4);
    const attempts = await db
      .selectFrom('runs')
      .select('attempts')
      .where('id', 'like', 'waiting%')
      .distinct()
      .execute();
    expect(attempts).toEqual([{ attempts: 1 }]);
  }, 450_000);

  // Ahead by more than the rest of the lease; behind by so much that it lies more than two leases ahead.
  it.each([70_000, -45_000])(
    'leave a run alone for the time of its lease with a clock off by %i ms',
    async (skewMs) => {
      const at = await present();
      await insertRuns(1, 'live', () => ({
        state: 'running',
        claimed_by: 'alive',
        // Longer than a process takes to start on a busy machine.
        lease_until: iso(at, 55_000),
      }));
      await insertRuns(1, 'expired', () => ({
        state: 'running',
        claimed_by: 'gone',
        lease_until: iso(at, -1),
      }));
      await startReplicas(skewMs);
      await until('the expired one to be taken', 20_000, async () => (await taken()).length > 0);
      await insertRuns(1, 'later', () => ({
        state: 'running',
        claimed_by: 'gone',
        lease_until: iso(at, -1),
      }));
      await until('another look', 20_000, async () => (await taken()).length > 1);
      expect((await taken()).map(({ run_id: id }) => id)).toEqual(['expired 0', 'later 0']);
      // What it takes itself, it has for a lease from now by the same clock.
      const { claimed_by: by } = await db
        .selectFrom('runs')
        .select('claimed_by')
        .where('id', '=', 'live 0')
        .executeTakeFirstOrThrow();
      expect(by).toBe('alive');
    },
  );
}
