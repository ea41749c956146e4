import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, startInstallation } from './support/installation.ts';

const run = promisify(execFile);
const REPOSITORY = join(import.meta.dirname, '..');
const program = join(REPOSITORY, 'dist/test', `main-${process.pid}.js`);

let app: Installation;
let empty: string;
beforeAll(async () => {
  empty = mkdtempSync(join(tmpdir(), 'reset-'));
  app = await startInstallation();
  await build({
    entryPoints: [join(REPOSITORY, 'src/main.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    packages: 'external',
    logLevel: 'warning',
  });
});
afterAll(async () => {
  await app.close();
  rmSync(program, { force: true });
  rmSync(empty, { recursive: true });
});

/** The command of the image, in a process of its own. */
function resetPassword(email: string, dataDir: string) {
  return run(process.execPath, [program, 'reset-password', email], {
    env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir },
  });
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
