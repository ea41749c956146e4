import { type CompiledQuery, type KyselyPlugin, sql } from 'kysely';
import { expect } from 'vitest';
import { fill, LOGIN } from '../../dev/fill/fill.ts';
import type { Size } from '../../dev/fill/size.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import { analyse } from '../../src/db/node/statistics.ts';
import type { Db } from '../../src/db/schema.ts';
import { openTestApp, type TestApp } from './app.ts';
import { costsOf } from './query-plans.ts';

/** The app on an installation as years of use leave it, with an eye on what its requests ask of the database. */
export interface FilledApp {
  readonly app: TestApp;
  readonly db: Db;
  /** The first query of each text since the last `forget`, in the order of their coming. */
  readonly seen: ReadonlyMap<string, CompiledQuery>;
  forget(): void;
  /** How many rows the database has given since the last `forget`. */
  rowsRead(): number;
  /** As its admin, by the cookie of a browser; a form goes out as of a page of ours. */
  ask(path: string, form?: URLSearchParams): Promise<Response>;
  /**
   * Fails with the plans of what was seen that grow with the large tables; with statistics of the filled tables, of empty ones, and with
   * none.
   */
  expectSmallPlans(): Promise<void>;
}

const ORIGIN = 'http://localhost';

export async function openFilledApp(
  size: Size,
  env: Readonly<Record<string, string>> = {},
): Promise<FilledApp> {
  const seen = new Map<string, CompiledQuery>();
  let rowsRead = 0;
  const counter: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      rowsRead += result.rows.length;
      return result;
    },
  };
  const opened = openDatabase(':memory:', {
    log: ({ query }) => {
      if (!seen.has(query.sql)) seen.set(query.sql, query);
    },
  });
  const db = opened.withPlugin(counter);
  await migrate(db, { file: null, now: () => new Date() });
  await analyse(db);
  /** What the planner was told of the tables while they were empty: it may be all it knows for a day. */
  const asEmpty = (await sql<Statistic>`select tbl, idx, stat from sqlite_stat1`.execute(db)).rows;
  expect(asEmpty.length).toBeGreaterThan(0);
  const app = await openTestApp({ db, env: { LOCAL_PATHS: '/srv', ...env } });
  await fill(app.services, size);
  const send = async (path: string, cookie: string, form?: URLSearchParams) =>
    app.app.request(
      `${ORIGIN}${path}`,
      {
        method: form === undefined ? 'GET' : 'POST',
        headers: { cookie, ...(form && { origin: ORIGIN, host: new URL(ORIGIN).host }) },
        ...(form && { body: form }),
      },
      { incoming: { socket: { remoteAddress: '127.0.0.1' } } },
    );
  const entered = await send('/login', '', new URLSearchParams(LOGIN));
  const cookie = entered.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  expect(cookie).not.toBe('');
  seen.clear();
  return {
    ...{ app, db, seen },
    forget: () => {
      seen.clear();
      rowsRead = 0;
    },
    rowsRead: () => rowsRead,
    ask: (path, form) => send(path, cookie, form),
    async expectSmallPlans() {
      const queries = [...seen.values()];
      expect(queries.length).toBeGreaterThan(0);
      await analyse(db);
      expect((await Promise.all(queries.map((query) => costsOf(db, query)))).flat()).toEqual([]);
      for (const told of [asEmpty, []]) {
        await sql`delete from sqlite_stat1`.execute(db);
        for (const { tbl, idx, stat } of told) {
          await sql`insert into sqlite_stat1 (tbl, idx, stat) values (${tbl}, ${idx}, ${stat})`.execute(db);
        }
        await sql`analyze sqlite_schema`.execute(db);
        expect((await Promise.all(queries.map((query) => costsOf(db, query)))).flat()).toEqual([]);
      }
      await analyse(db);
    },
  };
}

interface Statistic {
  readonly tbl: string;
  readonly idx: string | null;
  readonly stat: string;
}
