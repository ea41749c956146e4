import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beside } from '../support/beside.ts';
import type { Json } from '../support/installation.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { type Bed, BUCKET, expectSealedOrAbsent, startBed, TO_BUCKET } from './bed.ts';

/** Names as somebody writes them who means harm, or simply speaks another language. */
const NASTY: readonly (readonly [string, string])[] = [
  ['quotes', `it's "a" \`b\``],
  ['a command substitution', '$(touch /tmp/pwned)`touch /tmp/pwned`'],
  ['a separator and a comment', 'a;touch /tmp/pwned #&|>x'],
  ['a leading dash', '--help'],
  ['a glob', '*?[a-z]{a,b}~'],
  ['a backslash', 'a\\b\\\\n'],
  ['a percent sign', '%2e%2e%2f %s %n'],
  ['a way up', '../../../../etc/cron.d/x'],
  ['two dots', '..'],
  ['spaces around', '  a  b '],
  ['Unicode', 'Žluťoučký 漢字 🐘 \u202e\u2028 \ufeff e\u0301'],
  ['a connection string', 'host=127.0.0.9 dbname=postgres'],
  ['a URI', 'postgres://a:b@127.0.0.9/x?sslmode=disable'],
  ['a header', 'a"; filename=b.exe; x="'],
];

/** What can be neither sent nor stored anywhere as it is. */
const IMPOSSIBLE: readonly (readonly [string, string])[] = [
  ['NUL', 'a\0b'],
  ['a line break', 'a\nb'],
  ['a carriage return', 'a\r\nX-Injected: 1'],
  ['a lone surrogate', 'a\ud800b'],
  ['an escape sequence', 'a\u001b[2Jb'],
  ['a very long value', 'x'.repeat(100_000)],
];

/** Of what must begin in a way, and of the password, so that a log that holds it is known to have leaked it. */
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ['filePath', '/'],
  ['backupLocalPath', '/'],
  ['password', 'word '],
]);

/** Quotes for the shell of the test host. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** An app with a host and a bucket, of the suite that calls this. */
function openGround() {
  let bed: Bed;
  let localFolder: string;
  beforeAll(async () => {
    bed = await startBed();
    localFolder = String(bed.app.services.config.localPaths[0]);
    await mkdir(localFolder, { recursive: true });
  });
  afterAll(() => bed.close());

  let count = 0;
  async function addDatabase(body: Json): Promise<string> {
    count += 1;
    return bed.addDatabase({ name: `database ${count}`, ...body });
  }

  async function expectNothingEscaped(): Promise<void> {
    await expect(stat(bed.sshd.hostPath('/tmp/pwned'))).rejects.toThrow('ENOENT');
    await expect(stat('/tmp/pwned')).rejects.toThrow('ENOENT');
    const crons = bed.sshd.hostPath('/etc/cron.d');
    const made = existsSync(crons) ? await readdir(crons) : [];
    expect(made.filter((name) => name.startsWith('x'))).toEqual([]);
  }

  async function download(id: string): Promise<{ name: string; bytes: Buffer }> {
    const { downloadUrl } = await bed.app.ask('GET', `/api/backups/${id}/download`);
    const url = new URL(String(downloadUrl));
    const answer = await fetchTrusting(url, String(bed.bucket.caFile));
    return { name: answer.disposition, bytes: answer.bytes };
  }

  async function deleteBackup(id: string, isGone: () => Promise<boolean>): Promise<void> {
    await bed.app.ask('DELETE', `/api/backups/${id}`);
    await until('the deleted backup to be gone', 20_000, async () => (await isGone()) || undefined);
  }

  let servers = 0;
  function serverWith(changes: Json): Promise<string> {
    servers += 1;
    return bed.app.create('server', `/api/environments/${bed.environment}/servers`, {
      name: `server ${servers}`,
      hostname: bed.sshd.host,
      sshPort: bed.sshd.port,
      ...changes,
    });
  }

  function register(body: Json) {
    count += 1;
    return bed.app.call('POST', `/api/environments/${bed.environment}/databases`, {
      name: `database ${count}`,
      serverId: bed.server,
      ...body,
    });
  }

  async function expectWholeOnHost(path: string, size: number): Promise<void> {
    expect((await stat(bed.sshd.hostPath(path))).size).toBe(size);
  }

  function filesOnHost(): Promise<string[]> {
    return bed.sshd.files('/var/backups');
  }

  /** The last test of a suite. */
  function testLog(): void {
    test('every line of the log is one JSON object', () => {
      expect(bed.app.log.length).toBeGreaterThan(NASTY.length);
      for (const line of bed.app.log) {
        expect(line).not.toMatch(/[\n\r]/);
        expect(typeof JSON.parse(line)).toBe('object');
      }
    });
  }

  return {
    /** Once the tests run. */
    get: () => ({ bed, localFolder }),
    addDatabase,
    expectNothingEscaped,
    download,
    deleteBackup,
    serverWith,
    register,
    expectWholeOnHost,
    filesOnHost,
    testLog,
  };
}

async function fetchTrusting(url: URL, caFile: string): Promise<{ disposition: string; bytes: Buffer }> {
  const { request } = await import('node:https');
  const ca = await readFile(caFile);
  return new Promise((done, fail) => {
    request(url, { ca }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        expect([response.statusCode, response.headers['x-injected']]).toEqual([200, undefined]);
        done({
          disposition: String(response.headers['content-disposition']),
          bytes: Buffer.concat(chunks),
        });
      });
    })
      .on('error', fail)
      .end();
  });
}

beside('PostgreSQL over SSH into the bucket, named by', () => {
  const ground = openGround();
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  test.each(NASTY)('%s: user, password, database, prefix and names', async (_, text) => {
    const { bed } = ground.get();
    const name = `db ${text}`.trim();
    await postgres.createDatabase(text);
    await postgres.query('create table t as select 1 as i', text);
    const role = `role ${text}`.replaceAll('"', '""');
    // Unlike every name, so that a log that holds it is known to have leaked it.
    const password = `word ${text}`;
    await postgres.query(
      `create role "${role}" login superuser password '${password.replaceAll("'", "''")}'`,
    );
    const segments = text
      .replaceAll('\\', '')
      .split('/')
      .filter((part) => !/^\.*$/.test(part));
    const prefix = [...segments, 'x', ''].join('/');
    const id = await ground.addDatabase({
      name,
      type: 'postgres',
      host: '127.0.0.1',
      port: postgres.port,
      databaseName: text,
      username: `role ${text}`,
      password,
      backupCompression: 'gzip',
      ...TO_BUCKET,
      backupSpacesPrefix: prefix,
    });
    const backup = await bed.app.backUp(id);
    await expectSealedOrAbsent(bed, backup);
    expect(backup.error).toBeNull();
    expect(backup.storagePath.startsWith(prefix)).toBe(true);
    expect(backup.storagePath.slice(prefix.length)).toBe(backup.filename);
    const file = await ground.download(backup.id);
    expect(gunzipSync(file.bytes).toString()).toContain('PostgreSQL database dump complete');
    expect(file.name).toMatch(/^attachment; filename="[^"\\]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?$/);
    await ground.expectNothingEscaped();
    await ground.deleteBackup(
      backup.id,
      async () => !bed.bucket.objects(BUCKET).some(({ key }) => key === backup.storagePath),
    );
    await bed.app.ask('DELETE', `/api/databases/${id}`);
  });

  ground.testLog();
});

beside('SQLite over SSH onto the host, named by', () => {
  const ground = openGround();

  test.each(NASTY)('%s: file, folder and names', async (_, text) => {
    const { bed } = ground.get();
    const segment = text.replaceAll('/', '_').replace(/^\.\.$/, '..x');
    const folder = `/var/backups/${segment}`;
    const file = `${folder}/${segment}.db`;
    await bed.sshd.insideHost(
      `mkdir -p -- ${quoted(folder)} && cd ${quoted(folder)} && sqlite3 made.db 'create table t(i); insert into t values (42)' && mv -- made.db ${quoted(`./${segment}.db`)} && chmod -R 777 .`,
    );
    const before = await ground.filesOnHost();
    const id = await ground.addDatabase({
      name: text,
      type: 'sqlite',
      filePath: file,
      backupStorageType: 'local',
      backupLocalPath: `${folder}/kept`,
    });
    const backup = await bed.app.backUp(id);
    await ground.expectWholeOnHost(backup.storagePath, backup.size);
    expect(backup.error).toBeNull();
    expect(backup.storagePath).toBe(`${folder}/kept/${backup.filename}`);
    const made = (await ground.filesOnHost()).filter((path) => !before.includes(path));
    expect(made).toEqual([backup.storagePath]);
    await ground.expectNothingEscaped();
    await ground.deleteBackup(backup.id, async () => isDeepStrictEqual(await ground.filesOnHost(), before));
    await bed.app.ask('DELETE', `/api/databases/${id}`);
  });

  ground.testLog();
});

beside('here', () => {
  const ground = openGround();

  describe('SQLite on this machine, named by', () => {
    test.each(NASTY)('%s: file, folder and names', async (_, text) => {
      const { bed, localFolder } = ground.get();
      const segment = text.replaceAll('/', '_').replace(/^\.\.$/, '..x');
      const folder = join(localFolder, segment);
      await mkdir(folder, { recursive: true });
      const file = `${folder}/${segment}.db`;
      const { default: Database } = await import('better-sqlite3');
      const db = new Database(file);
      db.exec('create table t(i); insert into t values (42)');
      db.close();
      const id = await ground.addDatabase({
        name: text,
        serverId: null,
        type: 'sqlite',
        filePath: file,
        backupStorageType: 'local',
        backupLocalPath: `${folder}/kept`,
      });
      const backup = await bed.app.backUp(id);
      expect(backup.error).toBeNull();
      expect(await readdir(`${folder}/kept`)).toEqual([backup.filename]);
      expect(await readFile(backup.storagePath, 'utf8')).toContain('42');
      await ground.expectNothingEscaped();
      await ground.deleteBackup(backup.id, async () => (await readdir(`${folder}/kept`)).length === 0);
    });

    test.each([
      ['the database of this program', 'bridgeport.sqlite'],
      ['a file in its folder', 'other.db'],
    ])('%s is not backed up', async (_, name) => {
      const { bed, localFolder } = ground.get();
      const { dataDir } = bed.app.services.config;
      if (name === 'other.db') await writeFile(join(dataDir, name), 'SQLite format 3\0');
      for (const [path, serverId] of [
        [join(dataDir, name), null],
        [`${localFolder}/../../${dataDir.slice(1)}/${name}`, null],
        [`/proc/self/root${dataDir}/${name}`, null],
        [join(dataDir, name), await ground.serverWith({ hostname: 'LOCALHOST' })],
        [join(dataDir, name), await ground.serverWith({ hostname: '127.1' })],
      ] as const) {
        const answer = await ground.register({
          serverId,
          type: 'sqlite',
          filePath: path,
          backupStorageType: 'local',
        });
        if (answer.status === 200) {
          const backup = await bed.app.backUp(String((answer.body['database'] as Json)['id']));
          expect([backup.status, backup.error?.code]).toEqual(['failed', 'host_path_refused']);
        } else expect(answer.status).toBe(400);
      }
    });

    test('a server that becomes this machine brings no path along', async () => {
      const { bed, localFolder } = ground.get();
      const { dataDir } = bed.app.services.config;
      const serverId = await ground.serverWith({});
      const body = { serverId, type: 'sqlite', backupStorageType: 'local' };
      const filePath = join(dataDir, 'bridgeport.sqlite');
      const reading = await ground.addDatabase({ ...body, filePath });
      const writing = await ground.addDatabase({
        ...body,
        filePath: `${localFolder}/x.db`,
        backupLocalPath: dataDir,
      });
      await bed.app.ask('PATCH', `/api/servers/${serverId}`, { hostname: 'localhost' });
      for (const id of [reading, writing]) {
        const backup = await bed.app.backUp(id);
        expect(backup.status).toBe('failed');
        expect(['host_path_refused', 'dump_source_missing']).toContain(backup.error?.code);
      }
      expect((await readdir(dataDir)).filter((name) => name.endsWith('.sql'))).toEqual([]);
    });
  });

  describe('what no name can hold is refused or reaches no further than its database', () => {
    const fields = [
      ...['name', 'host', 'databaseName', 'username', 'password', 'filePath', 'type', 'serverId'],
      ...['backupLocalPath', 'backupSpacesBucket', 'backupSpacesPrefix'],
    ];
    test.each(IMPOSSIBLE)('%s', async (_, text) => {
      const { bed } = ground.get();
      const base = { type: 'postgres', host: '127.0.0.1', port: 1, username: 'a', ...TO_BUCKET };
      for (const field of fields) {
        const answer = await ground.register({ ...base, [field]: `${PREFIXES.get(field) ?? ''}${text}` });
        expect([field, answer.status < 500]).toEqual([field, true]);
        if (answer.status !== 200) continue;
        const { id } = answer.body['database'] as { id: string };
        const backup = await bed.app.backUp(id);
        await expectSealedOrAbsent(bed, backup);
        expect(backup.status).toBe('failed');
      }
      const server = { name: 'x', hostname: 'x' };
      for (const field of ['name', 'hostname', 'publicIp', 'sshUser', 'tags']) {
        const value = field === 'tags' ? [text] : text;
        const path = `/api/environments/${bed.environment}/servers`;
        const answer = await bed.app.call('POST', path, { ...server, [field]: value });
        expect([field, answer.status]).toEqual([field, 400]);
      }
      const made = await bed.app.call('POST', '/api/environments', { name: text });
      expect(made.status).toBe(400);
      await ground.expectNothingEscaped();
    });

    test.each([
      ...['/absolute/', '../up/', 'a/../b/', './a/', 'a\\b', 'a/./b/', '..', '\u0085', 'é'.repeat(500)],
    ])('the prefix %j is refused', async (backupSpacesPrefix) => {
      const answer = await ground.register({ type: 'postgres', ...TO_BUCKET, backupSpacesPrefix });
      expect(answer.status).toBe(400);
    });

    test.each(['../x', 'a/b', 'a b', '-a', 'a..b', 'ab', 'a@evil.example', 'a?x', 'a#x', 'ü-bucket'])(
      'the bucket %j is refused',
      async (backupSpacesBucket) => {
        const answer = await ground.register({ type: 'postgres', ...TO_BUCKET, backupSpacesBucket });
        expect(answer.status).toBe(400);
      },
    );

    test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
      'the type %s is like any other without a backup',
      async (type) => {
        const { bed } = ground.get();
        const answer = await ground.register({ type, backupStorageType: 'local' });
        if (answer.status === 400) return;
        const backup = await bed.app.backUp(String((answer.body['database'] as Json)['id']));
        expect(backup.error?.message).toBe(`Unsupported database type or missing configuration: ${type}`);
      },
    );
  });

  ground.testLog();
});
