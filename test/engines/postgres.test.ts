import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpPlan } from '../../src/engines/engine.ts';
import type { PostgresTarget } from '../../src/engines/postgres/connection.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { quote } from '../../src/hosts/quote.ts';
import { compress } from '../../src/transfer/node/compress.ts';
import { connectPostgres, launchPostgres, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import { until } from '../support/until.ts';
import { runOn } from './restoring.ts';
import { runInShell } from './shell.ts';

let server: TestPostgres;
const HOSTILE = `x'"; $(touch /tmp/never) \`id\` \\ ü🙂\n-host=evil port=1 dbname=%00 /* -- `;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillDatabase(server, 'shop', 2);
});
afterAll(() => server?.stop());

function target(over: Partial<PostgresTarget> = {}, options: Record<string, unknown> = {}): PostgresTarget {
  return {
    host: '127.0.0.1',
    port: server.port,
    databaseName: 'shop',
    ...server.superuser,
    ...over,
    options: postgres.options.parse(options),
  };
}

async function dumped(plan: DumpPlan): Promise<Buffer> {
  const { exitCode, stderr, stdout } = await runInShell(plan.command);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const proof = plan.newEndProof();
  proof.observe(stdout);
  proof.finish();
  const parts: Uint8Array[] = [];
  const source = (async function* () {
    yield stdout;
  })();
  for await (const part of compress(source, plan.compression, new AbortController().signal)) parts.push(part);
  return Buffer.concat(parts);
}

/** By stock means: gunzip or zstd, then psql or pg_restore. */
async function restore(stored: Buffer, extension: string, database: string): Promise<void> {
  const bytes = extension.endsWith('.gz')
    ? gunzipSync(stored)
    : extension.endsWith('.zst')
      ? zstdDecompressSync(stored)
      : stored;
  const program = extension.startsWith('.sql')
    ? 'psql -X -q --set=ON_ERROR_STOP=1'
    : `pg_restore --exit-on-error --dbname="$PGDATABASE"`;
  const result = await runInShell(
    {
      script: `PGPASSWORD=${quote(server.superuser.password)} PGHOST=127.0.0.1 PGPORT=${server.port} PGUSER=postgres PGDATABASE=${quote(database)}
export PGPASSWORD PGHOST PGPORT PGUSER PGDATABASE
exec ${program} >/dev/null`,
    },
    { input: bytes },
  );
  expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
}

describe.each(['plain', 'custom', 'tar'])('a %s dump', (backupFormat) => {
  it.each([
    ['none', 6],
    ['gzip', 1],
    ['zstd', 9],
  ])('with compression %s, level %i, restores with equal content', async (backupCompression, level) => {
    const plan = postgres.dump(
      target({}, { backupFormat, backupCompression, backupCompressionLevel: level }),
    );
    const stored = await dumped(plan);
    const database = `restored ${backupFormat} ${backupCompression}`;
    await server.createDatabase(database);
    await restore(stored, plan.fileExtension, database);
    expect(await checksums(server, database)).toEqual(await checksums(server, 'shop'));
  });
});

describe('file extension, content type and our compression', () => {
  it.each([
    ['plain', 'none', '.sql', 'application/sql', 'none'],
    ['plain', 'gzip', '.sql.gz', 'application/gzip', 'gzip'],
    ['plain', 'zstd', '.sql.zst', 'application/zstd', 'zstd'],
    ['custom', 'none', '.dump', 'application/octet-stream', 'none'],
    ['custom', 'gzip', '.dump', 'application/octet-stream', 'none'],
    ['custom', 'zstd', '.dump.zst', 'application/zstd', 'zstd'],
    ['tar', 'none', '.tar', 'application/x-tar', 'none'],
    ['tar', 'gzip', '.tar', 'application/x-tar', 'none'],
    ['tar', 'zstd', '.tar.zst', 'application/zstd', 'zstd'],
  ])('of %s with %s are %s, %s, %s', (backupFormat, backupCompression, extension, contentType, type) => {
    const plan = postgres.dump(target({}, { backupFormat, backupCompression }));
    expect([plan.fileExtension, plan.contentType, plan.compression.type]).toEqual([
      extension,
      contentType,
      type,
    ]);
  });

  it('leave a custom archive without compression of its own unless gzip is asked for', async () => {
    const none = await dumped(postgres.dump(target({}, { backupFormat: 'custom' })));
    const gzip = await dumped(
      postgres.dump(target({}, { backupFormat: 'custom', backupCompression: 'gzip' })),
    );
    expect(gzip.length).toBeLessThan(none.length * 0.7);
  });
});

describe('names, users and passwords with any character', () => {
  it('reach the server as they are, from dash, bash and busybox', async () => {
    const [database, user, password] = [`d${HOSTILE}`.slice(0, 60), `u${HOSTILE}`.slice(0, 60), HOSTILE];
    const client = await import('pg');
    const [d, u, p] = [
      client.escapeIdentifier(database),
      client.escapeIdentifier(user),
      client.escapeLiteral(password),
    ];
    await server.query(`CREATE ROLE ${u} LOGIN PASSWORD ${p}`);
    await server.query(`CREATE DATABASE ${d} OWNER ${u}`);
    await server.query(`CREATE TABLE t AS SELECT 'only here' AS x; ALTER TABLE t OWNER TO ${u}`, database);
    for (const shell of [['dash'], ['bash'], ['busybox', 'sh']]) {
      const plan = postgres.dump(target({ databaseName: database, username: user, password }));
      const { exitCode, stderr, stdout } = await runInShell(plan.command, { shell });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.toString()).toContain('only here');
    }
  });

  it('are never taken for a connection string', async () => {
    const databaseName = `host=127.0.0.1 port=${server.port} dbname=shop`;
    const plan = postgres.dump(target({ databaseName }));
    const failure = await runInShell(plan.command);
    expect(failure.stdout.length).toBe(0);
    expect(plan.explain(failure)).toMatchObject({
      code: 'dump_source_missing',
      message: expect.stringContaining(databaseName),
    });
  });

  it('are refused with NUL in them', () => {
    expect(() => postgres.dump(target({ databaseName: 'a\0b' }))).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });

  it('must include a database, or the user’s own name would be dumped', () => {
    for (const databaseName of [null, '']) {
      expect(() => postgres.dump(target({ databaseName }))).toThrow(
        expect.objectContaining({ code: 'invalid' }),
      );
    }
  });

  it('keep the password out of the script', () => {
    const plan = postgres.dump(target({ password: 'very-secret' }));
    expect(plan.command.script).not.toContain('very-secret');
    expect(plan.command.secrets).toEqual({ PGPASSWORD: 'very-secret' });
  });
});

describe('the environment of the host', () => {
  it('leads the dump neither to another server nor to another encoding', async () => {
    const plan = postgres.dump(target());
    const { exitCode, stderr, stdout } = await runInShell(plan.command, {
      env: {
        PGSERVICE: 'elsewhere',
        PGHOSTADDR: '127.0.0.9',
        PGOPTIONS: '-c search_path=nowhere -c bogus=1',
        PGPASSFILE: '/nowhere',
        PGCLIENTENCODING: 'LATIN1',
        PGDATABASE: 'postgres',
        PGTARGETSESSIONATTRS: 'standby',
        PGSSLMODE: 'verify-full',
      },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.toString()).toContain("SET client_encoding = 'UTF8'");
  });

  it('may reach the server by its Unix socket', async () => {
    const plan = postgres.dump(target({ host: server.folder }, { pgDumpOptions: { schemaOnly: true } }));
    expect((await dumped(plan)).toString()).toContain('CREATE TABLE public.accounts');
  });
});

describe('options of pg_dump', () => {
  it('choose what is dumped', async () => {
    const text = async (pgDumpOptions: Record<string, boolean>) =>
      (await dumped(postgres.dump(target({}, { pgDumpOptions })))).toString();
    const cleaned = await text({ clean: true, ifExists: true, noOwner: true, schemaOnly: true });
    expect(cleaned).toContain('DROP TABLE IF EXISTS public.notes');
    expect(cleaned).not.toMatch(/OWNER TO|^COPY public\.accounts/m);
    const data = await text({ dataOnly: true });
    expect(data).toMatch(/^COPY public\.accounts/m);
    expect(data).not.toContain('CREATE TABLE');
  });

  it.each([[{ schemaOnly: true, dataOnly: true }], [{ ifExists: true }], [{ clean: true, dataOnly: true }]])(
    'are refused where they exclude each other: %j',
    (pgDumpOptions) => {
      expect(postgres.options.safeParse({ pgDumpOptions }).success).toBe(false);
    },
  );

  it('have the contract’s defaults', () => {
    expect(postgres.options.parse({})).toEqual({
      backupFormat: 'plain',
      backupCompression: 'none',
      backupCompressionLevel: 6,
      pgDumpOptions: { noOwner: false, clean: false, ifExists: false, schemaOnly: false, dataOnly: false },
      tlsMode: 'off',
      tlsCa: null,
    });
  });
});

describe('the look', () => {
  it('reads versions and size, whatever the host prints besides', async () => {
    const plan = postgres.look(target());
    const { stdout } = await runInShell(plan.command);
    const probe = plan.read(`Welcome to db1!\nbridgeport\n${stdout}`);
    expect(probe.serverVersion).toMatch(/^\d+\.\d+/);
    expect(probe.clientVersion).toMatch(/^\d+\.\d+$/);
    expect(probe.estimatedBytes).toBeGreaterThan(2 * 1024 * 1024);
  });

  it('warns of what a standby has not', async () => {
    await server.createDatabase('copied');
    await server.query('CREATE UNLOGGED TABLE u (a int); CREATE TABLE t (a int)', 'copied');
    const data = join(server.folder, 'base');
    const { exitCode, stderr } = await runInShell({
      script: `${server.programs}/pg_basebackup --dbname=${quote(server.url)} --pgdata=${data} --checkpoint=fast --no-sync -R &&
if [ "$(id -u)" = 0 ]; then chown -R postgres ${data}; fi`,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const standby = await launchPostgres({}, { data });
    try {
      const plan = postgres.look(target({ databaseName: 'copied', port: standby.port }));
      const look = async () => plan.read((await runInShell(plan.command)).stdout.toString()).warnings;
      const unlogged = expect.stringMatching(/standby, and unlogged tables \(1\) have no rows/);
      await until('the standby to follow', 60_000, async () => (await look()).length === 1);
      expect(await look()).toEqual([unlogged]);
      const { query } = connectPostgres(standby);
      await query(`ALTER SYSTEM SET primary_conninfo = ''`);
      await query('SELECT pg_reload_conf()');
      await until('the standby to be left alone', 60_000, async () => (await look()).length === 2);
      expect(await look()).toEqual([unlogged, expect.stringContaining('no primary streams to')]);
    } finally {
      await standby.stop();
    }
    const plan = postgres.look(target({ databaseName: 'copied' }));
    expect(plan.read((await runInShell(plan.command)).stdout.toString()).warnings).toEqual([]);
  });

  it('refuses a client older than the server, naming both and the package', () => {
    const answer =
      'bridgeport:server_number=170002\nbridgeport:server=17.2\nbridgeport:client=pg_dump (PostgreSQL) 15.18 (Debian 15.18-0)\nbridgeport:size=1\n';
    expect(() => postgres.look(target()).read(answer)).toThrow(
      expect.objectContaining({
        code: 'dump_client_too_old',
        message: expect.stringMatching(/17\.2.*15\.18.*postgresql-client-17/),
      }),
    );
  });

  it('refuses an answer that it can not read', () => {
    expect(() => postgres.look(target()).read('bridgeport:server=\n')).toThrow(
      expect.objectContaining({ code: 'dump_failed' }),
    );
  });
});

describe('a failure is explained', () => {
  it.each<[string, Partial<PostgresTarget>, string, RegExp]>([
    ['a wrong password', { password: 'wrong' }, 'dump_refused', /user or password/],
    ['no password', { password: null }, 'dump_refused', /user or password/],
    [
      'no such database',
      { databaseName: 'nothing "here"' },
      'dump_source_missing',
      /no database "nothing "here""/,
    ],
    ['no server at the port', { port: 1 }, 'dump_refused', /No PostgreSQL server answered/],
    ['no socket', { host: '/nowhere' }, 'dump_refused', /No PostgreSQL server answered/],
    [
      'an unknown machine',
      { host: 'no-such-host.invalid' },
      'dump_refused',
      /name of the database’s machine/,
    ],
    ['an unknown user', { username: 'nobody here' }, 'dump_refused', /user or password/],
  ])('%s', async (_name, over, code, message) => {
    for (const plan of [postgres.look(target(over)), postgres.dump(target(over))]) {
      const failure = await runInShell(plan.command);
      expect(failure.exitCode).not.toBe(0);
      expect(plan.explain(failure), failure.stderr).toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
  });

  it('TLS that is required and not offered', async () => {
    const plan = postgres.dump(target({}, { useSsl: true }));
    expect(plan.explain(await runInShell(plan.command))).toMatchObject({
      code: 'dump_refused',
      message: expect.stringMatching(/TLS is required/),
    });
  });

  it('a pg_hba.conf that lets the host not in', async () => {
    await server.createDatabase('closed');
    const file = join(server.folder, 'data/pg_hba.conf');
    const before = readFileSync(file, 'utf8');
    const tried = async (rules: string) => {
      writeFileSync(file, rules);
      const [reload] = await server.query(`SELECT pg_reload_conf()`);
      expect(reload).toBeDefined();
      const plan = postgres.dump(target({ databaseName: 'closed' }));
      // The server reads the file again in its own time.
      const failure = await until('the server to refuse', 60_000, async () => {
        const finished = await runInShell(plan.command);
        return finished.exitCode !== 0 && finished;
      });
      return plan.explain(failure);
    };
    const expected = { code: 'dump_refused', message: expect.stringMatching(/pg_hba\.conf .*"closed"/) };
    expect(await tried(`host closed all all reject\n${before}`)).toMatchObject(expected);
    writeFileSync(file, before);
    await server.query('SELECT pg_reload_conf()');
  });

  it('a database that the user may not connect to', async () => {
    await server.createDatabase('private');
    await server.query(`REVOKE CONNECT ON DATABASE private FROM public`);
    await server.query(`CREATE ROLE stranger LOGIN PASSWORD 's'`);
    const plan = postgres.dump(target({ databaseName: 'private', username: 'stranger', password: 's' }));
    expect(plan.explain(await runInShell(plan.command))).toMatchObject({
      code: 'dump_refused',
      message: expect.stringMatching(/GRANT CONNECT ON DATABASE "private" TO "stranger";$/),
    });
  });

  it('a table that the user may not read', async () => {
    await server.query(`CREATE ROLE reader LOGIN PASSWORD 'r'`);
    const plan = postgres.dump(target({ username: 'reader', password: 'r' }));
    expect(plan.explain(await runInShell(plan.command))).toMatchObject({
      code: 'dump_refused',
      message: expect.stringMatching(/permission denied for .*GRANT pg_read_all_data TO "reader";$/),
    });
  });

  it.each(['plain', 'custom'])('a large object that the user may not read (%s)', async (backupFormat) => {
    await server.createDatabase(`blobs ${backupFormat}`);
    await server.query(`SELECT lo_from_bytea(4711, 'hello')`, `blobs ${backupFormat}`);
    const role = `"bk o'x ${backupFormat}"`;
    await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'r'; GRANT pg_read_all_data TO ${role}`);
    const plan = postgres.dump(
      target(
        { databaseName: `blobs ${backupFormat}`, username: `bk o'x ${backupFormat}`, password: 'r' },
        { backupFormat },
      ),
    );
    const error = plan.explain(await runInShell(plan.command));
    expect(error).toMatchObject({ code: 'dump_refused' });
    expect(error?.message).toMatch(/large object 4711.*does not cover.*owner.*lo_compat_privileges/);
    expect(error?.message).not.toContain('GRANT pg_read_all_data');
    await server.query(`ALTER ROLE ${role} SET lo_compat_privileges = on`);
    await dumped(plan);
  });

  describe('in the language of the server,', () => {
    const user = `größe "x" $(id)`;
    const login = { username: user, password: 'r' };
    /** What psql of ours prints, of a command that the plan runs. */
    const failed = async (command: HostCommand, input = '') => {
      const failure = await runInShell(command, { input: Buffer.from(input) });
      expect(failure.exitCode).not.toBe(0);
      expect(failure.stderr).toMatch(/FEHLER: {2}[0-9A-Z]{5}: /);
      return failure;
    };
    const restoring = () =>
      restorePostgres({
        ...{ ...target(), ...login, newName: 'neu', token: 'deutsch', format: 'plain', needs: null },
        ...{ serverVersion: null, clientVersion: null, expectedBytes: null },
      });
    beforeAll(async () => {
      await server.query(`CREATE ROLE "größe ""x"" $(id)" LOGIN PASSWORD 'r'`);
      await server.query(`ALTER ROLE "größe ""x"" $(id)" SET lc_messages = 'C.UTF-8'`);
    });

    it('what the user may not ask, by its SQLSTATE', async () => {
      await server.createDatabase('deutsch');
      await server.query('REVOKE EXECUTE ON FUNCTION pg_database_size(name) FROM public', 'deutsch');
      const look = postgres.look(target({ databaseName: 'deutsch', ...login }));
      const error = look.explain(await failed(look.command));
      expect(error).toMatchObject({ code: 'dump_refused' });
      expect(error?.message).toMatch(
        /The server said: FEHLER: keine Berechtigung für Funktion pg_database_size\.$/,
      );
    });

    it('what a restore may not make, or finds made', async () => {
      const plan = restoring();
      const mayNot = plan.explain(await failed(plan.create));
      expect(mayNot).toMatchObject({ code: 'dump_refused' });
      expect(mayNot?.message).toMatch(/Restore as a superuser.*The server said: FEHLER: keine Berechtigung/);
      await server.query(`ALTER ROLE "größe ""x"" $(id)" CREATEDB`);
      await server.createDatabase('bp_restore_deutsch');
      const there = plan.explain(await failed(plan.create));
      expect(there).toMatchObject({ code: 'conflict' });
      expect(there?.message).toMatch(/of that name by now.*existiert bereits\.$/);
    });

    it('what a dump asks for in vain', async () => {
      const plan = restoring();
      const error = plan.explain(await failed(plan.load, 'BEGIN;\nALTER ROLE niemand SET x.y = 1;\n'));
      expect(error).toMatchObject({ code: 'dump_failed' });
      expect(error?.message).toMatch(
        /a role, an extension.*psql:<stdin>:2: FEHLER: Rolle »niemand« existiert nicht\.$/,
      );
    });

    it('that somebody is still in a database, which a swap outlasts', async () => {
      await server.query(
        `ALTER ROLE "größe ""x"" $(id)" CREATEDB; GRANT CREATE ON TABLESPACE pg_default TO "größe ""x"" $(id)"`,
      );
      const swapped = async (name: string, who: { username: string; password: string }) => {
        await server.query(`CREATE DATABASE "${name}" OWNER ${pg.escapeIdentifier(who.username)}`);
        const planOf = (replacedId: string | null) =>
          restorePostgres({
            ...{ ...target(), ...who, newName: name, token: name, format: 'plain', needs: null },
            ...{ serverVersion: null, clientVersion: null, expectedBytes: null },
            inPlace: { keptName: `${name}_kept`, replacedId, endSessions: false },
          });
        const first = planOf(null);
        if (first.swap === undefined) throw new Error('a plan without a swap');
        const id = first.swap.identify.read(await runOn(first, first.swap.identify.command));
        await runOn(first, first.create);
        // Longer than the five seconds for which the server itself waits.
        const login = { user: server.superuser.username, password: server.superuser.password };
        const guest = new pg.Client({ host: '127.0.0.1', port: server.port, ...login, database: name });
        await guest.connect();
        const left = guest.query('SELECT pg_sleep(7)').finally(() => guest.end());
        const plan = planOf(id);
        await Promise.all([left, plan.swap && runOn(plan, plan.swap.swap(id))]);
      };
      await Promise.all([swapped('german', login), swapped('english', server.superuser)]);
      const names = await server.query(
        `SELECT datname FROM pg_database WHERE datname ~ '^(german|english)' ORDER BY 1`,
      );
      expect(names.map(({ datname }) => datname)).toEqual([
        ...['english', 'english_kept', 'german', 'german_kept'],
      ]);
    });
  });

  it('programs that are not installed', async () => {
    const gone = (script: string) => ({
      script: script.replaceAll(/\/(usr|opt)\/\S+\/(psql|pg_dump)/g, '/nowhere/$2'),
    });
    for (const plan of [postgres.look(target()), postgres.dump(target())]) {
      const failure = await runInShell(gone(plan.command.script), {
        env: { PATH: '/nowhere' },
        shell: ['/bin/sh'],
      });
      expect(plan.explain(failure), failure.stderr).toMatchObject({
        code: 'dump_tool_missing',
        message: expect.stringContaining('postgresql-client'),
      });
    }
  });

  it('a pg_dump that meets a newer server', () => {
    const stderr =
      'pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.2; pg_dump version: 15.18\n';
    expect(postgres.dump(target()).explain({ exitCode: 1, stderr })).toMatchObject({
      code: 'dump_client_too_old',
      message: expect.stringContaining('17.2'),
    });
  });

  it('and nothing is made up for an unknown one', () => {
    expect(postgres.dump(target()).explain({ exitCode: 1, stderr: 'something else' })).toBeUndefined();
  });
});

describe('a password in clear text', () => {
  it('is refused to clients that know how, from version 16 on', async () => {
    const { command } = postgres.look(target());
    // A stand-in for the client of such a version, which this machine may lack.
    const script = command.script.replace('find_psql || exit', 'printf %s "$PGREQUIREAUTH"; exit 0; :');
    const { stdout } = await runInShell({ ...command, script }, { env: { PGREQUIREAUTH: 'none' } });
    expect(stdout.toString()).toBe('!password');
    const stderr = `psql: error: connection to server at "::1", port 5432 failed: authentication method requirement "!password" failed: server requested a cleartext password\n`;
    expect(postgres.look(target()).explain({ exitCode: 2, stderr })).toMatchObject({
      code: 'dump_refused',
      message: expect.stringMatching(/in clear text.*scram-sha-256/),
    });
  });
});

describe('TLS', () => {
  it('is used where it is required and offered', async () => {
    const secure = await startPostgres({ tls: true });
    try {
      const over = { port: secure.port, databaseName: 'postgres' };
      const plan = postgres.dump(target(over, { useSsl: true }));
      await dumped(plan);
    } finally {
      await secure.stop();
    }
  });
});
