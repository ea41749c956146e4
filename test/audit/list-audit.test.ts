import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditCursor } from '../../src/audit/cursor.ts';
import { type AuditFilter, countAudit, listAudit, walkAudit } from '../../src/audit/list-audit.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { AuditLogRow, Db } from '../../src/db/schema.ts';
import { costsOf } from '../support/query-plans.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(() => dropStates());

const ROWS = 3000;
const ODD = ['Größe + "x"', '100 %', "O'Neill", '<script>alert(1)</script>', 'ÄRGER_1 🗝'];

/** Several of each instant, so that pages end within one. */
function made(n: number): AuditLogRow {
  const pick = <T>(values: readonly T[], by: number): T | null =>
    values[Math.floor(n / by) % values.length] ?? null;
  return {
    id: `c${((n * 7919) % ROWS).toString(36).padStart(24, '0')}`,
    action: pick(['create', 'update', 'delete'], 1) ?? '',
    resource_type: pick(['server', 'database', 'user', 'nothing known'], 3) ?? '',
    resource_id: n % 50 === 0 ? null : `s${n % 7}`,
    resource_name: pick(ODD, 11),
    details: null,
    success: n % 10 === 3 ? 0 : 1,
    error: n % 10 === 3 ? 'Refused: "no"' : null,
    created_at: new Date(Date.UTC(2026, 10, 1) + Math.floor(n / 4) * 60_000).toISOString(),
    user_id: n % 3 === 0 ? null : `u${n % 4}`,
    environment_id: n % 5 === 0 ? null : `e${n % 2}`,
    address: n % 100 === 7 ? '2001:db8::7' : '203.0.113.9',
    ...{ api_token_id: null, token_prefix: n % 9 === 0 ? 'bport_pat_Ab1_' : null, service_account_id: null },
    request_id: `r-${n}`,
    ...{ number: null, hash: null },
  };
}
const all = Array.from({ length: ROWS }, (_, n) => made(n)).sort((a, b) =>
  `${a.created_at}${a.id}` < `${b.created_at}${b.id}` ? 1 : -1,
);

const READABLE = { kinds: ['server', 'database', 'backup'], hidden: ['database delete', 'user create'] };
const isReadable = ({ resource_type: kind, action }: AuditLogRow) =>
  kind === 'server' || (kind === 'database' && action !== 'delete');

const FILTERS: readonly (readonly [AuditFilter, (row: AuditLogRow) => boolean])[] = [
  [{}, () => true],
  [{ action: 'delete' }, (row) => row.action === 'delete'],
  [{ resourceType: 'database' }, (row) => row.resource_type === 'database'],
  [{ resourceId: 's3' }, (row) => row.resource_id === 's3'],
  [{ environmentId: 'e1' }, (row) => row.environment_id === 'e1'],
  [{ userId: 'u2' }, (row) => row.user_id === 'u2'],
  [
    { resourceId: 's3', resourceType: 'server', action: 'update', environmentId: 'e0' },
    (row) =>
      row.resource_id === 's3' &&
      row.resource_type === 'server' &&
      row.action === 'update' &&
      row.environment_id === 'e0',
  ],
  [{ success: false, userId: 'u1' }, (row) => row.success === 0 && row.user_id === 'u1'],
  [{ address: '2001:db8::7' }, (row) => row.address === '2001:db8::7'],
  [{ requestId: 'r-77' }, (row) => row.request_id === 'r-77'],
  [{ requestId: 'nobody’s' }, () => false],
  [{ text: 'ärger_1' }, (row) => row.resource_name === ODD[4]],
  [{ text: '100 %' }, (row) => row.resource_name === ODD[1]],
  [{ text: 'REFUSED: "NO"', action: 'create' }, (row) => row.error !== null && row.action === 'create'],
  [{ text: 'pat_Ab1' }, (row) => row.token_prefix !== null],
  [{ readable: READABLE }, isReadable],
  [{ readable: READABLE, resourceType: 'user' }, () => false],
  [{ readable: READABLE, text: 'pat_Ab1' }, () => false],
  [{ readable: READABLE, text: 'ärger_1' }, (row) => row.resource_name === ODD[4] && isReadable(row)],
  [
    { since: '2026-11-01T02:00:00.000Z', until: '2026-11-01T03:00:00.000Z' },
    (row) => row.created_at >= '2026-11-01T02:00:00.000Z' && row.created_at < '2026-11-01T03:00:00.000Z',
  ],
  [
    { action: 'create', resourceType: 'server', since: '2026-11-01T10:00:00.000Z' },
    (row) =>
      row.action === 'create' &&
      row.resource_type === 'server' &&
      row.created_at >= '2026-11-01T10:00:00.000Z',
  ],
];

async function insert(db: Db): Promise<void> {
  const rows = Array.from({ length: ROWS }, (_, n) => made(n));
  for (let n = 0; n < ROWS; n += 500)
    await db
      .insertInto('audit_logs')
      .values(rows.slice(n, n + 500))
      .execute();
}

describe.each(STATES)('the audit on %s', (state) => {
  let db: Db;
  beforeAll(async () => {
    db = await openState(state);
    await insert(db);
  });
  afterAll(() => db.destroy());

  it.each(FILTERS)('by %j is read from page to page, newest first, each row once', async (filter, fits) => {
    const wanted = all.filter(fits).map(({ id }) => id);
    const found: string[] = [];
    let after: AuditCursor | null = null;
    do {
      const page: Awaited<ReturnType<typeof listAudit>> = await listAudit(db, filter, { limit: 333, after });
      found.push(...page.rows.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    expect(found).toEqual(wanted);
    const walked: string[] = [];
    for await (const rows of walkAudit(db, filter)) walked.push(...rows.map(({ id }) => id));
    expect(walked).toEqual(wanted);
    const { rows } = await listAudit(db, filter, { limit: 7, offset: 40 });
    expect(rows.map(({ id }) => id)).toEqual(wanted.slice(40, 47));
    const counted = await countAudit(db, filter);
    if (counted !== null) expect(counted).toEqual({ rows: wanted.length, isExact: true });
  });

  it('ends a page that would look through too much, and goes on from there', async () => {
    const rows = Array.from({ length: 9000 }, (_, n) => ({
      ...made(n),
      id: `d${n}`,
      action: 'rare filler',
      created_at: new Date(Date.UTC(2026, 11, 1) + n).toISOString(),
    }));
    for (let n = 0; n < rows.length; n += 500)
      await db
        .insertInto('audit_logs')
        .values(rows.slice(n, n + 500))
        .execute();
    const filter = { requestId: 'nobody’s', address: '203.0.113.9', until: '2027-01-01T00:00:00.000Z' };
    const pages: (AuditCursor | null)[] = [];
    let after: AuditCursor | null = null;
    do {
      const page: Awaited<ReturnType<typeof listAudit>> = await listAudit(db, filter, { limit: 5, after });
      expect(page.rows).toEqual([]);
      pages.push(page.next);
      after = page.next;
    } while (after !== null);
    // Of 12,000 rows, five thousand each.
    expect(pages.map((next) => next === null)).toEqual([false, false, true]);
    expect(await countAudit(db, filter)).toBeNull();
    await db.deleteFrom('audit_logs').where('action', '=', 'rare filler').execute();
  });
});

describe('the queries of the audit', () => {
  it('read no more than a page on SQLite, whatever is asked', async () => {
    const seen = new Map<string, CompiledQuery>();
    const db = openDatabase(':memory:', { log: ({ query }) => void seen.set(query.sql, query) });
    await migrate(db, { file: null, now: () => new Date() });
    await insert(db);
    seen.clear();
    const after = { at: '2026-11-02T00:00:00.000Z', id: 'c1' };
    for (const [filter] of FILTERS) {
      await listAudit(db, filter, { limit: 5 });
      await listAudit(db, filter, { limit: 5, offset: 10, after });
      await countAudit(db, filter);
    }
    expect(seen.size).toBeGreaterThan(20);
    for (const analysed of [false, true]) {
      if (analysed) await sql`analyze`.execute(db);
      for (const query of seen.values()) expect(await costsOf(db, query)).toEqual([]);
    }
    await db.destroy();
  });

  it('are in the order of an index on PostgreSQL, and sort nothing', async () => {
    const db = await openState('PostgreSQL');
    await insert(db);
    await sql`analyze audit_logs`.execute(db);
    const wrong: string[] = [];
    await db.transaction().execute(async (trx) => {
      // Of so few rows it would read all: what is asked is whether it would have to.
      for (const kind of ['seqscan', 'bitmapscan'])
        await sql.raw(`set local enable_${kind} = off`).execute(trx);
      for (const column of ['resource_id', 'user_id', 'environment_id', 'action', 'resource_type', null]) {
        const where = column === null ? '' : `${column} = 'x' and`;
        const { rows } = await trx.executeQuery<{ 'QUERY PLAN': string }>(
          CompiledQuery.raw(
            `explain select * from audit_logs where ${where} (created_at, id) < ('2026-11-02T00:00:00.000Z', 'c1')
              order by created_at desc, id desc limit 50`,
          ),
        );
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        if (!/Index Scan Backward/.test(plan) || /Sort|Seq Scan/.test(plan)) wrong.push(`${column}: ${plan}`);
      }
    });
    expect(wrong).toEqual([]);
    await db.destroy();
  });
});
