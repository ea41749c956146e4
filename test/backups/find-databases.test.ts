import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  DATABASE_SORTS,
  type DatabaseFilter,
  findDatabases,
  kindsOfDatabases,
  lastGoodDatabases,
  oldestDatabase,
  worstDatabases,
} from '../../src/backups/find-databases.ts';
import { isOverdue, PROTECTIONS, type ProtectionState } from '../../src/backups/protection.ts';
import { protectionOf } from '../../src/backups/protection-of.ts';
import {
  countStates,
  countStatesByEnvironment,
  NO_DATABASES,
  totalOf,
} from '../../src/backups/protection-states.ts';
import type { Db } from '../../src/db/schema.ts';
import { addRun, insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms).toISOString();
const HOUR = 3_600_000;
const ALL: DatabaseFilter = { search: '', state: null, engine: null, storage: null };
const NAMES = [
  'größe 🐘',
  'a+b c',
  '"><script>',
  'App',
  'app',
  '100 %',
  'under_score',
  'ÄÖÜ Ñé',
  'back\\slash',
];
const SERVERS = [null, 'db1', 'DB2 Zürich'];
const FILES = [null, '/srv/Größe "q".db'];

/** Each side of each limit, to the millisecond. */
const AGES = [
  null,
  0,
  26 * HOUR,
  26 * HOUR + 1,
  3 * HOUR - 1,
  3 * HOUR,
  3 * HOUR + 1,
  -HOUR,
  900 * HOUR,
  -26 * HOUR - 1,
  -HOUR / 12,
  -HOUR / 12 - 1,
];
const ENDED = [null, -1, 1] as const;
/** How long ago a backup that is being made began: each side of the grace, and of twice as long as one has taken. */
const BEGAN = [HOUR, 2 * HOUR, 2 * HOUR + 1, 6 * HOUR, 6 * HOUR + 1];
const SCHEDULES = [
  null,
  { interval_minutes: 60, is_paused: 0 },
  { interval_minutes: 60, is_paused: 1 },
] as const;

afterAll(dropStates);

describe.each(STATES)('the list of databases, on %s', (state) => {
  let db: Db;
  let ids: readonly string[];
  let environments: readonly [string, string];
  const context = () => ({ db, now: () => NOW });

  beforeAll(async () => {
    db = await openState(state);
    const at = NOW.toISOString();
    const [one, other] = await Promise.all([
      insertBackup(db, NOW, { status: 'pending', outcome: null }),
      insertBackup(db, NOW, { status: 'completed', outcome: 'completed', size: 700 }),
    ]);
    await db.deleteFrom('databases').where('id', '=', one.database_id).execute();
    const rows = await db.selectFrom('environments').select('id').orderBy('id').execute();
    const [first = '', second = ''] = rows.map(({ id }) => id);
    environments = [first, second];
    await db.updateTable('environments').set({ name: 'Zürich' }).where('id', '=', second).execute();
    for (const name of SERVERS.flatMap((name) => name ?? [])) {
      const server = { id: name, environment_id: first, name, hostname: 'h', created_at: at, updated_at: at };
      await db
        .insertInto('servers')
        .values(server as never)
        .execute();
    }
    const facts = AGES.flatMap((age) =>
      ENDED.flatMap((ended) => SCHEDULES.map((schedule) => ({ age, ended, schedule }))),
    );
    ids = [other.database_id, ...facts.map((_, index) => `c${index}`)];
    for (const [index, { age, ended, schedule }] of facts.entries()) {
      const id = `c${index}`;
      const file = FILES[index % FILES.length];
      const database = {
        ...{ id, environment_id: environments[index % 2], server_id: SERVERS[index % SERVERS.length] },
        ...{ name: `${NAMES[index % NAMES.length]} ${index}`, type: index % 5 === 0 ? 'mysql' : 'sqlite' },
        options: JSON.stringify(file == null ? { useSsl: false } : { filePath: file }),
        ...{ backup_storage_type: index % 7 === 0 ? 'spaces' : 'local', created_at: at, updated_at: at },
      };
      await db
        .insertInto('databases')
        .values(database as never)
        .execute();
      const good = age === null ? null : ago(age);
      if (good !== null || ended !== null) {
        const endedAt = ended === null ? good : new Date(Date.parse(good ?? at) + ended).toISOString();
        await db
          .insertInto('newest_backups')
          .values({
            ...{ database_id: id, good_id: good === null ? null : `g${index}`, good_at: good },
            ...{ ended_id: ended === null ? `g${index}` : `x${index}`, ended_at: endedAt ?? at },
          })
          .execute();
      }
      if (schedule !== null) {
        await db
          .insertInto('database_schedules')
          .values({
            ...{ database_id: id, schedule_id: 's', settled_as: 's', time_zone: 'UTC', ...schedule },
            ...{ due_at: index % 11 === 0 ? null : at, run_at: at, anchored_at: at },
          })
          .execute();
      }
    }
    await addRuns();
  });
  /** Of each database one that is being made: in time or not, as long as it may take or longer, alive, dead, or waiting. */
  async function addRuns(): Promise<void> {
    for (const [index, id] of ids.entries()) {
      const began = BEGAN[(index * 3 + Math.floor(index / 9)) % BEGAN.length] ?? 0;
      const isWaiting = index % 13 === 4;
      const values = {
        filename: 'x',
        size: 0,
        type: 'manual',
        storage_path: 'x',
        storage_type: 'local',
      } as const;
      const counts = { bytes_read: 0, bytes_stored: 0, is_pinned: 0 } as const;
      const backup = await db
        .insertInto('backups')
        .values({
          ...{ id: `b${index}`, database_id: id, ...values, ...counts, created_at: ago(began), token: id },
          ...{ status: isWaiting ? 'pending' : 'in_progress', started_at: isWaiting ? null : ago(began) },
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      await addRun(db, backup, {
        claimed_by: 'somebody',
        lease_until: ago(index % 11 === 0 ? 1 : -60_000),
      });
      if (index % 2 > 0) continue;
      const done = { status: 'completed', outcome: 'completed', duration: 3 * 3600 } as const;
      await db
        .insertInto('backups')
        .values({
          ...{ id: `d${index}`, database_id: id, ...values, ...counts, created_at: ago(90 * HOUR) },
          ...{ ...done, token: `d${index}` },
        })
        .execute();
    }
  }

  afterAll(() => db.destroy());

  it('has each in the state that `protection` finds, to the millisecond', async () => {
    const known = await protectionOf(context(), ids);
    const expected = Object.fromEntries(ids.map((id) => [id, known.get(id)?.state]));
    const found: Record<string, ProtectionState> = {};
    for (const wanted of PROTECTIONS) {
      const sort = { by: 'name', isDescending: false } as const;
      const page = { limit: 200, offset: 0 };
      const { databases } = await findDatabases(context(), null, { ...ALL, state: wanted }, sort, page);
      for (const { id, protection } of databases) {
        expect([id, protection.state]).toEqual([id, wanted]);
        found[id] = wanted;
      }
    }
    expect(found).toEqual(expected);
    expect(new Set(Object.values(found)).size).toBe(PROTECTIONS.length);
    const overdue = [...known].filter(([, one]) => isOverdue(one, NOW)).map(([, one]) => one.state);
    expect(new Set(overdue)).toEqual(new Set(['protected', 'failing', 'paused']));
  });

  it('counts the states of all, of one environment, and of each', async () => {
    const known = await protectionOf(context(), ids);
    const count = (of: readonly string[]) =>
      Object.fromEntries(
        PROTECTIONS.map((one) => [one, of.filter((id) => known.get(id)?.state === one).length]),
      );
    expect(await countStates(context(), null)).toEqual(count(ids));
    const rows = await db.selectFrom('databases').select(['id', 'environment_id']).execute();
    const byEnvironment = await countStatesByEnvironment(context());
    for (const environment of environments) {
      const own = rows.filter((row) => row.environment_id === environment).map(({ id }) => id);
      expect(await countStates(context(), environment)).toEqual(count(own));
      expect(byEnvironment.get(environment)).toEqual(count(own));
    }
    expect(totalOf(await countStates(context(), 'none'))).toBe(0);
  });

  it('counts anew what was written or became late since, also in the same second', async () => {
    const first = await countStates(context(), null);
    expect(await countStates(context(), null)).toEqual(first);
    // More milliseconds than 32 bits hold.
    const longest = { max_backup_age_hours: 8_784 };
    const usual = await db.selectFrom('databases').select(['id', 'max_backup_age_hours']).execute();
    await db.updateTable('databases').set(longest).execute();
    const changed = await countStates(context(), null);
    expect(changed.late).toBeLessThan(first.late);
    for (const { id, ...row } of usual)
      await db.updateTable('databases').set(row).where('id', '=', id).execute();
    expect(await countStates(context(), null)).toEqual(first);
    const later = { db, now: () => new Date(NOW.getTime() + 27 * HOUR) };
    expect((await countStates(later, null)).late).toBeGreaterThan(first.late);
  });

  it('has each once over its pages, however it is sorted, and begins with the worst', async () => {
    const sorts = fc.record({ by: fc.constantFrom(...DATABASE_SORTS), isDescending: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(sorts, fc.integer({ min: 15, max: 40 }), async (sort, limit) => {
        const shown: string[] = [];
        for (let offset = 0; offset < ids.length; offset += limit) {
          const { databases, total } = await findDatabases(context(), null, ALL, sort, { limit, offset });
          expect(total).toBe(ids.length);
          shown.push(...databases.map(({ id }) => id));
        }
        expect(shown.toSorted()).toEqual(ids.toSorted());
      }),
      { numRuns: 12 },
    );
    const counts = await countStates(context(), null);
    const worst = await worstDatabases(context(), null, counts, 200);
    const ranks = worst.map(
      ({ protection: { state: of, lastGood } }) => `${PROTECTIONS.indexOf(of)} ${lastGood?.at ?? ''}`,
    );
    expect(ranks).toEqual(ranks.toSorted());
    const { protected: safe, ...bad } = counts;
    expect(safe).toBeGreaterThan(0);
    expect(worst).toHaveLength(Object.values(bad).reduce((sum, count) => sum + count, 0));
    expect(bad.never).toBeGreaterThan(0);
    for (const limit of [bad.never - 1, bad.never, bad.never + 1]) {
      expect(await worstDatabases(context(), null, counts, limit)).toEqual(worst.slice(0, limit));
    }
    expect(await worstDatabases(context(), null, { ...NO_DATABASES, protected: safe }, 8)).toEqual([]);
  });

  it('counts every state, whichever is shown, and shows what fits and nothing else', async () => {
    const { rows } = await findTexts();
    const filters = fc.record({
      search: fc.constantFrom(
        '',
        '  ',
        'GRÖSSE',
        'größe',
        'GRÖßE',
        'zür',
        'ZÜR',
        'db',
        '%',
        '_',
        '\\',
        'äöü ñÉ',
        '"Q"',
        'useSsl',
        'filePath',
        '🐘',
        '<script',
        'nothing',
      ),
      state: fc.constantFrom(null, ...PROTECTIONS),
      engine: fc.constantFrom(null, 'mysql'),
      storage: fc.constantFrom(null, 'local' as const),
    });
    const sort = { by: 'state', isDescending: false } as const;
    const page = { limit: 200, offset: 0 };
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const found = await findDatabases(context(), null, filter, sort, page);
        const ofAnyState = await findDatabases(context(), null, { ...filter, state: null }, sort, page);
        expect(found.counts).toEqual(ofAnyState.counts);
        expect(totalOf(found.counts)).toBe(ofAnyState.total);
        const known = await countStates(context(), null);
        expect(await findDatabases(context(), null, filter, sort, page, known)).toEqual(found);
        expect(found.total).toBe(found.databases.length);
        const wanted = filter.search.trim().toLowerCase();
        const expected = rows.filter(
          (row) =>
            row.texts.toLowerCase().includes(wanted) &&
            (filter.engine === null || row.type === filter.engine) &&
            (filter.storage === null || row.backup_storage_type === filter.storage),
        );
        expect(ofAnyState.databases.map(({ id }) => id).toSorted()).toEqual(
          expected.map(({ id }) => id).toSorted(),
        );
      }),
      { numRuns: 60 },
    );
  });

  async function findTexts() {
    const found = await db
      .selectFrom('databases')
      .innerJoin('environments', 'environments.id', 'databases.environment_id')
      .leftJoin('servers', 'servers.id', 'databases.server_id')
      .select(['databases.id', 'databases.name', 'databases.type', 'backup_storage_type', 'options'])
      .select(['environments.name as environment', 'servers.name as server'])
      .execute();
    const rows = found.map((row) => {
      const file: unknown = JSON.parse(row.options).filePath;
      return { ...row, texts: [row.name, row.environment, row.server, file].filter(Boolean).join('\n') };
    });
    return { rows };
  }

  it('knows the oldest, the latest, and which kinds there are', async () => {
    const known = [...(await protectionOf(context(), ids))];
    const goodAt = known.flatMap(([, { lastGood }]) => lastGood?.at ?? []).toSorted();
    expect((await oldestDatabase(context(), null))?.protection.lastGood?.at).toBe(goodAt[0]);
    expect(await oldestDatabase(context(), 'none')).toBeNull();
    const latest = await lastGoodDatabases(context(), null, 5);
    expect(latest.map(({ protection }) => protection.lastGood?.at)).toEqual(goodAt.toReversed().slice(0, 5));
    const rows = await db.selectFrom('databases').select(['id', 'environment_id']).execute();
    for (const environment of environments) {
      const own = new Set(rows.flatMap((row) => (row.environment_id === environment ? row.id : [])));
      const latest = await lastGoodDatabases(context(), environment, 200);
      const ofAll = await lastGoodDatabases(context(), null, 200);
      expect(latest).toEqual(ofAll.filter(({ id }) => own.has(id)));
      expect(latest.length).toBeGreaterThan(0);
      const ages = known.flatMap(([id, { lastGood }]) => (own.has(id) ? (lastGood?.at ?? []) : []));
      expect((await oldestDatabase(context(), environment))?.protection.lastGood?.at).toBe(
        ages.toSorted()[0],
      );
    }
    expect(new Set((await kindsOfDatabases(db, null)).map(({ type }) => type))).toEqual(
      new Set(['sqlite', 'mysql']),
    );
    expect(await kindsOfDatabases(db, 'none')).toEqual([]);
  });

  it('is filtered by bucket, and by a storage that the environment may not use', async () => {
    const at = NOW.toISOString();
    const inSpaces = await db
      .selectFrom('databases')
      .select(['id', 'environment_id'])
      .where('backup_storage_type', '=', 'spaces')
      .orderBy('id')
      .execute();
    const [first, second, ...rest] = inSpaces.map(({ id }) => id);
    const [enabled] = environments;
    const find = async (storage: DatabaseFilter['storage']) => {
      const page = { limit: 500, offset: 0 };
      const sort = { by: 'name', isDescending: false } as const;
      const found = await findDatabases(context(), null, { ...ALL, storage }, sort, page);
      expect(found.total).toBe(found.databases.length);
      return found.databases.map(({ id }) => id).sort();
    };
    const idsIn = (environment: string) =>
      inSpaces.filter((row) => row.environment_id === environment).map(({ id }) => id);
    expect(await find('off')).toEqual(inSpaces.map(({ id }) => id));
    await db
      .insertInto('spaces_config')
      .values({
        ...{ id: 's', access_key: 'a', secret_key: 's', region: 'r', endpoint: 'https://x' },
        ...{ created_at: at, updated_at: at },
      } as never)
      .execute();
    for (const [id, environment] of environments.entries()) {
      const row = { id: String(id), spaces_config_id: 's', environment_id: environment };
      await db
        .insertInto('spaces_environments')
        .values({ ...row, enabled: environment === enabled ? 1 : 0 })
        .execute();
    }
    const off = inSpaces.map(({ id }) => id).filter((id) => !idsIn(enabled).includes(id));
    expect(off.length).toBeGreaterThan(0);
    expect(off.length).toBeLessThan(inSpaces.length);
    expect(await find('off')).toEqual(off);

    const named = async (id: string | undefined, bucket: string) => {
      const set = { backup_spaces_bucket: bucket };
      await db
        .updateTable('databases')
        .set(set)
        .where('id', '=', id ?? '')
        .execute();
    };
    await named(first, 'one-bucket');
    await named(second, 'One-Bucket');
    expect(await find({ bucket: 'one-bucket' })).toEqual([first]);
    expect(await find({ bucket: 'none' })).toEqual([]);
    expect(await find('spaces')).toEqual([first, second, ...rest]);
    const kinds = await kindsOfDatabases(db, null);
    expect(new Set(kinds.map(({ bucket }) => bucket))).toEqual(new Set([null, 'one-bucket', 'One-Bucket']));
    expect(new Set(kinds.map(({ isOff }) => Number(isOff)))).toEqual(new Set([0, 1]));
  });
});
