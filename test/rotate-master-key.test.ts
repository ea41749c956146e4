import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signingKey } from '../src/secrets/signing-keys.ts';
import { type Installation, startInstallation } from './support/installation.ts';
import { mainProgram, runMain } from './support/main-process.ts';

const OLD = Buffer.alloc(32, 1).toString('base64');
const NEW = Buffer.alloc(32, 2).toString('base64');

let program: string;
let folder: string;
let app: Installation | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rotate-'));
  program = await mainProgram();
});
afterAll(async () => {
  await app?.close();
  rmSync(folder, { recursive: true });
});

/** The command of the image, in a process of its own. */
const rotate = (env: Readonly<Record<string, string>> = {}) =>
  runMain(program, ['rotate-master-key'], { DATA_DIR: join(folder, 'data'), ...env });
const restart = async (env: Readonly<Record<string, string>>) => {
  await app?.close();
  app = await startInstallation({ folder, env });
  return app;
};

it('seals the secrets of a running app with a new MASTER_KEY, while it goes on', async () => {
  const first = await restart({ MASTER_KEY: OLD });
  await makeAuditKey(first);
  await first.ask('PUT', '/api/settings/spaces', { accessKey: 'THE-KEY', secretKey: 'secret' });
  const keys = { MASTER_KEY: NEW, MASTER_KEY_PREVIOUS: OLD };
  await expect(rotate(keys)).rejects.toMatchObject({
    stderr: expect.stringMatching(/^The running app does not seal with this master key yet\./),
  });
  const both = await restart(keys);
  await expect(rotate({ ...keys, MASTER_KEY_PREVIOUS: NEW })).rejects.toMatchObject({ code: 1 });
  const { stdout } = await rotate(keys);
  expect(stdout).toMatch(/^Secrets sealed with the present master key: 4 now, 0 before\./);
  expect(await both.ask('GET', '/api/settings/spaces')).toMatchObject({ config: { accessKey: 'THE-KEY' } });
  const alone = await restart({ MASTER_KEY: NEW });
  expect(await alone.ask('GET', '/api/settings/spaces')).toMatchObject({ config: { accessKey: 'THE-KEY' } });
});

it('needs one run for the key file of a data folder that no app works on', async () => {
  await app?.close();
  app = undefined;
  rmSync(join(folder, 'data'), { recursive: true });
  const made = await startInstallation({ folder });
  await makeAuditKey(made);
  await made.close();
  const { stdout } = await rotate();
  expect(stdout).toMatch(
    /^Secrets sealed .*: 2 now, 0 before\.\nThe new key is in .*master\.key: keep a copy/,
  );
  expect(existsSync(join(folder, 'data/master.key.previous'))).toBe(false);
  await restart({});
});

/** It is made when the audit log is first signed, at some time after a start. */
function makeAuditKey({ services }: Installation): Promise<unknown> {
  return signingKey(services.db, services.vault, 'audit', services.now());
}
