import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { loadMasterKey } from '../../src/secrets/node/master-key.ts';
import { checkVault, signingKey } from '../../src/secrets/signing-keys.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { openTestDatabase } from '../support/database.ts';

const now = new Date('2026-01-01T00:00:00.000Z');
let db: Db;
let dataDir: string;
beforeEach(async () => {
  db = await openTestDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'key-'));
});
afterEach(async () => {
  await db.destroy();
  rmSync(dataDir, { recursive: true });
});

describe('loadMasterKey', () => {
  it('makes a key file for its owner alone, once', async () => {
    const made = await loadMasterKey({ dataDir, masterKey: null, masterKeyPrevious: null }, db);
    expect(made.source).toBe('generated');
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    const again = await loadMasterKey({ dataDir, masterKey: null, masterKeyPrevious: null }, db);
    expect(again).toEqual({ ...made, source: 'file' });
    expect(readFileSync(made.file, 'utf8').trim()).toBe(Buffer.from(made.key).toString('base64'));
  });

  it('prefers the configured key and writes no file', async () => {
    const masterKey = new Uint8Array(32).fill(3);
    expect((await loadMasterKey({ dataDir, masterKey, masterKeyPrevious: null }, db)).source).toBe(
      'environment',
    );
    expect(() => statSync(join(dataDir, 'master.key'))).toThrow();
  });

  it('makes no new key where the data was sealed with one that is gone', async () => {
    await checkVault(db, await createVault(new Uint8Array(32).fill(3)), now);
    await expect(loadMasterKey({ dataDir, masterKey: null, masterKeyPrevious: null }, db)).rejects.toThrow(
      'The master key is missing',
    );
    expect(() => statSync(join(dataDir, 'master.key'))).toThrow();
  });

  it('refuses a damaged key file and leaves it', async () => {
    writeFileSync(join(dataDir, 'master.key'), 'half a k');
    await expect(
      loadMasterKey({ dataDir, masterKey: null, masterKeyPrevious: null }, db),
    ).rejects.toMatchObject({ code: 'config' });
    expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toBe('half a k');
  });
});

describe('checkVault', () => {
  it('accepts the key that the data was made with and keeps the signing key', async () => {
    const vault = await createVault(new Uint8Array(32).fill(3));
    await checkVault(db, vault, now);
    const first = await signingKey(db, vault, 'session', now);
    await checkVault(db, vault, now);
    expect(await signingKey(db, vault, 'session', now)).toEqual(first);
  });

  it('refuses another key and says so', async () => {
    await checkVault(db, await createVault(new Uint8Array(32).fill(3)), now);
    const other = await createVault(new Uint8Array(32).fill(4));
    await expect(checkVault(db, other, now)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('does not open the existing data'),
    });
  });
});
