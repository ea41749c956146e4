import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newMysqlGuard } from '../../src/engines/mysql/guard/guard.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import type { MysqlOptions } from '../../src/engines/mysql/options.ts';
import { restoreMysql } from '../../src/engines/mysql/restore.ts';
import type { RestoreTarget } from '../../src/engines/restore.ts';
import { createRandom } from '../attack/verdict.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import { SEED } from '../support/seed.ts';
import { isOthers, ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { CUT, checksOf, load, restore, rowsInDump, runOn } from './restoring.ts';
import { runInShell } from './shell.ts';

const random = createRandom(SEED);
const SOURCE = ownName('shop');
const NEIGHBOUR = ownName('neighbour');
let server: TestMariadb;
let dump: Buffer;
let names = 0;
const newName = () => ownName(`re\`st'o"red ü; ${++names}`);
const TIMEOUT_MS = 300_000;
const folder = mkdtempSync(join(tmpdir(), 'mysql-restore-'));

beforeAll(async () => {
  server = await sharedMariadb();
  await server.createDatabase(SOURCE);
  await fillMariadb(server, SOURCE, 0.2);
  // What was made before belongs to another collation: the dump alters the database around it, by its name.
  await server.query(`ALTER DATABASE \`${SOURCE}\` CHARACTER SET latin1 COLLATE latin1_german1_ci`, SOURCE);
  await server.createDatabase(NEIGHBOUR);
  await server.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1), (2)', NEIGHBOUR);
  const { exitCode, stderr, stdout } = await runInShell(
    mysql.dump({ ...target(''), databaseName: SOURCE }).command,
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  dump = stdout;
});
afterAll(async () => {
  for (const name of await databases()) if (name.startsWith('re`st')) await server.dropDatabase(name);
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function target(
  newName: string,
  over: Partial<RestoreTarget<MysqlOptions>> = {},
): RestoreTarget<MysqlOptions> {
  return {
    host: '127.0.0.1',
    port: server.port,
    databaseName: SOURCE,
    ...server.superuser,
    options: mysql.options.parse({}),
    newName,
    token: 'q7x',
    format: 'plain',
    serverVersion: '10.11.19-MariaDB',
    clientVersion: null,
    expectedBytes: 1000,
    needs: null,
    ...over,
  };
}

/** Without those of files beside this one, and of their drills. */
async function databases(): Promise<readonly string[]> {
  const names = (await server.query('SHOW DATABASES')).map(([name = '']) => name);
  return names.filter((name) => !isOthers(name) && !name.startsWith('bp_drill_'));
}

async function collations(...names: string[]): Promise<readonly (string | undefined)[]> {
  const all = new Map(
    (await server.query('SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA')).map(
      ([name = '', collation]) => [name, collation],
    ),
  );
  return names.map((name) => all.get(name));
}

/** Of each form that a server shows, beside a table whose definition has what a query could begin with. */
const EVENTS = `CREATE TABLE kept (n int, words text, FULLTEXT KEY (words)) WITH SYSTEM VERSIONING
  PARTITION BY SYSTEM_TIME (PARTITION p0 HISTORY, PARTITION pn CURRENT);
INSERT INTO kept (n) VALUES (1);
CREATE TABLE listed (n int) PARTITION BY LIST (n) (PARTITION a VALUES IN (1, 2), PARTITION b DEFAULT);
CREATE TABLE ranged (n int) PARTITION BY RANGE (n) (PARTITION a VALUES LESS THAN (1), PARTITION b VALUES LESS THAN MAXVALUE);
CREATE EVENT a ON SCHEDULE EVERY 1 DAY DO SET @x = 1;
CREATE EVENT \`b ON COMPLETION PRESERVE ENABLE\` ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01' ENDS '2031-01-01' ON COMPLETION PRESERVE DO SET @x = 1;
CREATE EVENT c ON SCHEDULE AT '2031-01-01' COMMENT 'it''s \\\\ ENABLE DO ü' DO SET @x = 'ON COMPLETION PRESERVE ENABLE';
CREATE EVENT d ON SCHEDULE AT '2031-01-01' ON COMPLETION PRESERVE DISABLE DO SET @x = 1;
CREATE EVENT e ON SCHEDULE EVERY 2 WEEK DISABLE ON SLAVE COMMENT 'x' DO SET @x = 1;
SET sql_mode = 'ANSI_QUOTES';
CREATE EVENT "f ""ü" ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE ENABLE COMMENT 'ENABLE' DO INSERT INTO "kept" (n) VALUES (2)`;

/** A dump of ours with these statements in it, where its first table's are. */
function holding(statements: string): Buffer {
  const at = dump.indexOf('DROP TABLE IF EXISTS');
  return Buffer.concat([dump.subarray(0, at), Buffer.from(`${statements}\n`), dump.subarray(at)]);
}

describe('a restore', () => {
  it(
    'has the content of the source, its events switched off',
    async () => {
      const name = newName();
      const plan = restoreMysql(target(name));
      expect((await checksOf(plan)).filter(({ ok }) => !ok)).toEqual([]);
      expect(dump.includes(`ALTER DATABASE \`${SOURCE.replaceAll('`', '``')}\``)).toBe(true);
      const rows = await restore(plan, dump);
      expect(await collations(SOURCE, name)).toEqual(['latin1_german1_ci', 'latin1_german1_ci']);
      expect(rows).toMatchObject({
        accounts: 50,
        notes: 3,
        empty_table: 0,
        'odd `name"\' 表; -- $x$ /*': 3,
      });
      expect(rows).toEqual(rowsInDump(mysql.storedProof('plain'), dump));
      const [restored, expected] = [
        await mariadbChecksums(server, name),
        await mariadbChecksums(server, SOURCE),
      ];
      expect(Object.keys(restored).length).toBeGreaterThan(10);
      // What is qualified by the name of the database is the one thing that may differ, and is taken out of both.
      expect(restored).toEqual(expected);
      const events = await server.query(
        `SELECT STATUS, DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()`,
        name,
      );
      expect(events).toEqual([['DISABLED', 'root@localhost']]);
      // Nobody makes a second one of that name, and what is there stays.
      expect((await checksOf(plan)).filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['Name']);
      await expect(runOn(plan, plan.create)).rejects.toMatchObject({ code: 'conflict' });
      // What is finished is whole, and nobody's to remove; that may be asked twice.
      await runOn(plan, plan.finish ?? plan.create);
      await runOn(plan, plan.remove);
      expect(await databases()).toContain(name);
      expect(await server.query("SHOW TABLES LIKE 'bridgeport%'", name)).toEqual([]);
      await server.dropDatabase(name);
    },
    TIMEOUT_MS,
  );

  it(
    'makes no event that is on, even before the last statement, and leaves all else of it',
    async () => {
      const [source, restored] = [ownName('ev`ents ü'), newName()];
      for (const name of [source, restored]) await server.createDatabase(name);
      await server.query(EVENTS, source);
      const { exitCode, stderr, stdout } = await runInShell(
        mysql.dump({ ...target(''), databaseName: source }).command,
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const guard = newMysqlGuard();
      const sent: Uint8Array[] = [];
      for (let at = 0; at < stdout.length; at += 7) sent.push(guard.observe(stdout.subarray(at, at + 7)));
      // By the client alone, and so without what is switched off after a load.
      await server.restore(Buffer.concat(sent), restored);
      const shown = `SELECT EVENT_NAME, DEFINER, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, ENDS,
        ON_COMPLETION, EVENT_COMMENT, TIME_ZONE, SQL_MODE, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1`;
      const [before, after] = [await server.query(shown, source), await server.query(shown, restored)];
      expect(before.map((event) => event.at(-1))).toEqual([
        ...['ENABLED', 'ENABLED', 'ENABLED', 'DISABLED', 'SLAVESIDE_DISABLED', 'ENABLED'],
      ]);
      expect(after).toEqual(
        before.map((event) => event.map((field) => (field === 'ENABLED' ? 'DISABLED' : field))),
      );
      for (const name of [source, restored]) await server.dropDatabase(name);
    },
    TIMEOUT_MS,
  );

  it(
    'has what versioned tables once held, and when',
    async () => {
      const [source, name] = [ownName('versions'), newName()];
      await server.createDatabase(source);
      await server.query(
        `CREATE TABLE plain (n int, g int AS (n + 1) STORED) WITH SYSTEM VERSIONING;
        INSERT INTO plain (n) VALUES (1), (2); UPDATE plain SET n = 3 WHERE n = 1; DELETE FROM plain WHERE n = 2;
        CREATE TABLE named (n int, \`row start\` timestamp(6) GENERATED ALWAYS AS ROW START, e timestamp(6) GENERATED ALWAYS AS ROW END,
          PERIOD FOR SYSTEM_TIME (\`row start\`, e)) WITH SYSTEM VERSIONING;
        INSERT INTO named (n) VALUES (1); DELETE FROM named;
        CREATE TABLE parts (n int) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION p0 HISTORY, PARTITION pn CURRENT);
        INSERT INTO parts VALUES (1); UPDATE parts SET n = 2`,
        source,
      );
      const made = await runInShell(mysql.dump({ ...target(''), databaseName: source }).command);
      expect({ exitCode: made.exitCode, stderr: made.stderr }).toEqual({ exitCode: 0, stderr: '' });
      const rows = await restore(restoreMysql(target(name)), made.stdout);
      expect(rows).toEqual({ plain: 3, named: 1, parts: 2 });
      expect(rows).toEqual(rowsInDump(mysql.storedProof('plain'), made.stdout));
      const all = ['plain', 'named', 'parts'].map(
        (table) =>
          `SELECT n, ${table === 'named' ? '`row start`, e' : 'row_start, row_end'} FROM ${table} FOR SYSTEM_TIME ALL ORDER BY 1, 2, 3`,
      );
      const [before, after] = [
        await server.query(all.join(';'), source),
        await server.query(all.join(';'), name),
      ];
      expect(before).toHaveLength(6);
      expect(after).toEqual(before);
      // By numbers of transactions there is no history in a dump, and no failure for its sake.
      await server.query(
        `CREATE TABLE precise (n int, s bigint unsigned GENERATED ALWAYS AS ROW START, e bigint unsigned GENERATED ALWAYS AS ROW END,
          PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING; INSERT INTO precise (n) VALUES (1); UPDATE precise SET n = 2`,
        source,
      );
      const without = await runInShell(mysql.dump({ ...target(''), databaseName: source }).command);
      expect({ exitCode: without.exitCode, stderr: without.stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(rowsInDump(mysql.storedProof('plain'), without.stdout)).toEqual({
        plain: 1,
        named: 0,
        parts: 1,
        precise: 1,
      });
      for (const one of [source, name]) await server.dropDatabase(one);
    },
    TIMEOUT_MS,
  );

  it(
    'that is checked keeps its mark, so that a drill removes it',
    async () => {
      const name = newName();
      const plan = restoreMysql({ ...target(name), isDrill: true });
      await load(plan, dump);
      await runOn(plan, plan.check);
      expect(await server.query("SHOW TABLES LIKE 'bridgeport%'", name)).toHaveLength(1);
      await runOn(plan, plan.remove);
      expect(await databases()).not.toContain(name);
      // Killed before the mark was made.
      await server.createDatabase(name);
      await runOn(plan, plan.remove);
      expect(await databases()).not.toContain(name);
    },
    TIMEOUT_MS,
  );

  it(
    'whose source breaks off leaves nothing, wherever that is',
    async () => {
      const borders = [...dump.toString('latin1').matchAll(/;\n/g)].map(({ index }) => index + 2);
      const cuts = [
        ...[random(), random()].map((place) => Math.floor(place * dump.length)),
        ...[0.3, 0.7, 0.95].map((place) => borders[Math.floor(place * borders.length)] ?? 0),
      ];
      console.log(`cuts by seed ${SEED}: at ${cuts.join(', ')} of ${dump.length}`);
      const before = await databases();
      for (const cutAt of cuts) {
        const plan = restoreMysql(target(newName()));
        await expect(load(plan, dump, { cutAt })).rejects.toBe(CUT);
      }
      expect(await databases()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'removes nothing that somebody else made under the name, and what it made more than once',
    async () => {
      const [ours, theirs] = [restoreMysql(target(newName())), restoreMysql(target(NEIGHBOUR))];
      await expect(runOn(theirs, theirs.create)).rejects.toMatchObject({ code: 'conflict' });
      await runOn(theirs, theirs.remove);
      expect(await databases()).toContain(NEIGHBOUR);
      const before = await databases();
      await runOn(ours, ours.create);
      expect(await databases()).not.toEqual(before);
      await runOn(ours, ours.remove);
      await runOn(ours, ours.remove);
      expect(await databases()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'that is not there is not taken for gone, nor one of its name for it, on another server than it was made on',
    async () => {
      const name = newName();
      const { preflight } = restoreMysql(target(name));
      const here = preflight.place?.(await runOn(preflight, preflight.command)) ?? '';
      expect(here).toMatch(/^[0-9a-f-]{36,64}$/);
      const on = (madeIn: string) => restoreMysql(target(name, { madeIn }));
      const elsewhere = { code: 'conflict', details: { field: 'mayBeGone' } };
      const other = on('f'.repeat(64));
      const asked = { code: 'conflict', details: { field: 'isThatOne' } };
      await expect(runOn(other, other.remove)).rejects.toMatchObject(elsewhere);
      for (const plan of [on(here), on('$(x)')]) await runOn(plan, plan.remove);
      // Somebody else's, or the one that was finished.
      await server.createDatabase(name);
      await server.query('CREATE TABLE t (n int)', name);
      await expect(runOn(other, other.remove)).rejects.toMatchObject(elsewhere);
      await expect(runOn(other, other.finish ?? other.create)).rejects.toMatchObject(asked);
      const isNamed = async ({ isNamed: look, ...plan }: typeof other) =>
        look?.read(await runOn(plan, look.command));
      await expect(isNamed(other)).rejects.toMatchObject(asked);
      expect(await isNamed(on(here))).toBe(true);
      // Behind another node, or in another container: somebody has looked.
      const looked = restoreMysql(target(name, { madeIn: 'f'.repeat(64), isThatOne: true }));
      expect(await isNamed(looked)).toBe(true);
      await runOn(looked, looked.finish ?? other.create);
      await runOn(on(here), on(here).finish ?? other.create);
      await runOn(on(here), on(here).remove);
      expect(await databases()).toContain(name);
      await server.dropDatabase(name);
      // What has its mark is it, and not whole yet.
      expect(await isNamed(on(here))).toBe(false);
      await runOn(other, other.create);
      expect(await isNamed(other)).toBe(false);
      await runOn(other, other.remove);
      expect(await databases()).not.toContain(name);
    },
    TIMEOUT_MS,
  );

  it(
    'without its mark is known by its tables, and where it is not, it is neither done nor gone',
    async () => {
      const name = newName();
      const tables = ['t', 'größe `\'" 表'].map((table) => ({ schema: '', name: table }));
      const plan = restoreMysql(target(name, { wasCreated: true, foundWhole: tables }));
      const isNamed = async ({ isNamed: look, ...of }: typeof plan) =>
        look?.read(await runOn(of, look.command));
      const asked = { code: 'conflict', details: { field: 'isThatOne' } };
      expect(await isNamed(plan)).toBe(false);
      await server.createDatabase(name);
      await server.query('CREATE TABLE t (n int)', name);
      await expect(isNamed(plan)).rejects.toMatchObject(asked);
      await expect(runOn(plan, plan.finish ?? plan.create)).rejects.toMatchObject(asked);
      await server.query('CREATE TABLE `größe ``\'" 表` (n int); CREATE VIEW v AS SELECT 1', name);
      expect(await isNamed(plan)).toBe(true);
      await runOn(plan, plan.finish ?? plan.create);
      // Another restore's, which loads.
      await server.query('CREATE TABLE bridgeport_restore_other (n int)', name);
      for (const isThatOne of [false, true]) {
        const marked = restoreMysql(target(name, { wasCreated: true, foundWhole: tables, isThatOne }));
        expect(await isNamed(marked)).toBe(false);
      }
      // It may also be what a DROP has left that broke off.
      for (const isDrill of [false, true]) {
        const removing = restoreMysql(target(name, { wasCreated: true, isDrill }));
        await expect(runOn(removing, removing.remove)).rejects.toMatchObject({
          ...{ code: 'conflict', details: { field: 'mayBeGone' } },
          message: expect.stringContaining('the mark of it is not there'),
        });
      }
      expect(await databases()).toContain(name);
      await server.dropDatabase(name);
      await runOn(plan, plan.remove);
    },
    TIMEOUT_MS,
  );

  it(
    'tells of an empty database that nothing says whose it is, and leaves none without its mark',
    async () => {
      const before = await databases();
      const name = newName();
      const plan = restoreMysql(target(name));
      await server.createDatabase(name);
      await expect(runOn(plan, plan.remove)).rejects.toThrow(/^An empty database of that name is there/);
      expect(await databases()).toContain(name);
      await server.dropDatabase(name);
      await runOn(plan, plan.remove);
      // A mark that is no name of a table can't be made.
      const unmarked = restoreMysql(target(name, { token: 'x'.repeat(64) }));
      await expect(runOn(unmarked, unmarked.create)).rejects.toThrow();
      expect(await databases()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'does nothing to another database, nor on the host, whatever the dump holds',
    async () => {
      const canary = join(folder, 'canary');
      const before = await databases();
      const commands = [`\\! touch ${canary}`, `system touch ${canary}`];
      const script = join(folder, 'neighbour.sql');
      writeFileSync(script, `DROP DATABASE \`${NEIGHBOUR}\`;\n`);
      commands.push(`source ${script}`, `\\. ${script}`);
      const statements = [
        `source ${script}`,
        `\\! touch ${canary}`,
        `/*!40000 DROP DATABASE \`${NEIGHBOUR}\` */;`,
      ];
      for (const statement of statements) {
        const plan = restoreMysql(target(newName()));
        await expect(load(plan, holding(statement))).rejects.toMatchObject({ code: 'dump_unsafe' });
      }
      // Without the guard, the client itself still runs no command of its own.
      for (const statement of commands) {
        const plan = restoreMysql(target(newName()));
        await expect(load(plan, holding(statement), { isGuarded: false })).rejects.toThrow();
      }
      expect(existsSync(canary)).toBe(false);
      expect(await server.query('SELECT n FROM kept', NEIGHBOUR)).toEqual([['1'], ['2']]);
      expect(await databases()).toEqual(before);
    },
    TIMEOUT_MS,
  );
});

it('tells names that begin with a byte order mark as they are', () => {
  const names = ['users', '\ufeffusers'];
  const lines = names.map((name) => `bridgeport:rows=${Buffer.from(name).toString('hex').toUpperCase()} 1`);
  const answer = [...lines, 'bridgeport:end\n'].join('\n');
  const counted = restoreMysql(target(newName())).count.read(answer);
  expect(counted.map(({ name }) => name)).toEqual(names);
});

describe('before it begins', () => {
  it(
    'tells what stands in the way, a line each',
    async () => {
      const dumped = { serverVersion: '8.0.36', expectedBytes: 2 ** 60 };
      const checks = await checksOf(restoreMysql(target(NEIGHBOUR, dumped)));
      expect(checks.filter(({ ok }) => !ok).map(({ name, says }) => `${name}: ${says}`)).toEqual([
        expect.stringMatching(/^Server: It is MariaDB 10\.\d+\.\d+, and the dump is of MySQL 8\.0\.36/),
        `Name: There is a database “${NEIGHBOUR}” already. Take another name; nothing is ever overwritten.`,
        expect.stringMatching(/^Room: Only .* are free there, and about 1024 PiB are needed/),
      ]);
    },
    TIMEOUT_MS,
  );

  it.each(['', 'mysql', 'x '.repeat(40), 'blank ', '🙂', 'nul \0'])('refuses the name %j', (name) => {
    expect(() => restoreMysql(target(name))).toThrow(/can't be the name of a new database/);
  });
});

describe('a swap by hand', () => {
  it('moves all tables by the statements that a person is given, whatever the names are', async () => {
    const [live, restored, kept] = ['live', 'new', 'kept'].map((what) => ownName(`re\`st'o"\\ ${what} ü`));
    const names = { live: live ?? '', restored: restored ?? '', kept: kept ?? '' };
    for (const name of [names.live, names.restored]) await server.createDatabase(name);
    await server.query("CREATE TABLE `a'``b ü` (n int); CREATE TABLE only_old (n int)", names.live);
    await server.query("CREATE TABLE `a'``b ü` (n int); INSERT INTO `a'``b ü` VALUES (7)", names.restored);
    const swap = mysql.swapByHand?.(names);
    if (swap === undefined) throw new Error('no swap');
    const counted = await server.query(swap.check);
    expect(counted.map(([, number]) => Number(number))).toEqual([0, 0, 0, 0]);
    await server.query(swap.statements);
    const tablesOf = async (name: string) =>
      (await server.query('SHOW TABLES', name)).map(([table]) => table);
    expect(await tablesOf(names.live)).toEqual(["a'`b ü"]);
    expect(await tablesOf(names.kept)).toEqual(["a'`b ü", 'only_old']);
    expect(await tablesOf(names.restored)).toEqual([]);
    expect(await server.query("SELECT n FROM `a'``b ü`", names.live)).toEqual([['7']]);
    await server.query('CREATE TRIGGER t BEFORE INSERT ON only_old FOR EACH ROW SET NEW.n = 1', names.kept);
    const again = mysql.swapByHand?.({ ...names, live: names.kept, kept: names.restored });
    expect((await server.query(again?.check ?? '')).map(([, number]) => Number(number))[0]).toBe(1);
    for (const name of Object.values(names)) await server.dropDatabase(name);
  });
});
