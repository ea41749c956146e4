import { describe, expect, it } from 'vitest';
import { readComplaint } from '../../src/engines/complaint.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import { keepStderr } from '../../src/hosts/node/kept-stderr.ts';

const place = { host: '127.0.0.1', port: 5432, databaseName: 'shöp "1"', username: 'bk', password: 'p' };
const explainPostgres = (stderr: string) =>
  postgres.dump({ ...place, options: postgres.options.parse({}) }).explain({ exitCode: 1, stderr });
const explainMysql = (stderr: string) =>
  mysql.dump({ ...place, options: mysql.options.parse({}) }).explain({ exitCode: 2, stderr });

const explainRestore = (stderr: string) =>
  restorePostgres({
    ...{ ...place, options: postgres.options.parse({}), newName: 'neu', token: 'x', format: 'plain' },
    ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
  }).explain({ exitCode: 3, stderr });

/** What a host's adapter keeps of it. */
function kept(text: string): string {
  const stderr = keepStderr([]);
  stderr.observe(new TextEncoder().encode(text));
  return stderr.text();
}

// As pg_dump 16 to 18 print it: one statement locks all tables.
const names = Array.from({ length: 400 }, (_, n) => `public.some_reasonably_long_table_name_${n}`).join(', ');
const ALL_TABLES = `pg_dump: detail: Query was: LOCK TABLE ${names} IN ACCESS SHARE MODE\n`;

describe('the cause of a failed dump of PostgreSQL', () => {
  it.each([
    [
      'a table without a grant',
      'ERROR:  permission denied for table "Ü 7"',
      'dump_refused',
      /for table "Ü 7"/,
    ],
    [
      'too many tables',
      'ERROR:  out of shared memory\nHINT:  You might need to increase "max_locks_per_transaction".',
      'dump_failed',
      /max_locks_per_transaction/,
    ],
    [
      'a table that is gone',
      'ERROR:  relation "public.x y" does not exist',
      'dump_failed',
      /dropped or renamed.*relation "public\.x y" does not exist/,
    ],
  ])('is found among the names of 400 tables: %s', (_name, said, code, message) => {
    const warnings = 'pg_dump: warning: could not resolve dependency loop among these items\n'.repeat(300);
    for (const before of ['', warnings]) {
      const stderr = kept(`${before}pg_dump: error: query failed: ${said}\n${ALL_TABLES}`);
      const error = explainPostgres(stderr);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(error?.message).not.toMatch(/Query was|some_reasonably|\[…\]/);
      expect(error).toMatchObject({
        details: { stderr: expect.stringContaining(String(said.split('\n')[0])) },
      });
    }
  });

  // Recorded from a standby with max_standby_streaming_delay = 2s.
  it.each([
    `pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.
pg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with recovery
DETAIL:  User query might have needed to see row versions that must be removed.
pg_dump: detail: Command was: COPY public.t (id, r) TO stdout;
`,
    `pg_dump: error: Dumping the contents of table "t" failed: PQgetCopyData() failed.
pg_dump: detail: Error message from server: FATAL:  terminating connection due to conflict with recovery
DETAIL:  User query might have needed to see row versions that must be removed.
HINT:  In a moment you should be able to reconnect to the database and repeat your command.
server closed the connection unexpectedly
	This probably means the server terminated abnormally
	before or while processing the request.
pg_dump: detail: Command was: COPY public.t (id, r) TO stdout;
`,
  ])('is the recovery of a standby', (stderr) => {
    const error = explainPostgres(stderr);
    expect(error).toMatchObject({ code: 'dump_failed' });
    expect(error?.message).toMatch(
      /table "t".*row versions.*hot_standby_feedback.*max_standby_streaming_delay/,
    );
    expect(error?.message).not.toMatch(/Command was|Its log says why/);
  });

  it.each([
    'invalid page in block 50 of relation base/16384/16385',
    'could not read block 3 in file "base/5/16400": read only 0 of 8192 bytes',
    'missing chunk number 0 for toast value 16402 in pg_toast_16385',
  ])('is damage: %s', (said) => {
    const stderr = `pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.
pg_dump: detail: Error message from server: ERROR:  ${said}
pg_dump: detail: Command was: COPY public.t (id, r) TO stdout;
`;
    const error = explainPostgres(stderr);
    expect(error).toMatchObject({ code: 'dump_failed', message: expect.stringContaining('damaged') });
    expect(error?.message).toContain(said);
    expect(error?.message).not.toContain('Command was');
  });

  it('is what the server says, of two addresses of which one does not answer', () => {
    const stderr = `psql: error: connection to server at "localhost" (::1), port 5432 failed: Connection refused
	Is the server running on that host and accepting TCP/IP connections?
connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "bk"
`;
    expect(explainPostgres(stderr)?.message).toContain('wrong user or password');
  });

  it('is the first complaint, not one that follows from it', () => {
    const stderr = `pg_dump: error: query failed: ERROR:  permission denied for schema geheim
pg_dump: detail: Query was: SELECT
'FATAL:  password authentication failed'
pg_dump: error: could not write to output file: No space left on device
`;
    expect(explainPostgres(stderr)?.message).toContain('permission denied for schema geheim');
  });

  it('tells the disk of the server from the host’s', () => {
    const server =
      'pg_dump: error: query failed: ERROR:  could not extend file "base/1": No space left on device\n';
    expect(explainPostgres(server)?.message).toContain('The disk of the server');
    const host = 'pg_dump: error: could not write to output file: No space left on device\n';
    expect(explainPostgres(host)?.message).toContain('temporary folder');
  });
});

describe('a right that the user of PostgreSQL lacks', () => {
  const lacking = (thing: string, username: string | null) =>
    postgres.dump({ ...place, username, options: postgres.options.parse({}) }).explain({
      exitCode: 1,
      stderr: `pg_dump: error: query failed: ERROR:  permission denied for ${thing}\n`,
    })?.message;

  it.each([
    ['bk', '"bk"'],
    [`o'größe "x" 💾`, `"o'größe ""x"" 💾"`],
    ['a\u202Eb\\', 'U&"a\\+00202eb\\\\"'],
  ])('comes with the statement to paste: %j', (user, pasted) => {
    expect(lacking('table "Ü 7"', user)).toMatch(/for table "Ü 7"\..*, too: GRANT pg_read_all_data TO /);
    expect(lacking('schema x', user)?.endsWith(`GRANT pg_read_all_data TO ${pasted};`)).toBe(true);
    const connect = `GRANT CONNECT ON DATABASE "shöp ""1""" TO ${pasted};`;
    expect(lacking('database "shöp "1""', user)?.endsWith(connect)).toBe(true);
  });

  it('is told in words where the host’s own user logs in', () => {
    expect(lacking('table t', null)).toMatch(/role pg_read_all_data .*, too\.$/);
    expect(lacking('database "x"', null)).toMatch(/CONNECT on the database\.$/);
  });
});

describe('an SQLSTATE, which psql of ours prints before the words,', () => {
  const german = `HINWEIS:  42P06: Schema »public« existiert bereits, wird übersprungen
LOCATION:  CreateSchemaCommand, schemacmds.c:129
WARNUNG:  01000: es gibt keine Transaktion
LOCATION:  x, y.c:1
psql:<stdin>:7: FEHLER:  42501: keine Berechtigung für Tabelle »größe (2013)«
DETAIL:  Das ist der Grund.
LOCATION:  aclcheck_error, aclchk.c:3650
`;

  it('tells the cause in whatever language, and is none of the words for an admin', () => {
    const { state, words } = readComplaint(german);
    expect(state).toBe('42501');
    expect(words).toBe(
      'psql:<stdin>:7: FEHLER: keine Berechtigung für Tabelle »größe (2013)«. DETAIL: Das ist der Grund.',
    );
    expect(explainPostgres(german)?.message).toContain('Grant it that right');
    for (const severity of ['ОШИБКА', 'ERREUR', '错误', 'エラー', 'ERROR']) {
      expect(readComplaint(`${severity}:  42P01: x\n`)).toMatchObject({ state: '42P01' });
    }
  });

  it.each([
    ['XX001', 'dump_failed', 'damaged'],
    ['53200', 'dump_failed', 'max_locks_per_transaction'],
    ['53100', 'dump_failed', 'The disk of the server'],
    ['57014', 'dump_failed', 'statement_timeout'],
    ['57P01', 'dump_failed', 'ended the connection'],
  ])('says what it means: %s', (state, code, message) => {
    const error = explainPostgres(`FEHLER:  ${state}: Worte des Servers\nLOCATION:  f, g.c:1\n`);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(error?.message).toContain('Worte des Servers.');
    expect(error?.message).not.toMatch(new RegExp(`${state}|LOCATION`));
  });

  it('is what counts where a name looks like words', () => {
    const stderr = 'ERROR:  53200: cannot make "permission denied for table x"\n';
    expect(explainPostgres(stderr)?.message).toContain('max_locks_per_transaction');
  });

  it('of a notice counts for nothing where another program complains', () => {
    const stderr = `NOTICE:  42P06: schema "public" already exists, skipping
LOCATION:  CreateSchemaCommand, schemacmds.c:129
pg_restore: error: could not execute query: ERROR:  type "public.email" does not exist
`;
    expect(readComplaint(stderr)).toMatchObject({ state: null, words: expect.stringContaining('email') });
  });

  it('is not needed: neither pg_dump nor a refused login has one', () => {
    expect(readComplaint('pg_dump: error: query failed: FEHLER:  unbekannt').state).toBeNull();
    expect(readComplaint("ERROR 1045 (28000): Access denied for user 'a'@'b'").state).toBeNull();
  });
});

describe('what stands in a row or in a message', () => {
  const row = 'DETAIL:  Fehlgeschlagene Zeile enthält (1, cron ERROR: No space left on device';

  it.each([`${row}).`, `${row}\nERROR: No space left on device).`])('is no cause: %j', (detail) => {
    const stderr = `psql:<stdin>:9: FEHLER:  23514: neue Zeile verletzt »c«\n${detail}
SCHEMA NAME:  public\nTABLE NAME:  t\nCONSTRAINT NAME:  c\nLOCATION:  ExecConstraints, execMain.c:2\n`;
    expect(readComplaint(stderr)).toMatchObject({
      state: '23514',
      message: 'psql:<stdin>:9: FEHLER:  neue Zeile verletzt »c«',
      words: expect.not.stringContaining(' NAME:'),
    });
    expect(explainPostgres(stderr)).toBeUndefined();
    const archive = `pg_restore: error: COPY failed for table "t": ERROR:  new row violates "c"\n${detail}\n`;
    expect(explainPostgres(archive)).toBeUndefined();
  });

  it.each([
    'No space left on device',
    'could not extend file',
    'role "x" does not exist',
    'extension "x" is not available',
    'unrecognized configuration parameter "x"',
    'terminating connection',
    'canceling statement due to user request',
  ])('is none of another state, also with another program: %s', (words) => {
    const said = `22P02: invalid input syntax for type integer: "${words}"`;
    for (const severity of ['ERROR', 'FEHLER']) {
      expect(explainPostgres(`${severity}:  ${said}\n`)).toBeUndefined();
      expect(explainRestore(`${severity}:  ${said}\n`)).toBeUndefined();
    }
    const detail = `ERROR:  x\nDETAIL:  Failing row contains (${words}).\n`;
    expect(explainRestore(`pg_restore: error: COPY failed for table "t": ${detail}`)).toBeUndefined();
  });

  it.each([
    ['55006', 'source database "template0" is being accessed by other users', 'dump_failed', 'Try again'],
    ['55006', 'database "x" is being accessed by other users', 'conflict', 'Somebody uses'],
    ['42704', 'role "x" does not exist', 'dump_failed', 'to the role "x"'],
    ['58P01', 'could not open extension control file "x"', 'dump_failed', 'an extension that'],
    ['0A000', 'extension "x" is not available', 'dump_failed', 'an extension that'],
    ['53100', 'could not extend file "x"', 'dump_failed', 'The disk of the server'],
    ['57P01', 'terminating connection', 'dump_failed', 'ended by its server'],
    ['57P01', 'breche Verbindung ab', 'dump_failed', 'ended by its server'],
    ['42704', 'Rolle »x« existiert nicht', 'dump_failed', 'such as a role'],
  ])('is told by the state of its own: %s %s', (state, words, code, message) => {
    const error = explainRestore(`ERROR:  ${state}: ${words}\nLOCATION:  f, g.c:1\n`);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is no word of ours, but what follows the end of what a server said', () => {
    const said = 'FEHLER:  P0001: x\nbridgeport: psql not found\n';
    expect(readComplaint(`${said}LOCATION:  f, g.c:1\n`).state).toBe('P0001');
    expect(readComplaint('pg_restore: error: ERROR:  x\nbridgeport: psql not found\n').words).toMatch(
      /^ERROR/,
    );
    const notice = 'HINWEIS:  42P06: x\nLOCATION:  f, g.c:1\nbridgeport: it is held by a\n';
    expect(readComplaint(notice).text).toBe('bridgeport: it is held by a');
  });
});

describe('the cause of a failed dump of MySQL', () => {
  it('is chosen by its number, which no name can pretend', () => {
    const stderr =
      "mysqldump: Couldn't execute 'show create table `a (1045)`': View 'shop.a (1045)' references invalid table(s) or column(s) (1356)\n";
    expect(explainMysql(stderr)?.message).toMatch(/A view in .*a \(1045\)/);
    expect(
      explainMysql(
        "mysqldump: Got error: 1146: \"Table 'shop.(2013)' doesn't exist\" when using LOCK TABLES\n",
      )?.message,
    ).toMatch(/was dropped or renamed/);
  });

  it('may be in the language of the server', () => {
    expect(explainMysql("ERROR 1045 (28000): Zugriff verweigert für Benutzer 'bk'@'x'\n")?.message).toContain(
      'wrong user or password',
    );
    expect(
      explainMysql('mysqldump: Got error: 1044: "Accès refusé à la base \'shop\'" when using LOCK TABLES\n')
        ?.message,
    ).toContain('Grant it LOCK TABLES');
  });

  it('is the first complaint, not one that follows from it', () => {
    const stderr = `mysqldump: [Warning] Using a password on the command line interface can be insecure.
mariadb-dump: Error 1034: Index for table 't' is corrupt; try to repair it when dumping table \`t\` at row: 12
mariadb-dump: Error 2013: Lost connection to server during query when dumping table \`t\` at row: 12
`;
    expect(explainMysql(stderr)?.message).toMatch(/damaged.*Index for table 't' is corrupt/);
  });
});

describe('words for an admin', () => {
  it('are the tool’s own, without the statement', () => {
    const { words } = readComplaint(`Welcome to db1
pg_dump: error: query failed: FEHLER:  unbekannt
DETAIL:  Das ist der Grund.
pg_dump: detail: Query was: SELECT 'geheim'
FROM t
WHERE x
`);
    expect(words).toBe('query failed: FEHLER: unbekannt. DETAIL: Das ist der Grund.');
  });

  it('are all that was printed where nothing looks like a complaint', () => {
    expect(readComplaint('sh: 1: zstd: not found\n').words).toBe('sh: 1: zstd: not found.');
    expect(readComplaint('').words).toBe('');
  });

  it('are at most 1,000 characters, from the beginning and the end', () => {
    const { words } = readComplaint(`pg_dump: error: begin ${'x'.repeat(5000)} end`);
    expect(words.length).toBeLessThanOrEqual(1000);
    expect(words).toMatch(/^begin x+ \[…\] x+ end\.$/);
  });

  // As pg_dump 9 to 13 print it.
  it.each(['pg_dump: ', 'pg_dump: error: ', 'pg_dump: [archiver (db)] '])(
    'never come from a statement: %s',
    (who) => {
      const stderr = `${who}Dumping the contents of table "t" failed: PQgetResult() failed.
pg_dump: Error message from server: FEHLER:  boom
${who}The command was: COPY "the ERROR: geheim" TO stdout;
`;
      expect(readComplaint(stderr).words).toMatch(
        /table "t" failed: PQgetResult\(\) failed\. Error message from server: FEHLER: boom\.$/,
      );
    },
  );
});
