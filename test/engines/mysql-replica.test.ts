import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { replicaWarnings } from '../../src/engines/mysql/replica.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { until } from '../support/until.ts';
import { runInShell } from './shell.ts';

const NAME = `qu'elle "ü" -- $x`;

let source: TestMariadb;
let replica: TestMariadb;
beforeAll(async () => {
  const withLog = (id: number) => ({ args: ['--log-bin', `--server-id=${id}`, '--sync-binlog=0'] });
  [source, replica] = await Promise.all([startMariadb(withLog(1)), startMariadb(withLog(2))]);
  await source.query(
    `CREATE USER follow@'%' IDENTIFIED BY 'p'; GRANT REPLICATION SLAVE ON *.* TO follow@'%'`,
  );
  await replica.query('CREATE DATABASE shop');
  await replica.query("CREATE USER few@'%' IDENTIFIED BY 'p'; GRANT ALL ON shop.* TO few@'%'");
  const [[file = '', position = ''] = []] = await source.query('SHOW MASTER STATUS');
  await replica.query(`CHANGE MASTER '${NAME.replaceAll("'", "''")}' TO MASTER_HOST = '127.0.0.1',
    MASTER_PORT = ${source.port}, MASTER_USER = 'follow', MASTER_PASSWORD = 'p', MASTER_CONNECT_RETRY = 1,
    MASTER_LOG_FILE = '${file}', MASTER_LOG_POS = ${position}`);
});
afterAll(() => Promise.all([source, replica].map((server) => server?.stop())));

async function warnings(login: { readonly username: string; readonly password: string } = replica.superuser) {
  const { port } = replica;
  const options = mysql.options.parse({});
  const plan = mysql.look({ host: '127.0.0.1', port, databaseName: 'shop', ...login, options });
  const { exitCode, stderr, stdout } = await runInShell(plan.command);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return plan.read(stdout.toString()).warnings;
}

const told = (words: RegExp) =>
  until(`it to say ${words}`, 10_000, async () => {
    const [only, ...more] = await warnings();
    return more.length === 0 && only !== undefined && words.test(only) ? only : undefined;
  });
const none = () =>
  until('no warning', 10_000, async () => ((await warnings()).length === 0 ? true : undefined));
const all = (what: 'START' | 'STOP') => replica.query(`${what} ALL SLAVES`);

describe('a replica of MariaDB', () => {
  it('is told to stand still before it is begun, and nothing of it while it follows', async () => {
    expect(await warnings()).toEqual([
      expect.stringContaining(`a replica of “${NAME}” whose IO and SQL threads stand still, so its dumps`),
    ]);
    await all('START');
    await none();
  });

  it('is told with what its server says where a thread has broken off', async () => {
    await source.query('CREATE DATABASE other; CREATE TABLE other.lost (n int)');
    await until('the table to come', 10_000, async () => {
      const found = await replica.query("SHOW TABLES FROM other LIKE 'lost'").catch(() => []);
      return found.length > 0 ? true : undefined;
    });
    await replica.query('DROP TABLE other.lost');
    await source.query('INSERT INTO other.lost VALUES (1)');
    expect(await told(/whose SQL thread stands still/)).toMatch(
      /It says: Error .*other\.lost' doesn't exist/,
    );
    // Who may not see it is told nothing, and is not refused.
    expect(await warnings({ username: 'few', password: 'p' })).toEqual([]);
    await replica.query('CREATE TABLE other.lost (n int)');
    await all('STOP');
    await all('START');
    await none();
  });

  it('is told how far it is behind', async () => {
    await all('STOP');
    await replica.query(`CHANGE MASTER '${NAME.replaceAll("'", "''")}' TO MASTER_DELAY = 1000000`);
    await source.query('SET SESSION timestamp = UNIX_TIMESTAMP() - 7325; CREATE TABLE other.old (n int)');
    await all('START');
    expect(await told(/behind/)).toMatch(/^The server is a replica of “.*” that is 2 h 2 min behind, and so/);
    await all('STOP');
    await replica.query(`CHANGE MASTER '${NAME.replaceAll("'", "''")}' TO MASTER_DELAY = 0`);
    await all('START');
    await none();
  });

  it('is told that it is not connected, and nothing once it is no replica any more', async () => {
    await source.stop();
    expect(await told(/that is not connected to its source at the moment/)).toContain(
      'It says: error reconnecting',
    );
    await replica.query(`STOP ALL SLAVES; RESET SLAVE '${NAME.replaceAll("'", "''")}' ALL`);
    expect(await warnings()).toEqual([]);
  });
});

/** As MySQL 8.4 prints it, with the fields that are read. */
const MYSQL = (io: string, sql: string, behind: string, name: string) => [
  '*************************** 1. row ***************************',
  ...[`Replica_IO_Running: ${io}`, `Replica_SQL_Running: ${sql}`, `Seconds_Behind_Source: ${behind}`],
  ...['Last_IO_Error: ', `Last_SQL_Error: ${'x'.repeat(900)}`, `Channel_Name: ${name}`],
];

describe('what MySQL tells of its sources', () => {
  /** Programs of MySQL, whose server knows that statement and no other of its kind. */
  async function programsThatKnow(statement: string): Promise<string> {
    const programs = await mkdtemp(join(tmpdir(), 'mysql-replica-'));
    const dump =
      "#!/bin/sh\necho 'mysqldump  Ver 8.0.20 for Linux on x86_64 (MySQL Community Server - GPL)'\n";
    const rows = MYSQL('Yes', 'No', 'NULL', 'a "b" + ü').map(
      (line) => `${line.startsWith('*') ? '' : '     '}${line}`,
    );
    const client = `#!/bin/sh
cat "\${1#--defaults-file=}" >/dev/null
case "$*" in
*bridgeport:server*) echo 'bridgeport:server=8.0.20' ;;
*'SELECT VERSION'*) printf '8.0.20\\tMySQL Community Server - GPL\\n' ;;
*'SHOW GRANTS'*) echo "GRANT ALL PRIVILEGES ON *.* TO x" ;;
*--vertical*'${statement}'*) cat <<'END'
${rows.join('\n')}
END
;;
*) echo 'ERROR 1064 (42000)' >&2; exit 1 ;;
esac
`;
    await writeFile(join(programs, 'mysqldump'), dump, { mode: 0o755 });
    await writeFile(join(programs, 'mysql'), client, { mode: 0o755 });
    return programs;
  }

  it.each(['SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'])(
    'is asked for in any shell by %s, where it knows that',
    async (statement) => {
      const programs = await programsThatKnow(statement);
      const target = { host: '127.0.0.1', port: 9, databaseName: 'shop', username: 'x', password: 'p' };
      const plan = mysql.look({ ...target, options: mysql.options.parse({}) });
      for (const shell of [['dash'], ['bash'], ['busybox', 'sh']]) {
        const env = { PATH: `${programs}:${process.env['PATH']}` };
        const { exitCode, stderr, stdout } = await runInShell(plan.command, { env, shell });
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
        expect(plan.read(stdout.toString()).warnings).toEqual([
          expect.stringMatching(
            /^The server is a replica of “a "b" \+ ü” whose SQL thread stands still.* It says: x{199}…/,
          ),
        ]);
      }
      await rm(programs, { recursive: true });
    },
  );

  it.each([
    ['Yes', 'Yes', '3600', null],
    ['Yes', 'Yes', '3601', '1 h 0 min behind'],
    ['Yes', 'Yes', '864000', '10 days behind'],
    ['Connecting', 'Yes', 'NULL', 'not connected'],
    ['No', 'Yes', 'NULL', 'whose IO thread stands still'],
    ['Yes', 'No', 'NULL', 'whose SQL thread stands still'],
    ['Yes', 'Yes', 'NULL', null],
    ['Yes', 'Yes', '', null],
  ])('is read where its threads are %s and %s, and it is %s behind', (io, sql, behind, words) => {
    const found = replicaWarnings(MYSQL(io, sql, behind, ''));
    expect(found).toEqual(words === null ? [] : [expect.stringContaining(words)]);
    expect(found[0]?.length ?? 0).toBeLessThan(600);
  });

  it('is told of each by its name', () => {
    const lines = [
      ...MYSQL('No', 'No', 'NULL', 'one'),
      ...MYSQL('Yes', 'Yes', '0', 'two'),
      ...MYSQL('Yes', 'No', '', 'thrëe'),
    ];
    expect(replicaWarnings(lines).map((line) => /“(.*?)”/.exec(line)?.[1])).toEqual(['one', 'thrëe']);
    expect(replicaWarnings(['nonsense', 'Slave_IO_Running: No', '* 1. row', 'x: y', ''])).toEqual([]);
  });
});
