import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { discoverDatabases } from '../../../src/databases/discover.ts';
import { MOST_FOUND } from '../../../src/engines/engine.ts';
import type { Host } from '../../../src/hosts/host.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { ownName } from '../../support/shared/ask.ts';
import { sharedPostgres } from '../../support/shared/postgres.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { until } from '../../support/until.ts';

const NOBODY = { userId: null, address: null };

let app: TestApp;
let environmentId: string;
let serverId: string;
let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());
beforeEach(async () => {
  app = await openTestApp();
  environmentId = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body
    .environment.id;
  await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
    body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.user },
  });
  serverId = await addServer({ name: 'db1', hostname: sshd.host, sshPort: sshd.port });
});
afterEach(() => app.close());

const addServer = async (body: object): Promise<string> =>
  (await app.call('POST', `/api/environments/${environmentId}/servers`, { body })).body.server.id;
const discover = (body: object, id = serverId, token = app.tokens.operator) =>
  app.call('POST', `/api/servers/${id}/discover`, { body, token });
const register = async (body: object): Promise<string> =>
  (await app.call('POST', `/api/environments/${environmentId}/databases`, { body })).body.database.id;

/** The host itself; tells when that word of its output was taken. */
function endingAt(host: Host, word: string, taken: () => void): Host {
  return {
    ...host,
    run(command, options) {
      const running = host.run(command, options);
      async function* chunks() {
        for await (const chunk of running) {
          yield chunk;
          if (Buffer.from(chunk).includes(word)) taken();
        }
      }
      return { stderr: running.stderr, [Symbol.asyncIterator]: chunks };
    },
  };
}

describe('databases on a server over SSH', () => {
  let server: TestPostgres;
  const name = ownName(`sh'op +ü\n<script>`);
  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase(name);
  });
  afterAll(() => server.stop());

  it('are found by those who may register them, with which are registered, and the host key is pinned', async () => {
    const asked = { type: 'postgres', host: '127.0.0.1', port: server.port, ...server.superuser };
    expect((await discover(asked, serverId, app.tokens.viewer)).status).toBe(403);
    const { status, body } = await discover(asked);
    expect(status).toBe(200);
    expect(body.pinnedFingerprint).toBe(sshd.fingerprint());
    const found = () => body.found.find((one: { databaseName: string }) => one.databaseName === name);
    expect(found()).toEqual({
      databaseName: name,
      filePath: null,
      sizeBytes: expect.any(Number),
      registered: null,
      obstacle: null,
    });
    const id = await register({
      name: 'shop',
      type: 'postgres',
      serverId,
      host: '',
      port: server.port,
      databaseName: name,
    });
    const again = (await discover({ ...asked, host: 'localhost' })).body;
    expect(again.pinnedFingerprint).toBeNull();
    const known = again.found.find((one: { databaseName: string }) => one.databaseName === name);
    expect(known.registered).toEqual({ id, name: 'shop' });
  });

  it('are refused with the reason and what to do about it, and without the password', async () => {
    const wrong = {
      type: 'postgres',
      host: '127.0.0.1',
      port: server.port,
      username: 'postgres',
      password: 'wr"ong ß',
    };
    const answer = await discover(wrong);
    expect([answer.status, answer.body.message]).toEqual([
      400,
      expect.stringMatching(/wrong user or password\. Correct the credentials\.$/),
    ]);
    expect(JSON.stringify([answer.body, app.log])).not.toContain('wr\\"ong');
    expect((await discover({ type: 'mongodb' })).body.field).toBe('type');
    expect((await discover({ type: 'sqlite' })).body.field).toBe('folders');
    expect((await discover({ type: 'sqlite', folders: ['relative'] })).status).toBe(400);
    expect((await discover({ type: 'sqlite', folders: [] }, 'nowhere')).status).toBe(404);
  });
});

describe('files on a server over SSH', () => {
  it('are found, and what hangs is given up with what was found by then', async () => {
    const path = `${sshd.folder}/ä 'b".db`;
    await sshd.insideHost(
      `cd ${sshd.folder} && printf 'SQLite format 3\\0' >x && head -c 4080 /dev/zero >>x && mv x "ä 'b\\".db"`,
    );
    const { body } = await discover({ type: 'sqlite', folders: [sshd.folder, '/nowhere'] });
    const found = { databaseName: null, filePath: path, sizeBytes: 4096, registered: null, obstacle: null };
    expect(body.found).toEqual([found]);
    expect(body.notes).toEqual(['There is no folder /nowhere that may be looked into.']);
    const file = await register({ name: 'b', type: 'sqlite', serverId, filePath: path });
    const again = await discover({ type: 'sqlite', folders: [sshd.folder] });
    expect(again.body.found).toEqual([{ ...found, registered: { id: file, name: 'b' } }]);

    const hanging = `i=0; while [ $i -lt 64 ]; do printf '%s\\0' "${path.replaceAll('"', '\\"')}"; i=$((i+1)); done; exec sleep 4712`;
    await sshd.insideHost(
      `cd /srv/shells/busybox && rm find && cat >find <<'END'\n#!/bin/sh\n${hanging}\nEND\nchmod +x find`,
    );
    await app.call('PATCH', `/api/servers/${serverId}`, { body: { sshUser: sshd.usersByShell.busybox } });
    const late = new AbortController();
    const { open } = app.services.servers;
    const watched: typeof app.services.servers = {
      ...app.services.servers,
      open: async (...args) => {
        const opened = await open(...args);
        return { ...opened, host: endingAt(opened.host, 'file', () => late.abort()) };
      },
    };
    const searching = discoverDatabases(
      { ...app.services, servers: watched },
      NOBODY,
      serverId,
      { type: 'sqlite', folders: [sshd.folder] },
      { signal: new AbortController().signal, deadline: late.signal },
    );
    const isHanging = async () => (await sshd.processes()).some((one) => one.includes('sleep 4712'));
    const partly = await searching;
    expect(partly.found.map(({ filePath }) => filePath)).toEqual([path]);
    expect(partly.notes).toEqual([expect.stringContaining('took too long and was ended')]);
    await until('it to be gone from the host', 10_000, async () => !(await isHanging()));
  });
});

describe('files on a server that has very many, or tells what it likes', () => {
  const search = () => discover({ type: 'sqlite', folders: [sshd.folder] });
  /** In the place of a program that the search runs. */
  const replace = (name: string, script: string) =>
    sshd.insideHost(
      `cd /srv/shells/busybox && rm -f ${name} && cat >${name} <<'END'\n#!/bin/sh\n${script}\nEND\nchmod +x ${name}`,
    );
  const asBusybox = () =>
    app.call('PATCH', `/api/servers/${serverId}`, { body: { sshUser: sshd.usersByShell.busybox } });
  const tells = async (script: string) => {
    await replace('find', 'exit 0');
    await replace('xargs', `cat >/dev/null; ${script}`);
    await asBusybox();
    return search();
  };

  it('are looked for no longer than more can be listed, among 50,000', async () => {
    const root = sshd.hostPath(`${sshd.folder}/many`);
    mkdirSync(root);
    const kinds = { empty: '', other: 'x'.repeat(600), base: 'SQLite format 3\0'.padEnd(4096, '\0') };
    for (const [name, text] of Object.entries(kinds)) writeFileSync(join(root, name), text);
    for (let folder = 0; folder < 50; folder += 1) {
      mkdirSync(join(root, String(folder)));
      for (let file = 0; file < 1000; file += 1) {
        const kind = file % 40 === 0 ? 'base' : file % 20 === 1 ? 'other' : 'empty';
        linkSync(join(root, kind), join(root, String(folder), `${file} "ü"`));
      }
    }
    const { status, body } = await discover({ type: 'sqlite', folders: [`${sshd.folder}/many`] });
    expect([status, body.found.length]).toEqual([200, MOST_FOUND]);
    expect(body.notes).toEqual([
      `There are more than ${MOST_FOUND}; those after them are not listed.`,
      'The search found too much and was ended; there may be more. Name folders with less in them.',
    ]);
    const isLooking = async () => (await sshd.processes()).some((one) => /find -H|xargs/.test(one));
    await until('nobody to look any more', 10_000, async () => !(await isLooking()));
    rmSync(root, { recursive: true });
  });

  it('are none where it never ends: nothing is kept of what it goes on with', async () => {
    for (const endless of ['exec cat /dev/zero', 'exec yes "SQLite format 3"', 'exec cat /dev/urandom']) {
      const { status, body } = await tells(endless);
      expect([endless, status, body.found]).toEqual([endless, 200, []]);
      const ended =
        'The search found too much and was ended; there may be more. Name folders with less in them.';
      expect([endless, body.notes.at(-1), body.notes.length <= 2]).toEqual([endless, ended, true]);
    }
    await until('it to be gone from the host', 10_000, async () => {
      return !(await sshd.processes()).some((one) => /\/dev\/(zero|urandom)|^yes/.test(one));
    });
  });

  it('are taken by what can be read of it, with why the others can’t be registered', async () => {
    const long = `/srv/${'x'.repeat(4000)}`;
    const { status, body } =
      await tells(String.raw`printf 'file\00099999999999999999999\000/srv/\342\200\256בסיס "1".db\000'
printf 'file\0001\000/srv/half \303\000file\000-1\000/srv/two\nlines\000nonsense\000\000\000'
printf 'file\0001\000${long}\000'
i=0; while [ $i -lt 300 ]; do printf 'closed\000\000/etc/%s\000searched\0001\000/x\000' $i; i=$((i+1)); done
printf 'closed\000\000${sshd.folder}\000'`);
    expect(status).toBe(200);
    const found = body.found.map((one: Record<string, unknown>) => [one['filePath'], one['sizeBytes']]);
    expect(found).toEqual([
      ['/srv/two\nlines', null],
      [long, 1],
      ['/srv/\u202eבסיס "1".db', null],
    ]);
    const why = expect.stringContaining('too long or holds line breaks');
    expect(body.found.map((one: Record<string, unknown>) => one['obstacle'])).toEqual([why, why, null]);
    expect(body.notes).toEqual([
      `There is no folder ${sshd.folder} that may be looked into.`,
      'Left out because their names are not in UTF-8: 1.',
    ]);
    const nonsense = await tells(`printf 'file'`);
    expect([nonsense.status, nonsense.body.found]).toEqual([200, []]);
  });

  it('can’t be told of where it never says a word, which is said', async () => {
    await replace('sh', 'exec sleep 4713');
    await asBusybox();
    const late = new AbortController();
    const searching = discoverDatabases(
      app.services,
      NOBODY,
      serverId,
      { type: 'sqlite', folders: [sshd.folder] },
      { signal: new AbortController().signal, deadline: late.signal },
    );
    const settled = expect(searching).rejects.toMatchObject({
      code: 'host_timeout',
      message: expect.stringMatching(/^The search for databases on .* took too long\. See on the host/),
    });
    await until('it to be silent', 10_000, async () =>
      (await sshd.processes()).some((one) => one.includes('sleep 4713')),
    );
    late.abort();
    await settled;
  });
});

describe('files of the app’s own machine', () => {
  it('are found where LOCAL_PATHS allows it, never in the data folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'discover-'));
    await app.close();
    app = await openTestApp({ env: { LOCAL_PATHS: folder, DATA_DIR: join(folder, 'data') } });
    environmentId = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body
      .environment.id;
    const here = await addServer({ name: 'here', hostname: 'localhost' });
    mkdirSync(join(folder, 'data'));
    for (const path of ['app.db', 'data/ours.sqlite']) {
      new Sqlite(join(folder, path)).exec('CREATE TABLE t (a)').close();
    }
    const { body } = await discover({ type: 'sqlite', folders: [folder] }, here);
    expect(body.found.map((one: { filePath: string }) => one.filePath)).toEqual([join(folder, 'app.db')]);
    expect(body.notes).toEqual(['Left out because they lie where no backups are taken of: 1.']);
    const refused = await discover({ type: 'sqlite', folders: ['/etc'] }, here);
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('LOCAL_PATHS')]);
    rmSync(folder, { recursive: true });
  });
});
