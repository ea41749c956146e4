import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { type Installation, startInstallation } from './support/installation.ts';
import { mainProgram, runMain } from './support/main-process.ts';
import { codeOf } from './support/second-factor.ts';

let program: string;
let app: Installation;
let empty: string;
beforeAll(async () => {
  empty = mkdtempSync(join(tmpdir(), 'reset-'));
  app = await startInstallation();
  program = await mainProgram();
});
afterAll(async () => {
  await app.close();
  rmSync(empty, { recursive: true });
});

/** The command of the image, in a process of its own. */
function resetPassword(email: string, dataDir: string, ...more: readonly string[]) {
  return runMain(program, ['reset-password', ...more, email], { DATA_DIR: dataDir });
}

/** For the admin of that installation. */
async function setUpFactor() {
  const { user } = await app.ask('GET', '/api/auth/me');
  const path = `/api/users/${z.object({ id: z.string() }).parse(user).id}/second-factor`;
  const { secret } = await app.ask('POST', path, { currentPassword: 'correct horse battery' });
  await app.ask('POST', `${path}/confirm`, { code: codeOf(String(secret), new Date()) });
}

it('beside a running app gives a password that signs in, and ends the sessions of that user', async () => {
  const before = await app.call('GET', '/api/auth/me');
  expect(before.status).toBe(200);
  await setUpFactor();
  const { user } = await app.ask('GET', '/api/auth/me');
  const { id: userId } = z.object({ id: z.string() }).parse(user);
  const link = {
    issuer: 'https://auth.example.com',
    subject: 'x',
    email: 'ada@idp.example',
    last_used_at: null,
  };
  await app.services.db
    .insertInto('oidc_identities')
    .values({ ...link, id: 'link', user_id: userId, created_at: new Date().toISOString() })
    .execute();
  const { stdout } = await resetPassword('Admin@example.com', join(app.folder, 'data'));
  const password = /^The new password of Admin@example\.com is (\S+)$/m.exec(stdout)?.[1];
  expect((await app.call('GET', '/api/auth/me')).status).toBe(401);
  const old = { email: 'admin@example.com', password: 'correct horse battery' };
  expect((await app.call('POST', '/api/auth/login', old)).status).toBe(401);
  const signIn = (given: unknown) => app.call('POST', '/api/auth/login', { ...old, password: String(given) });
  expect((await signIn(password)).body['code']).toBe('SECOND_FACTOR_REQUIRED');
  expect(stdout).toContain('The link to ada@idp.example of https://auth.example.com is taken off');
  expect(stdout).toContain('With --without-second-factor it is taken off.');
  const without = await resetPassword(
    'admin@example.com',
    join(app.folder, 'data'),
    '--without-second-factor',
  );
  const [, again] = /^The new password of admin@example\.com is (\S+)\n$/.exec(without.stdout) ?? [];
  expect((await signIn(again)).status).toBe(200);
});

it('says that there is no such user', async () => {
  await expect(resetPassword('nobody@example.com', join(app.folder, 'data'))).rejects.toMatchObject({
    code: 1,
    stderr: 'There is no user with the email nobody@example.com.\n',
  });
});

it('without an email says how it is called, and whose it may be', async () => {
  const dataDir = join(app.folder, 'data');
  await expect(
    runMain(program, ['reset-password', '--without-second-factor'], { DATA_DIR: dataDir }),
  ).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /npm run reset-password -- EMAIL.*docker compose exec bridgeport reset-password EMAIL.*\nAdmins: admin@example\.com\n$/,
    ),
  });
});

it('makes no database where there is none', async () => {
  await expect(resetPassword('admin@example.com', empty)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Can't open the database file .*bridgeport\.sqlite/),
  });
});
