import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../../src/db/schema.ts';
import { write } from '../../../src/db/write.ts';
import { rotateMasterKey } from '../../../src/installation/node/rotate-master-key.ts';
import { beginKeyFiles, loadMasterKey } from '../../../src/secrets/node/master-key.ts';
import { recordSealingKey } from '../../../src/secrets/sealing-key.ts';
import { checkVault, signingKey } from '../../../src/secrets/signing-keys.ts';
import { createVault } from '../../../src/secrets/vault.ts';
import { readSettings, saveSettings } from '../../../src/settings/settings.ts';
import { openTestDatabase } from '../../support/database.ts';

const now = () => new Date('2026-01-01T00:00:00.000Z');
const key = (fill: number) => new Uint8Array(32).fill(fill);

let db: Db;
let dataDir: string;
beforeEach(async () => {
  db = await openTestDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'rotate-'));
});
afterEach(async () => {
  await db.destroy();
  rmSync(dataDir, { recursive: true });
});

const file = (name: string) => join(dataDir, name);
const fileConfig = () => ({ dataDir, masterKey: null, masterKeyPrevious: null });

/** What the app does at its start: the keys of that configuration must open the data. */
async function startApp(config: Parameters<typeof loadMasterKey>[0] = fileConfig()): Promise<string> {
  const loaded = await loadMasterKey(config, db);
  const vault = await createVault(loaded.key, loaded.previous);
  await checkVault(db, vault, now());
  await recordSealingKey(db, vault.keyId, now());
  return Buffer.from((await signingKey(db, vault, 'session', now())).secret).toString('hex');
}

describe('rotating keys of the environment', () => {
  const old = () => ({ dataDir, masterKey: key(1), masterKeyPrevious: null });
  const rotating = () => ({ dataDir, masterKey: key(2), masterKeyPrevious: key(1) });

  it('seals everything with the new key, which alone opens it then', async () => {
    const secret = await startApp(old());
    expect(await startApp(rotating())).toBe(secret);
    const done = await rotateMasterKey({ db, now, config: rotating(), isAppRunning: true });
    expect(done).toEqual({ kind: 'done', madeKey: null, resealed: 1, already: 0 });
    expect(await startApp({ dataDir, masterKey: key(2), masterKeyPrevious: null })).toBe(secret);
    await expect(startApp(old())).rejects.toMatchObject({ code: 'config' });
    const audit = await db.selectFrom('audit_logs').select(['action', 'resource_type']).execute();
    expect(audit).toEqual([{ action: 'rotate', resource_type: 'master_key' }]);
  });

  it.each([
    ['a wrong previous key', key(2), key(9)],
    ['no previous key', key(2), null],
  ])('changes nothing with %s', async (_, masterKey, masterKeyPrevious) => {
    const secret = await startApp(old());
    const config = { dataDir, masterKey, masterKeyPrevious };
    await expect(rotateMasterKey({ db, now, config, isAppRunning: false })).rejects.toMatchObject({
      code: 'secret_unreadable',
    });
    expect(await startApp(old())).toBe(secret);
  });

  it('waits for a running app that would still seal with the old key', async () => {
    const secret = await startApp(old());
    await expect(rotateMasterKey({ db, now, config: rotating(), isAppRunning: true })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('MASTER_KEY_PREVIOUS'),
    });
    expect(await startApp(old())).toBe(secret);
  });
});

describe('rotating the key file', () => {
  it('makes a new key, seals everything with it and forgets the old one', async () => {
    const secret = await startApp();
    await write(db, (trx) => saveSettings(trx, { masterKeyCopiedAt: now().toISOString() }, now()));
    const before = readFileSync(file('master.key'), 'utf8');
    const done = await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: false });
    expect(done).toEqual({ kind: 'done', madeKey: file('master.key'), resealed: 1, already: 0 });
    expect(readFileSync(file('master.key'), 'utf8')).not.toBe(before);
    expect(statSync(file('master.key')).mode & 0o777).toBe(0o600);
    expect(existsSync(file('master.key.previous'))).toBe(false);
    expect(await startApp()).toBe(secret);
    // The banner asks for a copy of the new key.
    expect((await readSettings(db)).masterKeyCopiedAt).toBeNull();
  });

  it('lets a running app learn the new key before anything is sealed with it', async () => {
    const secret = await startApp();
    const first = await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: true });
    expect(first).toEqual({ kind: 'restart', file: file('master.key') });
    const early = await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: true });
    expect(early).toEqual(first);
    expect(await startApp()).toBe(secret);
    const second = await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: true });
    expect(second).toEqual({ kind: 'done', madeKey: null, resealed: 1, already: 0 });
    expect(existsSync(file('master.key.previous'))).toBe(false);
    expect(await startApp()).toBe(secret);
  });

  it.each([
    [
      'the copy of the old key',
      async () => writeFileSync(file('master.key.previous'), readFileSync(file('master.key'))),
    ],
    [
      'the new key',
      async () => {
        await beginKeyFiles(fileConfig(), (await loadMasterKey(fileConfig(), db)).key);
      },
    ],
    [
      'the secrets were sealed anew',
      async () => {
        const old = readFileSync(file('master.key'));
        await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: false });
        writeFileSync(file('master.key.previous'), old);
      },
    ],
  ])('that ended after %s leaves an app that starts, and ends when run again', async (_, interrupt) => {
    const secret = await startApp();
    const old = readFileSync(file('master.key'), 'utf8');
    await interrupt();
    expect(await startApp()).toBe(secret);
    await rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: false });
    expect(await startApp()).toBe(secret);
    expect(existsSync(file('master.key.previous'))).toBe(false);
    expect(readFileSync(file('master.key'), 'utf8')).not.toBe(old);
  });

  it('changes nothing with a key file that does not open the data', async () => {
    await startApp();
    const right = readFileSync(file('master.key'), 'utf8');
    writeFileSync(file('master.key'), `${Buffer.from(key(9)).toString('base64')}\n`);
    await expect(
      rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: false }),
    ).rejects.toMatchObject({ code: 'secret_unreadable' });
    expect(existsSync(file('master.key.previous'))).toBe(false);
    writeFileSync(file('master.key'), right);
    await startApp();
  });
});

it('has nothing to rotate before the first start', async () => {
  await expect(rotateMasterKey({ db, now, config: fileConfig(), isAppRunning: false })).rejects.toMatchObject(
    { code: 'config' },
  );
  expect(existsSync(file('master.key'))).toBe(false);
});
