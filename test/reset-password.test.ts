import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, startInstallation } from './support/installation.ts';
import { mainProgram, runMain } from './support/main-process.ts';

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
function resetPassword(email: string, dataDir: string) {
  return runMain(program, ['reset-password', email], { DATA_DIR: dataDir });
}

it('beside a running app gives a password that signs in, and ends the sessions of that user', async () => {
  const before = await app.call('GET', '/api/auth/me');
  expect(before.status).toBe(200);
  const { stdout } = await resetPassword('Admin@example.com', join(app.folder, 'data'));
  const password = /^The new password of Admin@example\.com is (\S+)$/m.exec(stdout)?.[1];
  expect((await app.call('GET', '/api/auth/me')).status).toBe(401);
  const old = { email: 'admin@example.com', password: 'correct horse battery' };
  expect((await app.call('POST', '/api/auth/login', old)).status).toBe(401);
  expect((await app.call('POST', '/api/auth/login', { ...old, password: String(password) })).status).toBe(
    200,
  );
});

it('says that there is no such user', async () => {
  await expect(resetPassword('nobody@example.com', join(app.folder, 'data'))).rejects.toMatchObject({
    code: 1,
    stderr: 'There is no user with the email nobody@example.com.\n',
  });
});

it('makes no database where there is none', async () => {
  await expect(resetPassword('admin@example.com', empty)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Can't open the database file .*bridgeport\.sqlite/),
  });
});
