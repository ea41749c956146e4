import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpPlan, Looked } from '../../src/engines/engine.ts';
import type { MysqlTarget } from '../../src/engines/mysql/connection.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { restoreMysql } from '../../src/engines/mysql/restore.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import { startRogueMysql } from '../support/rogue-servers.ts';
import { until } from '../support/until.ts';
import { checksOf, load, restore, runOn } from './restoring.ts';
import { runInShell, type ShellOptions } from './shell.ts';

let server: TestMariadb;
/** With TLS, and a time that nobody may set. */
let secure: TestMariadb;
let folder: string;
/** Names are of MariaDB's utf8mb3; a password may hold more. */
const HOSTILE = `x'"; $(touch /tmp/never) \`id\` \\ ü\t#-host=evil;[client] %00 /* -- `;
const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mysql-test-'));
  server = await startMariadb();
  secure = await startMariadb({ tls: true, args: ['--secure-timestamp=YES'] });
  await server.createDatabase('shop');
  await fillMariadb(server, 'shop', 2);
});
afterAll(async () => {
  await secure?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

function target(over: Partial<MysqlTarget> = {}, options: Record<string, unknown> = {}): MysqlTarget {
  return {
    host: '127.0.0.1',
    port: server.port,
    databaseName: 'shop',
    ...server.superuser,
    ...over,
    options: mysql.options.parse(options),
  };
}

async function dumped(plan: DumpPlan, options?: ShellOptions): Promise<Buffer> {
  const { exitCode, stderr, stdout } = await runInShell(plan.command, options);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const proof = plan.newEndProof();
  proof.observe(stdout);
  proof.finish();
  return stdout;
}

async function probed(
  over: Partial<MysqlTarget> = {},
  options: Record<string, unknown> = {},
): Promise<Looked> {
  const plan = mysql.look(target(over, options));
  const result = await runInShell(plan.command);
  if (result.exitCode !== 0) throw plan.explain(result) ?? new Error(result.stderr);
  return plan.read(result.stdout.toString());
}

/** The error that an admin gets of a dump that fails. */
async function refusal(
  over: Partial<MysqlTarget>,
  options: Record<string, unknown> = {},
  shell: ShellOptions = {},
): Promise<unknown> {
  const plan = mysql.dump(target(over, options));
  const result = await runInShell(plan.command, shell);
  expect(result.exitCode).not.toBe(0);
  return plan.explain(result) ?? new Error(result.stderr);
}

/** Through the socket, which holds a fifth of a MiB: what a port's receiver holds may grow to tens of MiB, a whole table. */
const throughSocket = (databaseName: string) =>
  mysql.dump(target({ host: server.socket, port: null, username: 'root', password: null, databaseName }));

/**
 * What a dump through the socket left in the middle of which, as it reads that table of several MiB, something is done: its
 * reader stands still until then.
 */
async function whileReading(
  table: string,
  database: string,
  { command }: DumpPlan,
  act: (connection: string) => Promise<unknown>,
) {
  const done = join(folder, `done-${crypto.randomUUID()}`);
  const script = `set -o pipefail
{ ${command.script}
} | { while [ ! -e ${done} ]; do sleep 0.05; done; cat; }`;
  const running = runInShell({ ...command, script }, { shell: ['bash'] });
  const connection = await until('the dump to read the table', 60_000, async () => {
    const [found] = await server.query(
      `SELECT id FROM information_schema.PROCESSLIST WHERE db = '${database}' AND info LIKE '%FROM \`${table}\`%'`,
    );
    return found?.[0];
  });
  await act(connection);
  await writeFile(done, '');
  return await running;
}

let users = 0;
/** A user with just these grants; `DB` stands for the database. */
async function userWith(grants: readonly string[]): Promise<{ username: string; password: string }> {
  users += 1;
  const username = `user${users}`;
  await server.query(
    [
      `CREATE USER ${username}@'%' IDENTIFIED BY 'p'`,
      ...grants.map((grant) => `GRANT ${grant} TO ${username}@'%'`),
    ].join(';'),
  );
  return { username, password: 'p' };
}

describe('a dump', () => {
  it.each(SHELLS)('made by %s %s restores with equal content', async (...shell) => {
    const sql = await dumped(mysql.dump(target()), { shell: shell.filter(Boolean) });
    await server.query('DROP DATABASE IF EXISTS restored');
    await server.createDatabase('restored');
    await server.restore(sql, 'restored');
    const expected = await mariadbChecksums(server, 'shop');
    expect(Object.keys(expected).length).toBeGreaterThan(10);
    expect(await mariadbChecksums(server, 'restored')).toEqual(expected);
  });

  it('is of one moment, while writers go on', async () => {
    await server.createDatabase('busy');
    await server.query('CREATE TABLE a (n int); CREATE TABLE b (n int)', 'busy');
    let stopped = false;
    const writing = (async () => {
      for (let n = 0; !stopped; n += 1) {
        await server.query(
          `START TRANSACTION; INSERT INTO a VALUES (${n}); INSERT INTO b VALUES (${n}); COMMIT`,
          'busy',
        );
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      const sql = (await dumped(mysql.dump(target({ databaseName: 'busy' })))).toString();
      const rows = (table: string) =>
        new RegExp(`INSERT INTO \`${table}\` VALUES\\s*([^;]*);`).exec(sql)?.[1]?.replaceAll(/\s/g, '') ?? '';
      expect(rows('a')).toBe(rows('b'));
    }
    stopped = true;
    await writing;
  });

  it('locks the tables where one of them has no transactions', async () => {
    await server.createDatabase('old');
    await server.query('CREATE TABLE a (n int) ENGINE=MyISAM; CREATE TABLE b (n int) ENGINE=InnoDB', 'old');
    await server.query(
      'SET GLOBAL general_log = ON; SET GLOBAL log_output = "TABLE"; TRUNCATE mysql.general_log',
    );
    await dumped(mysql.dump(target({ databaseName: 'old' })));
    await dumped(mysql.dump(target()));
    await server.query('SET GLOBAL general_log = OFF');
    const statements = (await server.query('SELECT argument FROM mysql.general_log')).map(([text]) =>
      String(text),
    );
    expect(statements.filter((text) => text.startsWith('LOCK TABLES `'))).toEqual([
      expect.stringMatching(/^LOCK TABLES `a` READ.*`b` READ/),
    ]);
    expect(statements.filter((text) => /^START TRANSACTION.*CONSISTENT SNAPSHOT/.test(text))).toHaveLength(1);
  });

  it('takes names and passwords with any character literally', async () => {
    await server.createDatabase(HOSTILE.slice(0, 60).trim());
    const password = `${HOSTILE}🙂'"\\n\n\r\b`;
    const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    await server.query(
      `CREATE USER ${quoted(HOSTILE.slice(0, 40))}@'%' IDENTIFIED BY ${quoted(password)}; GRANT ALL ON *.* TO ${quoted(HOSTILE.slice(0, 40))}@'%'`,
    );
    const hostile = { databaseName: HOSTILE.slice(0, 60).trim(), username: HOSTILE.slice(0, 40), password };
    for (const shell of SHELLS) {
      const sql = await dumped(mysql.dump(target(hostile)), { shell });
      expect(sql.toString()).toContain(`Database: ${hostile.databaseName}`);
    }
    expect((await probed(hostile)).serverVersion).toContain('MariaDB');
  });

  it('reads a database whose name begins with a dash', async () => {
    await server.createDatabase('--all-databases');
    const sql = await dumped(mysql.dump(target({ databaseName: '--all-databases' })));
    expect(sql.toString()).not.toContain('`accounts`');
  });

  it('says so where the tool itself fails on a quote in the name of a database with events', async () => {
    const databaseName = `o"brien's`;
    await server.createDatabase(databaseName);
    await server.query('CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT 1', databaseName);
    expect(await refusal({ databaseName })).toMatchObject({
      code: 'dump_failed',
      message: expect.stringContaining('quotes or backslashes in its name'),
    });
  });

  it('goes to the socket without a host, or with its path as the host', async () => {
    const root = { username: 'root', password: null, port: null };
    await dumped(mysql.dump(target({ ...root, host: server.socket })));
    expect(await refusal({ ...root, host: '/nowhere/my.sock' })).toMatchObject({ code: 'dump_refused' });
    const plan = mysql.dump(target({ ...root, host: null }));
    const script = plan.command.script.replace('/run/mysqld/mysqld.sock', server.socket);
    await dumped({ ...plan, command: { ...plan.command, script } });
  });

  it('is not led astray by what the host has set', async () => {
    await writeFile(join(folder, '.my.cnf'), '[client]\nhost=127.0.0.9\nuser=evil\n[mysqldump]\nno-data\n');
    const env = {
      HOME: folder,
      MYSQL_HOME: folder,
      MYSQL_HOST: '127.0.0.9',
      MYSQL_TCP_PORT: '1',
      MYSQL_UNIX_PORT: '/nowhere',
      MYSQL_PWD: 'wrong',
      MYSQL_GROUP_SUFFIX: '_evil',
    };
    const sql = await dumped(mysql.dump(target()), { env });
    expect(sql.toString()).toContain('INSERT INTO `accounts`');
    expect(await refusal({ password: null }, {}, { env })).toMatchObject({ code: 'dump_refused' });
  });
});

describe('a look', () => {
  it('tells the versions of server and client, and the size', async () => {
    const probe = await probed();
    expect(probe.serverVersion).toMatch(/^\d+\.\d+\.\d+-MariaDB/);
    expect(probe.clientVersion).toMatch(/^\d+\.\d+\.\d+-MariaDB/);
    expect(probe.estimatedBytes).toBeGreaterThan(2 ** 20);
  });

  it('is content with the smallest grants, and so is the dump, with all of the database in it', async () => {
    const user = await userWith([
      'SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON shop.*',
      'SELECT ON mysql.proc',
    ]);
    await probed(user);
    const sql = await dumped(mysql.dump(target(user)));
    await server.query('DROP DATABASE IF EXISTS least');
    await server.createDatabase('least');
    await server.restore(sql, 'least');
    expect(await mariadbChecksums(server, 'least')).toEqual(await mariadbChecksums(server, 'shop'));
  });

  it('is content with them, and so is the dump, where tables are locked', async () => {
    await server.createDatabase('oldest');
    await server.query('CREATE TABLE a (n int) ENGINE=MyISAM; INSERT INTO a VALUES (5)', 'oldest');
    const user = await userWith([
      'SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON oldest.*',
      'SELECT ON mysql.proc',
    ]);
    await probed({ ...user, databaseName: 'oldest' });
    const sql = await dumped(mysql.dump(target({ ...user, databaseName: 'oldest' })));
    expect(sql.toString()).toMatch(/INSERT INTO `a` VALUES\s*\(5\)/);
  });

  it('accepts what a role grants', async () => {
    await server.query(
      'CREATE ROLE readers; GRANT ALL ON shop.* TO readers; GRANT SELECT ON mysql.proc TO readers',
    );
    const user = await userWith(['readers']);
    await server.query(`SET DEFAULT ROLE readers FOR ${user.username}@'%'`);
    await probed(user);
    expect((await dumped(mysql.dump(target(user)))).toString()).toContain('notes_touch');
  });

  it.each([
    ['triggers', ['SELECT, SHOW VIEW, EVENT ON shop.*', 'SELECT ON mysql.proc'], /Missing: TRIGGER\./],
    ['routines', ['SELECT, SHOW VIEW, EVENT, TRIGGER ON shop.*'], /Missing: SELECT on mysql\.proc/],
    [
      'some tables',
      ['SELECT ON shop.accounts', 'EXECUTE ON shop.*'],
      /Missing: SELECT; SHOW VIEW; TRIGGER; EVENT/,
    ],
    ['another database', ['ALL ON `shop\\_x`.*', 'SELECT ON shop.notes'], /Missing: SELECT;/],
  ])(
    'refuses a user who may not see %s, of which the dump would lack some silently',
    async (_what, grants, message) => {
      const user = await userWith(grants);
      await expect(probed(user)).rejects.toMatchObject({
        code: 'dump_refused',
        message: expect.stringMatching(message),
      });
    },
  );

  it('never repeats the hash of the password', async () => {
    const { command } = mysql.look(target(await userWith(['ALL ON shop.*'])));
    const { stdout } = await runInShell(command);
    expect(stdout.toString()).toContain('bridgeport:grant=GRANT');
    expect(stdout.toString()).not.toMatch(/IDENTIFIED|\*[0-9A-F]{40}/);
  });
});

describe('what to know before relying on a dump', () => {
  it('is nothing for plain tables', async () => {
    await server.createDatabase('fine');
    await server.query('CREATE TABLE t (n int)', 'fine');
    expect((await probed({ databaseName: 'fine' })).warnings).toEqual([]);
  });

  it('is told', async () => {
    await server.createDatabase('warned');
    await server.query(
      `CREATE TABLE t (n float) ENGINE=MyISAM;
       CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT ';;'`,
      'warned',
    );
    expect((await probed({ databaseName: 'warned' })).warnings).toEqual([
      expect.stringMatching(/without transactions .*: 1\./),
      expect.stringMatching(/FLOAT: 1\./),
      expect.stringMatching(/Events with ";;" .*: 1\./),
    ]);
  });
});

describe('a table whose rows are wider than innodb_strict_mode allows', () => {
  const columns = (count: number) =>
    Array.from({ length: count }, (_, n) => `\`t ü ${n}\` varchar(2000) CHARACTER SET latin1`).join(', ');
  const WIDE: readonly [string, number][] = [
    ['COMPACT', 12],
    ['REDUNDANT', 12],
  ];

  it.each(WIDE)('is told of, dumped, and restored without strict mode: %s', async (format, count) => {
    const [from, to] = [`grown ${format}`, `regrown ${format}`];
    for (const name of [from, to]) await server.createDatabase(name);
    await server.query(
      `SET SESSION innodb_strict_mode=OFF; CREATE TABLE \`wide "+"\` (a int PRIMARY KEY, ${columns(count)}) ROW_FORMAT=${format}; INSERT INTO \`wide "+"\` (a) VALUES (7)`,
      from,
    );
    expect((await probed({ databaseName: from })).warnings).toEqual([
      expect.stringMatching(/innodb_strict_mode allows: 1\. .*--init-command/),
    ]);
    const sql = await dumped(mysql.dump(target({ databaseName: from })));
    await expect(server.restore(sql, to)).rejects.toThrow(/1118/);
    const plan = restoreMysql({
      ...{ ...target(), databaseName: null, newName: to, token: 'wide', format: 'plain' },
      ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
    });
    await server.dropDatabase(to);
    expect(await restore(plan, sql)).toEqual({ 'wide "+"': 1 });
    expect(await mariadbChecksums(server, to)).toEqual(await mariadbChecksums(server, from));
  });

  it('is not told of where it is allowed', async () => {
    await server.createDatabase('allowed');
    await server.query(`CREATE TABLE t (a int PRIMARY KEY, ${columns(30)}) ROW_FORMAT=DYNAMIC`, 'allowed');
    expect((await probed({ databaseName: 'allowed' })).warnings).toEqual([]);
  });
});

it('restores a table whose default is a sequence', async () => {
  for (const name of ['counting', 'counted']) await server.createDatabase(name);
  await server.query(
    'CREATE SEQUENCE s; CREATE TABLE t (id INT DEFAULT nextval(s), n INT); INSERT INTO t (n) VALUES (7), (8)',
    'counting',
  );
  await server.restore(await dumped(mysql.dump(target({ databaseName: 'counting' }))), 'counted');
  expect(await server.query('SELECT * FROM t ORDER BY n', 'counted')).toEqual(
    await server.query('SELECT * FROM t ORDER BY n', 'counting'),
  );
});

describe('what is wrong is said', () => {
  const cases: readonly [string, () => Partial<MysqlTarget>, string, RegExp][] = [
    ['a wrong password', () => ({ password: 'wrong' }), 'dump_refused', /wrong user or password/],
    ['an unknown user', () => ({ username: 'nobody' }), 'dump_refused', /user "nobody"/],
    ['a missing database', () => ({ databaseName: 'nowhere' }), 'dump_source_missing', /"nowhere"/],
    ['a port where nobody listens', () => ({ port: 1 }), 'dump_refused', /No MySQL server answered/],
    ['an unknown host', () => ({ host: 'no-such-host.invalid' }), 'dump_refused', /not found from the host/],
  ];
  it.each(cases)('of %s', async (_name, over, code, message) => {
    const error = await refusal(over());
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    await expect(probed(over())).rejects.toMatchObject({ code });
    expect(JSON.stringify(error)).not.toContain(server.superuser.password);
  });

  it('of a routine that may be seen but not read', async () => {
    const user = await userWith(['SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON shop.*']);
    await probed(user);
    expect(await refusal(user)).toMatchObject({
      code: 'dump_refused',
      message: expect.stringContaining('mysql.proc'),
    });
  });

  it('of a user who may not lock the tables that need it', async () => {
    await server.createDatabase('tolock');
    await server.query('CREATE TABLE a (n int) ENGINE=Aria', 'tolock');
    const user = await userWith(['SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON tolock.*']);
    expect(await refusal({ ...user, databaseName: 'tolock' })).toMatchObject({
      code: 'dump_refused',
      message: expect.stringContaining('LOCK TABLES'),
    });
  });

  it('of a view whose table is gone', async () => {
    await server.createDatabase('broken');
    await server.query('CREATE TABLE t (a int); CREATE VIEW v AS SELECT * FROM t; DROP TABLE t', 'broken');
    expect(await refusal({ databaseName: 'broken' })).toMatchObject({ code: 'dump_failed' });
  });

  it('of a server that ends the connection during the dump', async () => {
    await server.createDatabase('long');
    await server.query(
      'CREATE TABLE t AS SELECT seq, REPEAT(MD5(seq), 30) AS noise FROM seq_1_to_20000',
      'long',
    );
    const plan = throughSocket('long');
    const result = await whileReading('t', 'long', plan, (connection) => server.query(`KILL ${connection}`));
    expect(result.exitCode).not.toBe(0);
    expect(plan.explain(result)).toMatchObject({
      code: 'dump_failed',
      message: expect.stringContaining('ended'),
    });
    const proof = plan.newEndProof();
    proof.observe(result.stdout);
    expect(() => proof.finish()).toThrow('not whole');
  });

  it.each([
    ['of a table that another one replaced during the dump', 'DROP TABLE _t_old', 65],
    ['but not of one that has come back', 'RENAME TABLE t TO _t_new, _t_old TO t', 0],
  ])('%s', async (_name, then, status) => {
    await server.dropDatabase('changing');
    await server.createDatabase('changing');
    await server.query(
      `CREATE TABLE t (n int); INSERT INTO t SELECT seq FROM seq_1_to_9; CREATE TABLE \`_t_new\` LIKE t;
      CREATE TABLE m AS SELECT seq, REPEAT('x', 1000000) AS noise FROM seq_1_to_20`,
      'changing',
    );
    const plan = throughSocket('changing');
    const result = await whileReading('m', 'changing', plan, async () => {
      // Of a table the server tells the second.
      await until('the next second', 60_000, async () => {
        const [answer] = await server.query(
          `SELECT MAX(CREATE_TIME) < NOW() FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'changing'`,
        );
        return answer?.[0] === '1' ? true : undefined;
      });
      await server.query(
        `INSERT INTO _t_new SELECT * FROM t; RENAME TABLE t TO _t_old, _t_new TO t; ${then}`,
        'changing',
      );
    });
    expect(result.stdout.toString()).toContain('-- Dump completed');
    expect(result.exitCode).toBe(status);
    if (status === 0) return;
    expect(result.stdout.toString()).not.toContain('INSERT INTO `t`');
    expect(plan.explain(result)).toMatchObject({
      code: 'dump_failed',
      message: expect.stringContaining('"t" became another table'),
    });
  });

  it('of a server that gives only some rows of a table', async () => {
    await server.query('SET GLOBAL sql_select_limit = 1');
    try {
      const said = { code: 'dump_refused', message: expect.stringContaining('at most 1 rows of a query') };
      expect(await refusal({})).toMatchObject(said);
      await expect(probed()).rejects.toMatchObject(said);
      // What servers of another width have where there is none.
      await server.query('SET GLOBAL sql_select_limit = 9223372036854775807');
      await server.createDatabase('endless');
      await probed();
      await dumped(mysql.dump(target({ databaseName: 'endless' })));
    } finally {
      await server.query('SET GLOBAL sql_select_limit = DEFAULT');
    }
  });

  it('of a host without the programs', async () => {
    const env = { PATH: folder };
    const plan = mysql.dump(target());
    const script = plan.command.script.replaceAll(/\/(usr|opt)\/[\w/*.-]+/g, '/nowhere');
    const result = await runInShell({ ...plan.command, script }, { shell: ['/bin/sh'], env });
    expect(result.exitCode).toBe(127);
    expect(plan.explain(result)).toMatchObject({ code: 'dump_tool_missing' });
  });

  it('of a name, a password or a path that can’t be written', () => {
    expect(() => mysql.dump(target({ password: 'a\0b' }))).toThrow('NUL');
    expect(() => mysql.dump(target({ password: 'x'.repeat(5000) }))).toThrow('too long');
    expect(() => mysql.dump(target({ databaseName: null }))).toThrow('missing');
  });
});

describe('TLS', () => {
  beforeAll(async () => {
    await secure.createDatabase('shop');
    await secure.query(
      `CREATE TABLE t AS SELECT 1 AS a; CREATE USER tls@'%' IDENTIFIED BY 'p' REQUIRE SSL; GRANT ALL ON *.* TO tls@'%'`,
      'shop',
    );
  });

  it('is used where it is required', async () => {
    const user = { port: secure.port, username: 'tls', password: 'p' };
    await probed(user, { useSsl: true });
    await dumped(mysql.dump(target(user, { useSsl: true })));
  });

  it('is never left out silently: a server without it is refused, by the look and by the dump', async () => {
    const refused = { code: 'dump_refused', message: expect.stringContaining('does not offer it') };
    await expect(probed({}, { useSsl: true })).rejects.toMatchObject(refused);
    expect(await refusal({}, { useSsl: true })).toMatchObject(refused);
  });
});

describe('on a host that has MySQL’s own programs, too', () => {
  /** Programs that print MySQL's version and what they were told; the server they ask names the given version. */
  async function fakePrograms(serverVersion: string): Promise<string> {
    const programs = await mkdtemp(join(folder, 'mysql-'));
    const mysqldump = `#!/bin/sh
case "$*" in
*--version*) echo 'mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)' ;;
*--help*) echo '  --column-statistics Add an ANALYZE TABLE statement' ;;
*) printf '%s\n' "$@"; cat "\${1#--defaults-file=}" ;;
esac
`;
    const client = `#!/bin/sh
cat "\${1#--defaults-file=}" >/dev/null
case "$*" in
*'SELECT VERSION'*) echo '${serverVersion}' ;;
*Ssl_cipher*) printf 'Ssl_cipher\tTLS_AES_256_GCM_SHA384\n' ;;
*sql_select_limit*) echo '0 0 18446744073709551615' ;;
*) echo 0 ;;
esac
`;
    for (const [name, text] of [
      ['mysqldump', mysqldump],
      ['mysql', client],
    ] as const) {
      await writeFile(join(programs, name), text, { mode: 0o755 });
    }
    return `${programs}:${process.env['PATH']}`;
  }

  it('takes them for a server of MySQL, with the options that only they know', async () => {
    const { command } = mysql.dump(target({}, { useSsl: true }));
    const { stdout } = await runInShell(command, { env: { PATH: await fakePrograms('8.0.36') } });
    const lines = stdout.toString().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining(['--single-transaction', '--set-gtid-purged=OFF', '--column-statistics=0']),
    );
    expect(lines).toEqual(expect.arrayContaining(['[client]', 'ssl-mode=REQUIRED', 'user="admin"']));
    expect(lines).not.toContain('ssl');
  });

  it('has them verify the host name against the given authority, which comes through a pipe', async () => {
    const tls = { tlsMode: 'verify', tlsCa: '-----the authority-----' };
    const { command } = mysql.dump(target({ host: 'db.example' }, tls));
    const env = { PATH: await fakePrograms('8.0.36') };
    const script = command.script.replace(/with_options "\$dump_tool"/, 'with_options cat /dev/fd/4; $&');
    const lines = (await runInShell({ ...command, script }, { env })).stdout.toString().split('\n');
    expect(lines[0]).toBe('-----the authority-----');
    expect(lines).toEqual(expect.arrayContaining(['ssl-mode=VERIFY_IDENTITY', 'ssl-ca=/dev/fd/4']));
  });

  it.each(['10.11.6-MariaDB', '8.0.36\tmariadb.org binary distribution'])(
    'takes MariaDB’s for a server of MariaDB: %j',
    async (serverVersion) => {
      const env = { PATH: await fakePrograms(serverVersion) };
      expect((await dumped(mysql.dump(target()), { env })).toString()).toContain('-- MariaDB dump');
    },
  );
});

describe('on a host that has only MariaDB’s programs', () => {
  /** MariaDB's, but that the server says to be of that version. */
  async function programsFor(serverVersion: string): Promise<string> {
    const programs = await mkdtemp(join(folder, 'mariadb-'));
    const client = `#!/bin/sh
case "$*" in
*'SELECT VERSION()'*) cat "\${1#--defaults-file=}" >/dev/null; printf '%s\n' '${serverVersion}' ;;
*) exec /usr/bin/mariadb "$@" ;;
esac
`;
    await writeFile(join(programs, 'mariadb'), client, { mode: 0o755 });
    const dump = `#!/bin/sh\nexec /usr/bin/mariadb-dump "$@"\n`;
    await writeFile(join(programs, 'mariadb-dump'), dump, { mode: 0o755 });
    return `${programs}:${process.env['PATH']}`;
  }

  it.each([
    '8.4.3\tMySQL Community Server - GPL',
    '9.7.1\tMySQL Community Server - GPL',
    '8.0.36-28\tPercona Server (GPL), Release 28',
    '5.7.44-log\tMySQL Community Server (GPL)',
    '8.0.36$(touch /tmp/never)\tx',
  ])('a server of MySQL is refused, by the look and by the dump: %j', async (serverVersion) => {
    const env = { PATH: await programsFor(serverVersion) };
    const number = /^[\d.]+/.exec(serverVersion)?.[0] ?? '';
    for (const plan of [mysql.look(target()), mysql.dump(target())]) {
      const result = await runInShell(plan.command, { env });
      expect(result.stdout.toString()).toBe('');
      const error = plan.explain(result);
      expect(error).toMatchObject({ code: 'dump_tool_missing' });
      expect(error?.message).toContain(`is MySQL ${number}, but the host has only MariaDB's client programs`);
      expect(error?.message).toMatch(/mysql-client .*mysql-community-client/);
    }
  });

  it('a server of MariaDB that hides it in its version is not', async () => {
    const env = { PATH: await programsFor('8.0.36\tMariaDB Server') };
    expect((await dumped(mysql.dump(target()), { env })).toString()).toContain('-- MariaDB dump');
  });
});

describe('a versioned table', () => {
  const HISTORY =
    'CREATE TABLE kept (n int) WITH SYSTEM VERSIONING; INSERT INTO kept VALUES (1); UPDATE kept SET n = 2';

  it('is dumped with its history where the server would take that back, else as it is now', async () => {
    for (const one of [server, secure]) {
      await one.createDatabase('kept');
      await one.query(HISTORY, 'kept');
    }
    const plan = mysql.dump(target({ databaseName: 'kept' }));
    const whole = await dumped(plan);
    expect(whole.toString()).toContain('INSERT INTO `kept` (`n`, row_start, row_end) VALUES');
    const present = /INSERT INTO `kept` VALUES\n\(2\);/;
    const there = target({ port: secure.port, ...secure.superuser, databaseName: 'kept' });
    expect((await dumped(mysql.dump(there))).toString()).toMatch(present);
    const unknown = { serverVersion: null, clientVersion: null, expectedBytes: null, needs: null };
    const known = { ...unknown, newName: 'again', token: 'kept', format: 'plain' };
    await expect(load(restoreMysql({ ...there, ...known }), whole)).rejects.toMatchObject({
      code: 'dump_refused',
      message: expect.stringContaining('(secure_timestamp). Restore with a user that has BINLOG REPLAY'),
    });
    // As a server of before 10.11 answers, which has no such variable.
    const programs = await mkdtemp(join(folder, 'older-'));
    const client = `#!/bin/sh
for argument; do
  shift
  set -- "$@" "$(printf '%s' "$argument" | sed s/SYSTEM_VERSIONING_INSERT_HISTORY/NOTHING/)"
done
exec /usr/bin/mariadb "$@"
`;
    await writeFile(join(programs, 'mariadb'), client, { mode: 0o755 });
    await writeFile(join(programs, 'mariadb-dump'), '#!/bin/sh\nexec /usr/bin/mariadb-dump "$@"\n', {
      mode: 0o755,
    });
    const env = { PATH: `${programs}:${process.env['PATH']}` };
    expect((await dumped(plan, { env })).toString()).toMatch(present);
    // A row that went when it came: servers keep it, and take it back from nobody.
    const name = `it\`s "ü" 'x`;
    const quoted = name.replace('`', '``');
    await server.query(
      `CREATE TABLE \`${quoted}\` (id int PRIMARY KEY, n int, \`c'ame\` timestamp(6) GENERATED ALWAYS AS ROW START,
        \`w ent\` timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (\`c'ame\`, \`w ent\`)) WITH SYSTEM VERSIONING;
      REPLACE INTO \`${quoted}\` (id, n) VALUES (1, 1), (1, 2)`,
      'kept',
    );
    const turned = await dumped(plan);
    expect(turned.toString()).toMatch(present);
    const back = restoreMysql({ ...target({ databaseName: 'kept' }), ...known });
    expect(await restore(back, turned)).toEqual({ kept: 1, [name]: 1 });
  });
});

describe('a server that asks for files of the host', () => {
  it('gets none', async () => {
    const wantedFile = join(folder, 'secrets of the host');
    await writeFile(wantedFile, 'the content of a file');
    const rogue = await startRogueMysql({ wantedFile });
    try {
      const there = target({ host: '127.0.0.1', port: rogue.port, username: 'x', password: 'x' });
      for (const { command } of [mysql.look(there), mysql.dump(there)]) {
        await runInShell(command);
        expect(rogue.heard()).not.toContain('the content of a file');
      }
      expect(rogue.heard()).toContain('SELECT');
    } finally {
      await rogue.close();
    }
  });

  it('is told so by an option that the client knows', async () => {
    const [lines] = mysql.look(target()).command.script.split('choose_tools &&');
    const script = `${lines}\nchoose_tools; options | mariadb --defaults-file=/dev/stdin --print-defaults`;
    const { stdout } = await runInShell({ ...mysql.look(target()).command, script });
    expect(stdout.toString()).toContain('--local-infile=0');
  });
});

describe('the look before a restore', () => {
  it('tells which rights a user lacks', async () => {
    const user = await userWith(['SELECT, SHOW VIEW ON *.*']);
    const newName = 're`st\'o"red ü; 1';
    const known = { token: 'q7x', format: 'plain', serverVersion: null, clientVersion: null };
    const plan = restoreMysql({ ...target(user), ...known, newName, expectedBytes: 1000, needs: null });
    const [rights] = (await checksOf(plan)).filter(({ ok }) => !ok);
    expect(rights?.says).toMatch(/lacks CREATE, DROP, ALTER, .* Grant them/);
    await expect(runOn(plan, plan.create)).rejects.toMatchObject({ code: 'dump_refused' });
  });
});
