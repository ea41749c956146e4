import { connect, createServer, type Server, type Socket } from 'node:net';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/db/node/postgres.ts';
import { translatePostgresError } from '../../src/db/node/postgres-failures.ts';
import type { Db } from '../../src/db/schema.ts';
import { isUniqueViolation } from '../../src/db/unique-violation.ts';
import { write } from '../../src/db/write.ts';
import { isAppError } from '../../src/errors.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let postgres: TestPostgres;
let db: Db;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('create table t (id bigint primary key, name text)');
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  db = openPostgres(postgres.url);
  await postgres.query('truncate t');
});
afterEach(() => db.destroy());

const PASSWORD = 'ge"heim $(x) „ü+🗄"';

/** The URL with parts of it replaced. */
function urlWith(change: {
  user?: string;
  password?: string;
  port?: number;
  database?: string;
  query?: string;
}) {
  const url = new URL(postgres.url);
  if (change.user !== undefined) url.username = encodeURIComponent(change.user);
  if (change.password !== undefined) url.password = encodeURIComponent(change.password);
  if (change.port !== undefined) url.port = String(change.port);
  if (change.database !== undefined) url.pathname = `/${encodeURI(change.database)}`;
  return `${url.href}${change.query ?? ''}`;
}

const insert = (id: number, name = 'n', patienceMs?: number) =>
  write(
    db,
    (trx) => sql`insert into t values (${id}, ${name})`.execute(trx),
    patienceMs === undefined ? {} : { patienceMs },
  );
const ids = async () => (await postgres.query('select id from t order by id')).map(({ id }) => Number(id));

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isAppError(error, 'unavailable')) throw new Error(`not a sentence: ${String(error)}`);
  // Nor in what the log would show of it.
  expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(PASSWORD);
  return error.message;
}

/** What is said when the database of that URL is asked once. */
async function failureAt(url: string): Promise<string> {
  const there = openPostgres(url);
  try {
    return await failureOf(sql`select 1`.execute(there));
  } finally {
    await there.destroy();
  }
}

describe('PostgreSQL as the database of the app', () => {
  it('gives counts, sums and sizes as numbers, and finds nothing by a NUL', async () => {
    await insert(6_000_000_000_000, 'a\0b');
    const { rows } = await sql<object>`
      select id, count(*) as count, sum(id) as sum from t where name <> ${'\0'} group by id`.execute(db);
    expect(rows).toEqual([{ id: 6_000_000_000_000, count: 1, sum: 6_000_000_000_000 }]);
    expect((await sql`select 1 from t where name = ${'a\0'}`.execute(db)).rows).toEqual([]);
  });

  it('tells a value that must be unique', async () => {
    await insert(1);
    const error: unknown = await insert(1).catch((thrown: unknown) => thrown);
    expect(isUniqueViolation(error)).toBe(true);
  });

  it('is written again where its connection was cut before the commit', async () => {
    let tries = 0;
    await write(db, async (trx) => {
      tries += 1;
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await sql`insert into t values (${tries}, 'n')`.execute(trx);
      if (tries === 1) await postgres.query(`select pg_terminate_backend(${rows[0]?.pid}, 5000)`);
    });
    expect(tries).toBe(2);
    expect(await ids()).toEqual([2]);
  });

  it('is waited for while it can not be reached', async () => {
    const way = await openWay(postgres.port);
    way.isDown = true;
    const there = openPostgres(urlWith({ port: way.port }));
    const writing = write(there, (trx) => sql`insert into t values (1, 'n')`.execute(trx));
    await until('some tries', 20_000, () => way.refused > 3);
    way.isDown = false;
    await writing;
    expect(await ids()).toEqual([1]);
    await there.destroy();
    await way.close();
  });

  it('says that a commit without an answer may have been done, and does not repeat it', async () => {
    const way = await openWay(postgres.port);
    const there = openPostgres(urlWith({ port: way.port }));
    let tries = 0;
    const writing = write(there, async (trx) => {
      tries += 1;
      await sql`insert into t values (1, 'n')`.execute(trx);
      way.isCut = true;
    });
    expect(await failureOf(writing)).toMatch(/Whether the last change was saved is not known/);
    expect(tries).toBe(1);
    await there.destroy();
    await way.close();
  });

  it('is not waited for longer than the patience while another session holds a lock', async () => {
    const other = new pg.Client({ connectionString: postgres.url });
    await other.connect();
    await other.query('begin; lock table t');
    const there = openPostgres(urlWith({ query: '?lock_timeout=50' }));
    const writing = write(there, (trx) => sql`insert into t values (1, 'n')`.execute(trx), {
      patienceMs: 200,
    });
    expect(await failureOf(writing)).toMatch(
      /^Another session holds a lock in the database "postgres" at 127\.0\.0\.1:/,
    );
    await other.end();
    await there.destroy();
  });
});

describe('a statement', () => {
  it('may take a minute, and wait five seconds for a lock; one of a migration takes its time', async () => {
    const limits = async (there: Db) => {
      const { rows } = await sql<object>`select current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock`.execute(there);
      return rows[0];
    };
    expect(await limits(db)).toEqual({ statement: '1min', lock: '5s' });
    const migrating = openPostgres(postgres.url, { isForMigration: true });
    expect(await limits(migrating)).toEqual({ statement: '0', lock: '0' });
    await migrating.destroy();
  });

  it('that takes longer is ended, with a sentence, and what is asked next is answered', async () => {
    const there = openPostgres(urlWith({ query: '?statement_timeout=500' }), { connections: 1 });
    expect(await failureOf(sql`select pg_sleep(30)`.execute(there))).toMatch(
      /^The database "postgres" at 127\.0\.0\.1:\d+ took too long with a statement .* Look at its load/,
    );
    expect((await sql`select 1 as one`.execute(there)).rows).toEqual([{ one: 1 }]);
    await there.destroy();
  });
});

describe('what goes wrong with PostgreSQL is a sentence', () => {
  it('where nothing listens', async () => {
    const port = await freePort();
    expect(await failureAt(urlWith({ port, password: PASSWORD }))).toBe(
      `The PostgreSQL of this app at 127.0.0.1:${port} can't be reached: nothing listens there (ECONNREFUSED). ` +
        'Check that it runs and that DATABASE_URL names it; nothing else needs to be done.',
    );
  });

  it('where its name is unknown', async () => {
    expect(await failureAt(`postgres://u:${encodeURIComponent(PASSWORD)}@nirgends.invalid/db`)).toMatch(
      /^The PostgreSQL of this app at nirgends\.invalid:5432 can't be reached: (no such name is known|its name could not be looked up)/,
    );
  });

  it('for a wrong password, an absent one, and an unknown database', async () => {
    expect(await failureAt(urlWith({ password: PASSWORD }))).toMatch(
      /refuses the user "postgres" of DATABASE_URL: password authentication failed.* Check the password/,
    );
    expect(await failureAt(urlWith({ password: '' }))).toMatch(
      /asks for a password .* DATABASE_URL has none/,
    );
    expect(await failureAt(urlWith({ database: 'keine „ü+🗄"' }))).toMatch(
      /has no database "keine „ü\+🗄""\. Make it/,
    );
  });

  it('for a user without rights', async () => {
    await postgres.query(`create role "gäst +" login password '${PASSWORD}'`);
    const there = openPostgres(urlWith({ user: 'gäst +', password: PASSWORD }));
    expect(await failureOf(write(there, (trx) => sql`insert into t values (1)`.execute(trx)))).toMatch(
      /^The user "gäst \+" may not do this in the database "postgres" at .*: permission denied for table t\. Make it the owner/,
    );
    await there.destroy();
  });

  it('for a server that only reads', async () => {
    const there = openPostgres(urlWith({ query: '?options=-c%20default_transaction_read_only%3Don' }));
    expect(await failureOf(write(there, (trx) => sql`insert into t values (1)`.execute(trx)))).toMatch(
      /^Nothing can be saved: the PostgreSQL at .* only reads .* standby.* primary/,
    );
    await there.destroy();
  });

  it('for a server without TLS where it is asked for', async () => {
    expect(await failureAt(urlWith({ query: '?sslmode=verify-full' }))).toMatch(/^No secure connection/);
  });

  it('for a certificate file that is not there, without the URL', () => {
    const open = () => openPostgres(urlWith({ password: PASSWORD, query: '?sslrootcert=/nirgends/ca.pem' }));
    expect(open).toThrow(/^A file that DATABASE_URL names can't be read: .*\/nirgends\/ca\.pem/);
    expect(open).not.toThrow(PASSWORD);
  });

  const server = { address: 'db.example.com:5432', database: 'b', user: 'u' };
  it.each([
    ['53100', 'could not extend file: No space left on device', /disk of the PostgreSQL at db.* is full/],
    ['53300', 'sorry, too many clients already', /no connection left.*max_connections/],
    ['57P03', 'the database system is starting up', /can't be reached: the database system is starting up/],
    ['57014', 'canceling statement due to statement timeout', /took too long/],
    ['58030', 'could not read block', /can't do its work: could not read block \(58030\)/],
    ['XX001', 'invalid page in block 3', /can't do its work/],
  ])('with the code %s', (code, message, sentence) => {
    const error = translatePostgresError(
      Object.assign(new Error(message), { code, severity: 'ERROR' }),
      server,
    );
    expect(isAppError(error, 'unavailable') && error.message).toMatch(sentence);
  });

  it.each(['23505', '23503', '42P01', '22P02'])(
    "but not with the code %s, which is the statement's",
    (code) => {
      const error = Object.assign(new Error('words'), { code, severity: 'ERROR' });
      expect(translatePostgresError(error, server)).toBe(error);
    },
  );
});

interface Way {
  readonly port: number;
  /** Connections are closed as soon as they come. */
  isDown: boolean;
  refused: number;
  /** The next words of the app still arrive, and no answer does. */
  isCut: boolean;
  close(): Promise<void>;
}

/** A way to the server that can be cut. */
async function openWay(target: number): Promise<Way> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((from) => {
    if (way.isDown) {
      way.refused += 1;
      from.destroy();
      return;
    }
    const to = connect(target, '127.0.0.1');
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    from.on('data', (chunk) => {
      to.write(chunk);
      if (way.isCut) from.destroy();
    });
    to.pipe(from);
    from.on('close', () => to.end());
  });
  const way: Way = {
    port: await freePort(),
    ...{ isDown: false, refused: 0, isCut: false },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
  await new Promise<void>((listening) => server.listen(way.port, '127.0.0.1', listening));
  return way;
}
