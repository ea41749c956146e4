import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASKED } from '../../bench/large-pages.ts';
import { withNames } from '../../dev/fill/paths.ts';
import { makeWeeklyReport } from '../../src/reports/weekly-report.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { type FilledApp, openFilledApp } from '../support/filled-app.ts';
import { namesInPaths, pickIds } from '../support/filled-ids.ts';
import { copyDatabases } from '../support/many-databases.ts';

const TOKEN = 'of-prometheus_0123456789+/=';
const KIB = 1024;
const MANY = 10_000;
/** Rows that a page may read: of what it shows, such as a month of fifty databases, and of what is as many as environments and servers. */
const FEW = 2000;

const SEARCHED = '/databases?environment=all&engine=postgres&storage=spaces&q=a&state=protected';

/** What reads something of each database, and why. */
const READS_EACH: Readonly<Record<string, string>> = {
  '/schedules': 'counts each hour of a week',
  '/api/schedules/upcoming': 'counts what begins within hours',
  '/notifications/report': 'counts each hour of a week',
  '/databases?environment=all&q=z%C3%BCrich': 'counts by state what is found',
  '/databases?environment=:environment&q=a': 'counts by state what is found',
  [SEARCHED]: 'counts by state what is found',
  '/api/environments/:envId/databases/backup-summary': 'tells of each of the environment',
  '/admin/storage?delete': 'counts whose backups would fail, for a question',
  '/admin/storage?disable=:environment': 'counts whose backups would fail, for a question',
  '/api/settings/spaces/impact': 'names them',
  '/api/settings/spaces/environments/:environmentId/impact': 'names them',
};

let filled: FilledApp;
let names: Readonly<Record<string, string>>;
let words: Readonly<Record<string, string>>;
beforeAll(async () => {
  const size = { environments: 20, servers: 100, databases: 100, backups: 3000 };
  filled = await openFilledApp(size, { METRICS_TOKEN: TOKEN });
  const { db } = filled;
  const ids = await pickIds(db);
  await copyDatabases(db, MANY, ids.environment);
  const { count } = await db
    .selectFrom('databases')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  expect(count).toBe(MANY);
  // For all of them, over its own use case.
  const rule = newRule.parse({ name: 'each hour', cronExpression: '0 * * * *', jitterMinutes: 20 });
  await createRule({ db, now: () => new Date() }, { userId: null, address: null }, rule);
  names = await namesInPaths(db, ids);
  const fifty = await db.selectFrom('databases').select('id').limit(50).execute();
  words = {
    ...{ environment: ids.environment, database: ids.database, deep: '0' },
    fifty: fifty.map(({ id }) => `id=${id}`).join('&'),
  };
});
afterAll(() => filled.app.close());

const addressOf = (asked: string) => {
  const [route = '', query = ''] = asked.split('?');
  const said = query.replace(/:(\w+)/g, (_, word: string) => words[word] ?? '');
  return withNames(route, names) + (query === '' ? '' : `?${said}`);
};
const readsEach = (asked: string) =>
  READS_EACH[asked] !== undefined || READS_EACH[asked.split('?')[0] ?? ''] !== undefined;

describe(`with ${MANY} databases`, () => {
  it('every page and fragment answers, is as small as ever, and reads no row of each', async () => {
    const chips = ['failing', 'late', 'never', 'paused', 'protected', 'unsafe'];
    const more = [
      ...chips.map((state) => `/databases?environment=all&state=${state}`),
      '/databases?environment=all&sort=-last-good&offset=9950',
      SEARCHED,
      '/drills?environment=all&offset=9950',
      '/environments/:environmentId/settings?delete',
      '/servers/:serverId?delete',
    ];
    const pages = [...ASKED.map(([asked]) => asked).filter((asked) => !asked.startsWith('/api/')), ...more];
    const large: unknown[] = [];
    for (const asked of pages) {
      filled.forget();
      const response = await filled.ask(addressOf(asked));
      const html = await response.text();
      const nodes = html.match(/<[a-z]/g)?.length ?? 0;
      const bytes = Buffer.byteLength(html);
      const rows = readsEach(asked) ? 0 : filled.rowsRead();
      const isSmall = bytes <= 60 * KIB && nodes <= 1500 && rows <= FEW;
      if (response.status !== 200 || !isSmall) large.push([asked, response.status, { bytes, nodes, rows }]);
    }
    expect(large).toEqual([]);
  });

  it('every list of the API answers and reads no more than it tells', async () => {
    const large: unknown[] = [];
    for (const [asked] of ASKED.filter(([path]) => path.startsWith('/api/'))) {
      filled.forget();
      const { status } = await filled.app.call('GET', addressOf(asked));
      const rows = readsEach(asked) ? 0 : filled.rowsRead();
      if (status !== 200 || rows > FEW) large.push([asked, status, rows]);
    }
    expect(large).toEqual([]);
  });

  it('what begins next is told in its order, and all of a day is counted', async () => {
    const { count, soonest } = await filled.db
      .selectFrom('database_schedules')
      .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min('run_at').as('soonest')])
      .where('due_at', 'is not', null)
      .executeTakeFirstOrThrow();
    const { body } = await filled.app.call('GET', '/api/schedules/upcoming?limit=200');
    expect([count > MANY / 2, body.total]).toEqual([true, Number(count) * 24]);
    const times = body.upcoming.map((slot: { readonly runAt: string }) => slot.runAt);
    expect(times).toEqual(times.toSorted());
    expect([times.length, times[0]]).toEqual([200, soonest]);
  });

  it('the weekly report tells of all and names few', async () => {
    const { db } = filled;
    const { report } = await makeWeeklyReport({ db, now: () => new Date() }, null);
    const text = JSON.stringify(report);
    expect(text).toContain(`of ${MANY} databases that have a schedule`);
    expect(text.length).toBeLessThan(20 * KIB);
  });

  it('the metrics tell of each once', async () => {
    const response = await filled.app.app.request('/metrics', {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const text = await response.text();
    expect([response.status, text.match(/^bridgeport_database_info\{/gm)?.length]).toEqual([200, MANY]);
    expect(gzipSync(text, { level: 1 }).byteLength).toBeLessThan(4 * KIB * KIB);
  });
});
