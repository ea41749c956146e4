import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, startInstallation } from './support/installation.ts';

const run = promisify(execFile);
const REPOSITORY = join(import.meta.dirname, '..');
const program = join(REPOSITORY, 'dist/test', `rotate-${process.pid}.js`);
const OLD = Buffer.alloc(32, 1).toString('base64');
const NEW = Buffer.alloc(32, 2).toString('base64');

let folder: string;
let app: Installation | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rotate-'));
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
  await app?.close();
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true });
});

/** The command of the image, in a process of its own. */
const rotate = (env: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, [program, 'rotate-master-key'], {
    env: { PATH: process.env['PATH'] ?? '', DATA_DIR: join(folder, 'data'), ...env },
  });
const restart = async (env: Readonly<Record<string, string>>) => {
  await app?.close();
  app = await startInstallation({ folder, env });
  return app;
};

it('seals the secrets of a running app with a new MASTER_KEY, while it goes on', async () => {
  const first = await restart({ MASTER_KEY: OLD });
  await first.ask('PUT', '/api/settings/spaces', { accessKey: 'THE-KEY', secretKey: 'secret' });
  const keys = { MASTER_KEY: NEW, MASTER_KEY_PREVIOUS: OLD };
  await expect(rotate(keys)).rejects.toMatchObject({
    stderr: expect.stringMatching(/^The running app does not seal with this master key yet\./),
  });
  const both = await restart(keys);
  await expect(rotate({ ...keys, MASTER_KEY_PREVIOUS: NEW })).rejects.toMatchObject({ code: 1 });
  const { stdout } = await rotate(keys);
  expect(stdout).toMatch(/^Secrets sealed with the present master key: 3 now, 0 before\./);
  expect(await both.ask('GET', '/api/settings/spaces')).toMatchObject({ config: { accessKey: 'THE-KEY' } });
  const alone = await restart({ MASTER_KEY: NEW });
  expect(await alone.ask('GET', '/api/settings/spaces')).toMatchObject({ config: { accessKey: 'THE-KEY' } });
});

it('needs one run for the key file of a data folder that no app works on', async () => {
  await app?.close();
  app = undefined;
  rmSync(join(folder, 'data'), { recursive: true });
  await (await startInstallation({ folder })).close();
  const { stdout } = await rotate();
  expect(stdout).toMatch(
    /^Secrets sealed .*: 1 now, 0 before\.\nThe new key is in .*master\.key: keep a copy/,
  );
  expect(existsSync(join(folder, 'data/master.key.previous'))).toBe(false);
  await restart({});
});
