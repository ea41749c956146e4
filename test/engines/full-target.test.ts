import { expect, it } from 'vitest';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { restoreMysql } from '../../src/engines/mysql/restore.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';

const OF = {
  ...{ host: 'db', port: 1, databaseName: null, username: 'u', password: 'p', token: 't', format: 'plain' },
  ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
};
const plans = {
  postgres: restorePostgres({ ...OF, options: postgres.options.parse({}), newName: 'shop' }),
  mysql: restoreMysql({ ...OF, options: mysql.options.parse({}), newName: 'shop' }),
  sqlite: restoreSqlite({
    ...OF,
    host: null,
    port: null,
    options: sqlite.options.parse({}),
    newName: '/var/x/shop.db',
  }),
};

/** What the programs print, as servers of 15, 10.11 and sqlite3 3.40 say it. */
it.each([
  [
    'postgres',
    3,
    'psql:<stdin>:61: ERROR:  could not extend file "base/16385/16387": No space left on device',
  ],
  ['postgres', 3, 'ERROR:  could not write to file "base/pgsql_tmp/pgsql_tmp1.0": No space left on device'],
  ['postgres', 2, 'PANIC:  could not write to file "pg_wal/xlogtemp.77": No space left on device'],
  [
    'mysql',
    1,
    'ERROR 3 (HY000) at line 30: Error writing file \'/tmp/MLx\' (Errcode: 28 "No space left on device")',
  ],
  ['mysql', 1, "ERROR 1114 (HY000) at line 30: The table 't' is full"],
  [
    'mysql',
    1,
    'ERROR 1021 (HY000) at line 3: Disk full (/tmp/#sql); waiting for someone to free some space...',
  ],
  ['sqlite', 1, 'Runtime error near line 9: database or disk is full (13)'],
  ['sqlite', 1, 'cat: write error: No space left on device'],
  // As dash says it.
  ['sqlite', 2, 'sh: 1: echo: echo: I/O error'],
] as const)(
  'a disk of the target that is full is told of as that: %s, status %i, %s',
  (engine, exitCode, stderr) => {
    const error = plans[engine].explain({ exitCode, stderr });
    expect(error).toMatchObject({ code: 'dump_failed' });
    expect(error?.message).toMatch(/(?:is|ran) full.*Free (?:some of it|space there)/);
    expect(error?.message).toContain('shop');
  },
);
