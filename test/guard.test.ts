import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveApp } from '../src/http/node/serve.ts';
import { makeEnvironment, makeToken } from './support/api-tokens.ts';
import { openTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';

const GUARD = fileURLToPath(new URL('../scripts/bridgeport-guard.sh', import.meta.url));
const SHELLS = [
  ['dash', []],
  ['bash', ['--posix']],
  ['busybox', ['sh']],
] as const;
type Shell = readonly [string, readonly string[]];

let app: TestApp;
let url: string;
let server: ReturnType<typeof serveApp>;
let folder: string;
let token: string;
let shop: { readonly environmentId: string; readonly databaseId: string };

beforeAll(async () => {
  app = await openTestApp();
  const listening = Promise.withResolvers<number>();
  server = serveApp(app.app, { host: '127.0.0.1', port: 0 }, ({ port }) => listening.resolve(port));
  url = `http://127.0.0.1:${await listening.promise}`;
  shop = await makeEnvironment(app, 'shop "1" + 🐘');
  const owner = { userId: app.userIds.operator };
  ({ token } = await makeToken(app, owner, { access: 'backups', environmentIds: [shop.environmentId] }));
  folder = mkdtempSync(join(tmpdir(), 'guard ü '));
  // Notes what curl and sleep are called with; LOOK_WAIT is how long a look waits.
  const programs = {
    curl: `for one in "$@"; do
  shift
  case $one in *'?wait=50') one=\${one%50}\${LOOK_WAIT:-50} ;; esac
  set -- "$@" "$one"
done
printf '%s\\n' "$*" >> "$ARGUMENTS"
exec /usr/bin/curl "$@"`,
    sleep: `printf 'sleep %s\\n' "$*" >> "$ARGUMENTS"\nexec /bin/sleep "$@"`,
  };
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
});
afterAll(async () => {
  const closed = once(server, 'close');
  server.close();
  await closed;
  rmSync(folder, { recursive: true });
  await app.close();
});

interface Guarded {
  readonly status: number | null;
  readonly out: string;
  readonly told: string;
  /** What curl was called with. */
  readonly curl: string;
}

let number = 0;
async function guard(
  command: readonly string[],
  { env = {}, shell = SHELLS[0] }: { env?: Readonly<Record<string, string>>; shell?: Shell } = {},
): Promise<Guarded> {
  number += 1;
  const called = join(folder, `arguments ${number}`);
  writeFileSync(called, '');
  const child = spawn(shell[0], [...shell[1], GUARD, ...command], {
    env: {
      ...{ PATH: `${folder}:${process.env['PATH']}`, ARGUMENTS: called },
      ...{ BRIDGEPORT_URL: `${url}/`, BRIDGEPORT_TOKEN: token },
      ...{ BRIDGEPORT_ENVIRONMENT_ID: shop.environmentId, BRIDGEPORT_DATABASE_ID: shop.databaseId },
      ...env,
    },
  });
  // A guard that gives up reads nothing of it.
  child.stdin.on('error', () => undefined);
  child.stdin.end('typed');
  const [out, told, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, out, told, curl: readFileSync(called, 'utf8') };
}

/** What a worker would make of the backup that waits. */
async function settleNext(change: {
  status: 'completed' | 'failed';
  verification: 'stored' | 'failed' | null;
}) {
  const { db } = app.services;
  const { id } = await until('a backup to be asked for', 30_000, async () =>
    db.selectFrom('backups').select('id').where('status', '=', 'pending').executeTakeFirst(),
  );
  const at = new Date().toISOString();
  await db.updateTable('runs').set({ state: 'completed', ended_at: at }).where('id', '=', id).execute();
  const outcome = change.status;
  await db
    .updateTable('backups')
    .set({ ...change, outcome, completed_at: at })
    .where('id', '=', id)
    .execute();
  return id;
}
const GOOD = { status: 'completed', verification: 'stored' } as const;

const isPinned = async (id: string) =>
  (
    await app.services.db
      .selectFrom('backups')
      .select('is_pinned')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).is_pinned === 1;

describe('bridgeport-guard', () => {
  it.each(SHELLS)('backs up, pins, runs the command and gives the pin back, in %s', async (...shell) => {
    const script = 'printf "%s|" "$@"; env | grep -c BRIDGEPORT_TOKEN; cat';
    const [ended, id] = await Promise.all([
      guard(['--', 'sh', '-c', script, 'x', 'one two', '$(id)', ''], { shell }),
      settleNext(GOOD),
    ]);
    expect([ended.status, ended.told]).toEqual([
      0,
      expect.stringContaining(`Backup ${id} (shop of shop "1" + 🐘-`),
    ]);
    expect(ended.out).toBe('one two|$(id)||0\ntyped');
    expect(await isPinned(id)).toBe(false);
    // A list of processes shows no token, and the pin was there while the command ran.
    expect(ended.curl).not.toContain(token.slice(14));
    expect(ended.curl.match(/"pinned":(true|false)/g)).toEqual(['"pinned":true', '"pinned":false']);
  });

  it.each(SHELLS)(
    'gives the command the environment that it was called with, and no secret, in %s',
    async (...shell) => {
      const own = {
        ...{ token: 'old', url: 'postgres://shop', database: 'größe "1"', status: '', key: 'k', backup: 'b' },
      };
      const taken = { guard_token: 'old', guard_key: 'x', guard_all: 'x', guard_answer: 'x' };
      const [ended] = await Promise.all([
        guard(['env'], { shell, env: { ...own, ...taken } }),
        settleNext(GOOD),
      ]);
      expect(ended.status).toBe(0);
      const lines = ended.out.split('\n');
      for (const [name, value] of Object.entries(own)) expect(lines).toContain(`${name}=${value}`);
      expect(ended.out).not.toContain(token.slice(14));
      expect(lines.filter((line) => /^(guard_|BRIDGEPORT_TOKEN)/.test(line))).toEqual([]);
    },
  );

  it('looks once a second where the app lets it not wait', async () => {
    const looking = guard(['true'], { env: { LOOK_WAIT: '0' } });
    const called = join(folder, `arguments ${number}`);
    await until('a pause after a look', 30_000, async () =>
      /wait=0\nsleep 1\n/.test(readFileSync(called, 'utf8')),
    );
    await settleNext(GOOD);
    const ended = await looking;
    expect(ended.status).toBe(0);
    expect(ended.curl).not.toMatch(/wait=0\n[^\n]*wait=0\n/);
  });

  it('ends as the command did, says what to restore, and leaves that pinned', async () => {
    const [ended, id] = await Promise.all([guard(['sh', '-c', 'exit 7']), settleNext(GOOD)]);
    expect(ended.status).toBe(7);
    expect(ended.told).toContain('The command failed with status 7. Nothing has been restored.');
    expect(ended.told).toContain(`To restore it: ${url}/backups/${id}/restore`);
    expect(await isPinned(id)).toBe(true);
  });

  it('keeps the pin where that is asked for', async () => {
    const keep = { env: { BRIDGEPORT_KEEP_PIN: '1' } };
    const [ended, id] = await Promise.all([guard(['true'], keep), settleNext(GOOD)]);
    expect([ended.status, await isPinned(id)]).toEqual([0, true]);
  });

  it.each([
    ['failed', { status: 'failed', verification: null }, 'failed: http'],
    ['was not stored as it was sent', { status: 'completed', verification: 'failed' }, 'was not read back'],
  ] as const)('runs no command after a backup that %s', async (_, end, why) => {
    const [ended] = await Promise.all([guard(['echo', 'ran']), settleNext(end)]);
    expect([ended.status, ended.out]).toEqual([125, '']);
    expect(ended.told).toContain(why);
    expect(ended.told).toContain('The command has not been run.');
  });

  it.each([
    ['a token that is none', { BRIDGEPORT_TOKEN: 'bport_pat_x' }, 'refused (401): Unauthorized'],
    ['a database of elsewhere', { BRIDGEPORT_DATABASE_ID: 'other' }, 'refused (404): Database not found'],
    ['another environment', { BRIDGEPORT_ENVIRONMENT_ID: 'x' }, 'Token is not scoped to this environment'],
    ['no token', { BRIDGEPORT_TOKEN: '' }, 'BRIDGEPORT_TOKEN is not set'],
    [
      'a token with a line of curl’s',
      { BRIDGEPORT_TOKEN: 'x"\nurl = "file:///etc/passwd' },
      'is no API token',
    ],
    ['an id that is a path', { BRIDGEPORT_DATABASE_ID: '../../x' }, 'must be an id'],
    ['no address', { BRIDGEPORT_URL: 'backups.example.com' }, 'must be the address of the app'],
    ['an option for an address', { BRIDGEPORT_URL: 'https://x -o y' }, 'holds what no address'],
    [
      'an app that is not there',
      { BRIDGEPORT_URL: 'http://127.0.0.1:1', BRIDGEPORT_GUARD_TIMEOUT: '0' },
      'last answer: 000',
    ],
    ['no time', { BRIDGEPORT_GUARD_TIMEOUT: 'soon' }, 'must be whole seconds'],
  ])('runs no command with %s', async (_, env, why) => {
    const ended = await guard(['--', 'echo', 'ran'], { env });
    expect([ended.status, ended.out]).toEqual([125, '']);
    expect(ended.told).toContain(why);
    expect(ended.told).not.toContain(token.slice(14));
  });
});
