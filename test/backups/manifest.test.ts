import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { storedOf } from '../../src/backups/stored-totals.ts';
import { writeDueManifests } from '../../src/backups/write-manifest.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { findOrphans } from '../../src/retention/orphans.ts';
import { canonicalJson, type Json } from '../../src/secrets/canonical-json.ts';
import { ed25519Signer, isSignedBy } from '../../src/secrets/ed25519.ts';
import { type EndedBackup, type Installation, startInstallation } from '../support/installation.ts';

const KEY = { accessKey: 'MANIFESTKEY000000001', secretKey: 'manifest-secret-manifest-secret' };
const NAME = `größe "x" 🐘 <b>`;
const signal = new AbortController().signal;

let folder: string;
let bucket: DevBucket;
let app: Installation;
let inBucket: string;
let onHost: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifest-'));
  mkdirSync(join(folder, 'kept'));
  bucket = await startDevBucket({ folder: join(folder, 'bucket'), keys: [KEY], buckets: ['backups'] });
  app = await startInstallation({
    env: { STORAGE_CA_FILE: bucket.caFile ?? '', LOCAL_PATHS: folder },
    // Who looks at what was left sweeps it itself.
    timing: { sweepEveryMs: 3_600_000 },
  });
  const file = join(folder, 'source.db');
  const source = new Database(file);
  source.exec(`create table "t ü" (x); insert into "t ü" values ('one'), (');'); create table empty (a)`);
  source.close();
  const environment = await app.create('environment', '/api/environments', { name: NAME });
  await app.ask('PUT', '/api/settings/spaces', {
    ...KEY,
    region: bucket.region,
    endpoint: new URL(bucket.endpoint).host,
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  const add = (values: object) =>
    app.create('database', `/api/environments/${environment}/databases`, {
      ...{ name: NAME, type: 'sqlite', filePath: file, backupCompression: 'zstd', ...values },
    });
  inBucket = await add({ backupStorageType: 'spaces', backupSpacesBucket: 'backups' });
  onHost = await add({
    backupStorageType: 'local',
    backupLocalPath: join(folder, 'kept'),
    name: 'on a host',
  });
});
afterAll(async () => {
  await app?.close();
  await bucket?.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => bucket.faults.clear());

const writeDue = () => writeDueManifests(app.services, signal);
const keysOf = ({ storagePath }: EndedBackup) =>
  bucket
    .objects('backups')
    .map(({ key }) => key)
    .filter((key) => key.startsWith(storagePath));
const rowOf = ({ id }: EndedBackup) =>
  app.services.db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const dueNow = ({ id }: EndedBackup) =>
  app.services.db
    .updateTable('backups')
    .set({ manifest_due_at: new Date(0).toISOString() })
    .where('id', '=', id)
    .execute();
const ofManifest = (
  { storagePath }: EndedBackup,
  operation: 'PutObject' | 'GetObject',
  fault: { status: number; code: string },
) =>
  bucket.faults.add({
    match: { operation, key: `${storagePath}.manifest.json` },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'status', ...fault },
  });

async function good(databaseId: string): Promise<EndedBackup> {
  const backup = await app.backUp(databaseId);
  expect(backup.error).toBeNull();
  return backup;
}

async function read(backup: EndedBackup) {
  const s3 = app.services.openS3({ endpoint: bucket.endpoint, region: bucket.region, ...KEY });
  const chunks = [];
  for await (const chunk of await s3.bucket('backups').get(`${backup.storagePath}.manifest.json`))
    chunks.push(chunk);
  await s3.close();
  return Buffer.concat(chunks).toString();
}

async function isGenuine(text: string): Promise<boolean> {
  const { signature, ...manifest } = JSON.parse(text) as Readonly<Record<string, Json>>;
  return isSignedBy(String(manifest['publicKey']), String(signature), canonicalJson(manifest));
}

describe('the manifest of a backup', () => {
  it('lies beside its object, tells what is in it, and is signed with the key of the installation', async () => {
    const backup = await good(inBucket);
    const before = await storedOf(app.services.db, null);
    await writeDue();
    const text = await read(backup);
    expect(await app.ask('GET', `/api/backups/${backup.id}/manifest`)).toEqual(JSON.parse(text));
    const { publicKey } = await app.ask('GET', '/api/installation/public-key');
    const manifest = JSON.parse(text);
    expect(manifest).toMatchObject({
      ...{ schemaVersion: 1, backupId: backup.id, publicKey, database: { name: NAME } },
      environment: { name: NAME },
      engine: { type: 'sqlite', serverVersion: expect.any(String) },
      ...{ format: null, compression: expect.stringMatching(/^zstd-\d+$/), options: expect.any(Object) },
      object: { key: backup.storagePath, fileName: expect.stringMatching(/\.sql\.zst$/) },
      ...{ startedAt: expect.stringMatching(/Z$/), completedAt: expect.stringMatching(/Z$/) },
      sha256: { stored: backup.sha256, dump: expect.stringMatching(/^[0-9a-f]{64}$/) },
      bytes: { stored: backup.size, dump: expect.any(Number) },
      contents: {
        tables: [
          { schema: null, name: 'empty', rows: 0 },
          { schema: null, name: 't ü', rows: 2 },
        ],
      },
    });
    expect(manifest.sha256.dump).not.toBe(manifest.sha256.stored);
    expect(manifest.restoreByHand.join('\n')).toContain('sqlite3');
    expect(text).toBe(`${canonicalJson(manifest)}\n`);
    expect(await isGenuine(text)).toBe(true);
    expect((await rowOf(backup)).manifest_due_at).toBeNull();
    // It is no backup, and no orphan.
    expect(await storedOf(app.services.db, null)).toEqual(before);
    const { orphans, missing } = await findOrphans(app.services, signal);
    expect([orphans, missing]).toEqual([[], []]);
    expect((await app.ask('GET', `/api/backups/${backup.id}`))['backup']).toMatchObject({
      contents: { tables: [{ name: 'empty' }, { name: 't ü', rows: 2 }] },
    });
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    expect(keysOf(backup)).toEqual([]);
  });

  it('is found to be forged, whatever is changed in it', async () => {
    const text = (await good(inBucket).then(({ id }) => app.call('GET', `/api/backups/${id}/manifest`))).body;
    const genuine = `${canonicalJson(text as Json)}\n`;
    expect(await isGenuine(genuine)).toBe(true);
    let [tried, caught] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.nat(genuine.length - 2), fc.integer({ min: 1, max: 127 }), async (at, by) => {
        const changed = Buffer.from(genuine);
        changed[at] = (changed[at] ?? 0) ^ by;
        let isCaught = true;
        try {
          isCaught = !(await isGenuine(changed.toString()));
        } catch {
          // No JSON any more.
        }
        tried += 1;
        caught += isCaught ? 1 : 0;
      }),
      { numRuns: 200 },
    );
    expect(caught).toBe(tried);
    const other = await ed25519Signer(new Uint8Array(32).fill(7));
    const { signature: _, ...manifest } = text as { readonly [name: string]: Json };
    const resigned = { ...manifest, publicKey: other.publicKey };
    const signature = await other.sign(canonicalJson(resigned));
    // Signed well, and by somebody else: the key is what tells.
    expect(await isGenuine(canonicalJson({ ...resigned, signature }))).toBe(true);
    expect((await app.ask('GET', '/api/installation/public-key'))['publicKey']).not.toBe(other.publicKey);
  });

  it('takes nothing from its backup where the storage refuses it, and is written again later', async () => {
    const backup = await good(inBucket);
    ofManifest(backup, 'PutObject', { status: 403, code: 'AccessDenied' });
    await writeDue();
    expect(await rowOf(backup)).toMatchObject({ status: 'completed', manifest_tries: 1 });
    expect((await rowOf(backup)).manifest_error).toMatch(/refused|denied|not allowed/i);
    expect(Date.parse((await rowOf(backup)).manifest_due_at ?? '')).toBeGreaterThan(Date.now());
    bucket.faults.clear();
    await writeDue();
    expect(keysOf(backup)).not.toContain(`${backup.storagePath}.manifest.json`);
    await dueNow(backup);
    await writeDue();
    expect(await isGenuine(await read(backup))).toBe(true);
    expect(await rowOf(backup)).toMatchObject({ manifest_error: null, manifest_due_at: null });
    await app.ask('DELETE', `/api/backups/${backup.id}`);
  });

  it('is written again where the app died at any place of its writing, and where it was not read back well', async () => {
    const backup = await good(inBucket);
    ofManifest(backup, 'GetObject', { status: 404, code: 'NoSuchKey' });
    await writeDue();
    // It lies there, and nothing of it is recorded but where.
    expect(keysOf(backup)).toContain(`${backup.storagePath}.manifest.json`);
    expect((await rowOf(backup)).manifest_tries).toBe(1);
    bucket.faults.clear();
    await dueNow(backup);
    await writeDue();
    expect(await isGenuine(await read(backup))).toBe(true);
    expect((await rowOf(backup)).manifest_due_at).toBeNull();
    await app.ask('DELETE', `/api/backups/${backup.id}`);
  });

  it('leaves what is not its own', async () => {
    const backup = await good(inBucket);
    const s3 = app.services.openS3({ endpoint: bucket.endpoint, region: bucket.region, ...KEY });
    const key = `${backup.storagePath}.manifest.json`;
    async function* foreign() {
      yield Buffer.from('mine');
    }
    await s3.bucket('backups').put(key, foreign(), {
      ...{ signal, token: 'somebody else', contentType: 'text/plain', fileName: 'x' },
    });
    await writeDue();
    expect((await rowOf(backup)).manifest_error).toContain('Something else lies at');
    expect(await read(backup)).toBe('mine');
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    expect(keysOf(backup)).toEqual([key]);
    await s3.bucket('backups').remove(key);
    await s3.close();
  });

  it('leaves nothing when its backup is deleted while it is written, or when it is gone already', async () => {
    const backup = await good(inBucket);
    const key = `${backup.storagePath}.manifest.json`;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    bucket.faults.add({
      match: { operation: 'PutObject', key },
      fault: { kind: 'hold', until: held },
    });
    const hits = bucket.faults.hits().length;
    const writing = writeDue();
    await expect.poll(() => bucket.faults.hits().length).toBeGreaterThan(hits);
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    release();
    await writing;
    expect(keysOf(backup)).toEqual([key]);
    await app.services.db
      .updateTable('leftovers')
      .set({ next_try_at: new Date(0).toISOString() })
      .execute();
    await sweepLeftovers(app.services, signal);
    expect(keysOf(backup)).toEqual([]);

    const other = await good(inBucket);
    await writeDue();
    const s3 = app.services.openS3({ endpoint: bucket.endpoint, region: bucket.region, ...KEY });
    await s3.bucket('backups').remove(`${other.storagePath}.manifest.json`);
    await s3.close();
    await app.ask('DELETE', `/api/backups/${other.id}`);
    expect(keysOf(other)).toEqual([]);
  });

  it('lies beside a file on a host, too, and goes with it', async () => {
    const backup = await good(onHost);
    await writeDue();
    const path = `${backup.storagePath}.manifest.json`;
    const text = readFileSync(path, 'utf8');
    expect(await isGenuine(text)).toBe(true);
    expect(statSync(path).mode & 0o077).toBe(0);
    const stored = createHash('sha256').update(readFileSync(backup.storagePath)).digest('hex');
    expect(JSON.parse(text)).toMatchObject({ sha256: { stored } });
    await dueNow(backup);
    await writeDue();
    expect(readFileSync(path, 'utf8')).toBe(text);
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves no half file on a host where the app died while it wrote, whatever becomes of the backup then', async () => {
    const backup = await good(onHost);
    await writeDue();
    const ends = [
      async () => {
        await writeDue();
        expect(await isGenuine(readFileSync(`${backup.storagePath}.manifest.json`, 'utf8'))).toBe(true);
      },
      () => app.ask('DELETE', `/api/backups/${backup.id}`),
    ];
    for (const end of ends) {
      const half = await asIfKilledWithin(backup);
      await end();
      expect(existsSync(half)).toBe(false);
    }
  });
});

/** What is there, and what is recorded, when the app dies while it writes the manifest to a host; gives the half file. */
async function asIfKilledWithin(backup: EndedBackup): Promise<string> {
  const path = `${backup.storagePath}.manifest.json`;
  const { token } = await app.services.db
    .selectFrom('backups')
    .select('token')
    .where('id', '=', backup.id)
    .executeTakeFirstOrThrow();
  const half = join(dirname(path), `.${basename(path)}.${token}.partial`);
  renameSync(path, half);
  await app.services.db
    .updateTable('backup_objects')
    .set({ bytes: null, sha256: null })
    .where('backup_id', '=', backup.id)
    .where('kind', '=', 'manifest')
    .execute();
  await dueNow(backup);
  return half;
}

it('canonical JSON is the same for the same value, however it was put together', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const shuffled = JSON.parse(JSON.stringify(value), (_, member: unknown) =>
        member !== null && typeof member === 'object' && !Array.isArray(member)
          ? Object.fromEntries(Object.entries(member).reverse())
          : member,
      );
      expect(canonicalJson(shuffled)).toBe(canonicalJson(JSON.parse(JSON.stringify(value))));
      expect(JSON.parse(canonicalJson(shuffled))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('signs as RFC 8032 does', async () => {
  // Its test 2.
  const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
  const { publicKey, sign } = await ed25519Signer(seed);
  expect(Buffer.from(publicKey, 'base64url').toString('hex')).toBe(
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  );
  expect(Buffer.from(await sign('r'), 'base64url').toString('hex')).toBe(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  expect(await isSignedBy(publicKey, 'AA', 'r')).toBe(false);
});
