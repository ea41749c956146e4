import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DATABASE_SORTS,
  type DatabaseFilter,
  findDatabases,
  type KnownDatabase,
} from '../../src/backups/database-list.ts';
import { PROTECTIONS } from '../../src/backups/protection.ts';

const ALL: DatabaseFilter = { search: '', state: null, engine: null, storage: null };
const NAMES = ['größe 🐘', 'a+b c', '"><script>', 'App', 'app', ''] as const;

const instants = fc.constantFrom(
  null,
  '2026-03-01T00:00:00.000Z',
  '2026-03-02T00:00:00.000Z',
  '2027-01-01T00:00:00.000Z',
);
const databases = fc
  .array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      type: fc.constantFrom('postgres', 'mysql', 'sqlite'),
      environmentName: fc.constantFrom('production', 'Zürich'),
      serverName: fc.constantFrom(null, 'db1', 'DB2'),
      filePath: fc.constantFrom(null, '/srv/Größe.db'),
      storageType: fc.constantFrom('local' as const, 'spaces' as const),
      state: fc.constantFrom(...PROTECTIONS),
      goodAt: instants,
      size: fc.option(fc.nat(), { nil: null }),
    }),
    { maxLength: 40 },
  )
  .map((given) =>
    given.map(
      ({ state, goodAt, ...one }, index): KnownDatabase => ({
        ...one,
        ...{ id: `c${index}`, environmentId: 'e', bucket: null, lastEnded: null, nextRunAt: null },
        protection: {
          ...{ state, dueAt: null, maxAgeHours: 26 },
          lastGood: goodAt === null ? null : { id: 'x', at: goodAt },
        },
      }),
    ),
  );
const sorts = fc.record({ by: fc.constantFrom(...DATABASE_SORTS), isDescending: fc.boolean() });

describe('the pages of a list of databases', () => {
  it('have each database once, however they are sorted, and the same in whatever order it was read', () => {
    fc.assert(
      fc.property(databases, sorts, fc.integer({ min: 1, max: 7 }), (known, sort, limit) => {
        const pages = (given: readonly KnownDatabase[]) => {
          const ids: string[] = [];
          for (let offset = 0; offset < given.length; offset += limit) {
            ids.push(...findDatabases(given, ALL, sort, { limit, offset }).databases.map(({ id }) => id));
          }
          return ids;
        };
        const ids = pages(known);
        expect(ids.toSorted()).toEqual(known.map(({ id }) => id).toSorted());
        expect(pages(known.toReversed())).toEqual(ids);
      }),
    );
  });

  it('begin with the worst, and of those with what has waited the longest', () => {
    fc.assert(
      fc.property(databases, (known) => {
        const found = findDatabases(
          known,
          ALL,
          { by: 'state', isDescending: false },
          { limit: 99, offset: 0 },
        );
        const ranks = found.databases.map(
          ({ protection }) => `${PROTECTIONS.indexOf(protection.state)} ${protection.lastGood?.at ?? ''}`,
        );
        expect(ranks).toEqual(ranks.toSorted());
      }),
    );
  });

  it('count every state, whichever is shown, and show what fits and nothing else', () => {
    const filters = fc.record({
      search: fc.constantFrom('', '  ', 'GRÖSSE', 'größe', 'zür', 'db', 'App', '<script', 'nothing'),
      state: fc.constantFrom(null, ...PROTECTIONS),
      engine: fc.constantFrom(null, 'mysql'),
      storage: fc.constantFrom(null, 'local' as const),
    });
    const page = { limit: 99, offset: 0 };
    fc.assert(
      fc.property(databases, filters, sorts, (known, filter, sort) => {
        const found = findDatabases(known, filter, sort, page);
        const ofAnyState = findDatabases(known, { ...filter, state: null }, sort, page);
        expect(found.counts).toEqual(ofAnyState.counts);
        expect(Object.values(found.counts).reduce((sum, count) => sum + count, 0)).toBe(ofAnyState.total);
        expect(found.total).toBe(filter.state === null ? ofAnyState.total : found.counts[filter.state]);
        const wanted = filter.search.trim().toLowerCase();
        for (const one of found.databases) {
          expect(filter.state === null || one.protection.state === filter.state).toBe(true);
          expect(filter.engine === null || one.type === filter.engine).toBe(true);
          expect(filter.storage === null || one.storageType === filter.storage).toBe(true);
          const texts = [one.name, one.serverName, one.environmentName, one.filePath]
            .join('\n')
            .toLowerCase();
          expect(texts).toContain(wanted);
        }
        const left = known.filter(({ id }) => !found.databases.some((one) => one.id === id));
        if (filter.state === null && filter.engine === null && filter.storage === null) {
          for (const one of left) expect(one.name.toLowerCase()).not.toContain(wanted);
        }
      }),
    );
  });
});
