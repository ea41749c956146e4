import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ServerType, serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { type Installation, startInstallation } from '../support/installation.ts';

/** The script of docs/backup-and-restore.md, exactly as an admin reads it there, against the whole app. */

const run = promisify(execFile);
const PAGE = await readFile(new URL('../../docs/backup-and-restore.md', import.meta.url), 'utf8');
const EMAIL = 'schedule@example.com';
const PASSWORD = 'a "quoted" pass\\word of späte 日本';
const SHELLS: Readonly<Record<string, readonly string[]>> = {
  dash: ['dash'],
  bash: ['bash', '--posix'],
  busybox: ['busybox', 'sh'],
};
const ABSENT = '00000000000000000000000000';

let folder: string;
let app: Installation;
let server: ServerType;
let url: string;
let environment: string;
let login: string;
let shop: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scheduling-'));
  app = await startInstallation({ env: { LOCAL_PATHS: folder } });
  const { fetch } = createApp(app.services);
  await new Promise<void>((resolve) => {
    server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve());
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await app.create('user', '/api/users', { email: EMAIL, password: PASSWORD, role: 'operator' });
  environment = await app.create('environment', '/api/environments', { name: 'production' });
  await writeFile(join(folder, 'bridgeport-backup'), scriptOf(PAGE), { mode: 0o755 });
  shop = join(folder, 'shop.db');
  await run('sqlite3', [shop, 'create table t (id integer); insert into t values (1)']);
  login = await writeLogin('login.json', PASSWORD);
  await wrapCurl();
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the script for cron', () => {
  it.each(Object.keys(SHELLS))('ends well once the backup is completed, in %s', async (shell) => {
    const ended = await backUp(await database(`shop {"${shell}"}`, { filePath: shop }), { shell });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const id = /backup (\S+) is completed\n$/.exec(ended.stdout)?.[1] ?? '';
    const { backup } = (await app.ask('GET', `/api/backups/${id}`)) as { backup: object };
    expect(backup).toMatchObject({ status: 'completed', triggeredBy: { email: EMAIL } });
  });

  it.each(Object.keys(SHELLS))('fails with the step and the message of the error, in %s', async (shell) => {
    const ended = await backUp(
      await database(`gone ${shell}`, { filePath: join(folder, 'not "there".db') }),
      {
        shell,
      },
    );
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^bridgeport-backup: backup \S+ failed at step (connect|dump): \S.*\n$/);
    // The message quotes the path by itself.
    expect(ended.stderr).toContain('not \\"there\\".db"');
    expect(ended.stdout).toBe('');
  });

  it('fails on a wrong password, and starts nothing', async () => {
    const wrong = await writeLogin('wrong.json', 'another password');
    const id = await database('untouched', { filePath: shop });
    expect(await backUp(id, { env: { BRIDGEPORT_LOGIN: wrong } })).toMatchObject({
      code: 1,
      stderr: 'bridgeport-backup: sign-in failed: Invalid credentials\n',
    });
    expect(await app.ask('GET', `/api/databases/${id}/backups`)).toMatchObject({ total: 0 });
  });

  it('fails for a database that is not there', async () => {
    expect(await backUp(ABSENT)).toMatchObject({
      code: 1,
      stderr: 'bridgeport-backup: the backup did not start: Database not found\n',
    });
  });

  it('fails when nobody answers', async () => {
    const ended = await backUp(ABSENT, { env: { BRIDGEPORT_URL: 'http://127.0.0.1:9' } });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('bridgeport-backup: no answer from http://127.0.0.1:9\n');
  });

  it('waits when it is told to: of many that begin at once all are completed', async () => {
    const narrow = { ...app.services.config, rateLimitMax: 2, rateLimitUserMax: 20, rateLimitWindowMs: 2000 };
    const { fetch } = createApp({ ...app.services, config: narrow });
    const busy = await new Promise<ServerType>((resolve) => {
      const started = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started));
    });
    const env = {
      BRIDGEPORT_PAUSE: '1',
      BRIDGEPORT_URL: `http://127.0.0.1:${(busy.address() as AddressInfo).port}`,
    };
    const names = ['a b', 'c+d', 'ü', '😀', "'"];
    const ids = await Promise.all(names.map((name) => database(`nightly ${name}`, { filePath: shop })));
    const ended = await Promise.all(ids.map((id) => backUp(id, { env })));
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']));
    await new Promise((resolve) => busy.close(resolve));
  });

  it('fails when the backup takes too long, and says that it goes on', async () => {
    const id = await database('slow', { filePath: shop });
    await app.services.worker.stop(10_000);
    const ended = await backUp(id, { env: { BRIDGEPORT_LOOKS: '2' } });
    app.services.worker.start();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/has not ended in time \(pending\); it goes on\n$/);
  });

  it('refuses a file of the account that others may read', async () => {
    const open = await writeLogin('open.json', PASSWORD);
    await chmod(open, 0o640);
    expect(await backUp(ABSENT, { env: { BRIDGEPORT_LOGIN: open } })).toMatchObject({
      code: 1,
      stderr: `bridgeport-backup: others may read ${open}: chmod 0600\n`,
    });
  });

  it('gives neither the password nor the token to a command line, and ends its session', async () => {
    const seen = await readFile(join(folder, 'arguments'), 'utf8');
    expect(seen).toContain('/api/auth/logout');
    expect(seen).toContain('-H @-');
    expect(seen).not.toMatch(/quoted|Bearer|eyJ/);
    const open = await app.services.db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .where('users.email', '=', EMAIL)
      .select('sessions.id')
      .execute();
    expect(open).toEqual([]);
  });
});

/** The fenced block that begins with `#!`, without the indentation of its list. */
function scriptOf(page: string): string {
  const block = /^( *)```sh\n( *#!\/bin\/sh\n[\s\S]*?)^ *```$/m.exec(page);
  const indent = block?.[1] ?? '';
  return (block?.[2] ?? '')
    .split('\n')
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join('\n');
}

async function writeLogin(name: string, password: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${JSON.stringify({ email: EMAIL, password })}\n`, { mode: 0o600 });
  return path;
}

/** A curl that notes its arguments, as any user of the machine could. */
async function wrapCurl(): Promise<void> {
  const { stdout } = await run('which', ['curl']);
  await mkdir(join(folder, 'bin'));
  const script = `#!/bin/sh\necho "$@" >> "${join(folder, 'arguments')}"\nexec ${stdout.trim()} "$@"\n`;
  await writeFile(join(folder, 'bin', 'curl'), script, { mode: 0o755 });
}

function database(name: string, settings: object): Promise<string> {
  return app.create('database', `/api/environments/${environment}/databases`, {
    name,
    type: 'sqlite',
    backupStorageType: 'local',
    backupLocalPath: folder,
    ...settings,
  });
}

async function backUp(
  databaseId: string,
  { shell = 'dash', env = {} }: { shell?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const settings = { BRIDGEPORT_URL: url, BRIDGEPORT_LOGIN: login, BRIDGEPORT_PAUSE: '0.2', ...env };
  const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
  try {
    const [program = 'sh', ...options] = SHELLS[shell] ?? [];
    const ended = await run(program, [...options, join(folder, 'bridgeport-backup'), databaseId], {
      env: { ...settings, PATH },
    });
    return { code: 0, ...ended };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
