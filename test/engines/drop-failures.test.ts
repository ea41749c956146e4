import { expect, it } from 'vitest';
import { explainPostgresDrop } from '../../src/engines/postgres/drop-failures.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { explainSqliteDrop, KEPT_FAILURES } from '../../src/engines/sqlite/drop-failures.ts';
import { explainSqliteRestore } from '../../src/engines/sqlite/restore-failures.ts';

/** What is said of a drop that failed is about a drop, and never that something is to be restored again. */

const NAME = 'shop ü" <b>_before';
const target = {
  ...{ host: 'db', port: 5432, databaseName: 'shop', username: 'app', password: 'pass word', address: null },
  ...{ options: postgres.options.parse({}), newName: 'shop', token: 't1', format: 'plain' as const },
  ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
};
const said = (stderr: string) => explainPostgresDrop(target, NAME, { exitCode: 3, stderr })?.message ?? '';

it.each([
  ['FATAL:  57P01: terminating connection due to administrator command', 'Nobody knows yet whether'],
  ['psql: error: server closed the connection unexpectedly', 'Nobody knows yet whether'],
  ['ERROR:  53100: could not write to file: No space left on device', 'the disk of the server'],
  ['ERROR:  42P04: database "bp_drop_t1" already exists', 'the name under which'],
  ['FEHLER:  42P04: Datenbank existiert bereits', 'the name under which'],
  ['psql: error: FATAL:  the database system is starting up', 'lets nobody in just now'],
  ['ERROR:  42501: must be owner of database x', 'The user may not drop'],
])('of PostgreSQL: %s', (words, expected) => {
  const message = said(`${words}\n`);
  expect(message).toContain(expected);
  expect(message).toContain(`"${NAME}"`);
  expect(message).not.toMatch(/restore again|another name\./);
});

it('names the database that may not be entered, which is not the one to be dropped', () => {
  const message = said(
    'psql: error: connection to server at "db" failed: FATAL:  permission denied for database "postgres"\nDETAIL:  User does not have CONNECT privilege.\n',
  );
  expect(message).toContain('may not connect to the database "postgres", from which database "shop');
});

it('names what it is called where it could not be given its name back, whatever failed', () => {
  for (const words of ['ERROR:  57014: canceling statement', 'bridgeport: it was used since']) {
    expect(said(`${words}\nbridgeport-note: it is called bp_drop_t1\n`)).toMatch(
      /^It was not dropped.* is called “bp_drop_t1” now: rename it/,
    );
  }
  expect(said('bridgeport: it was used since\n')).not.toContain('bp_drop_t1');
});

it('of a folder that is not there says to see whether its disk is mounted, and how that is settled', () => {
  const failure = { exitCode: 66, stderr: 'bridgeport: no folder: /srv/ü "x"\n' };
  const path = '/srv/ü "x"/app.db';
  for (const explained of [
    explainSqliteRestore(path, failure),
    explainSqliteDrop(KEPT_FAILURES, path, failure),
  ]) {
    expect(explained?.message).toMatch(/see whether its disk is mounted.* gone for good/i);
    expect(explained?.message).not.toContain('new file');
  }
});
