import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type DevBucket, type FaultRule, startDevBucket } from '../../dev/bucket/server.ts';
import { beside } from '../support/beside.ts';
import { buildChildApp, type ChildApp, removeChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';
import { BUCKET, KEY, ODD, TINY_PARTS, TO_BUCKET } from './bed.ts';

/**
 * The app is killed at every step of a run, without a chance to clean up, and started again on the same data. Each
 * step is held by the bucket (a request that hangs), so that the kill surely falls into it. Most of it is starts of the app.
 */
const KEPT = `/var/backups/kept ${ODD}`;

/** An app that is killed, with a host and a bucket of the suite that calls this. */
function openGround() {
  let program: string;
  let folder: string;
  let bucket: DevBucket;
  let sshd: Sshd;
  let database: string;
  let shortly: string;
  let onHost: string;
  let asCopy: string;
  let app: ChildApp;
  let hitsBefore = 0;

  const env = () => ({
    DATA_DIR: join(folder, 'data'),
    STORAGE_CA_FILE: String(bucket.caFile),
    LOG_LEVEL: 'debug',
    // So that some of a dump of 20 MiB is still to come when its first part is sent.
    PART_MEMORY_MIB: '16',
    TEST_PART_BYTES: String(TINY_PARTS.smallestPartBytes),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kill-'));
    program = await buildChildApp();
    bucket = await startDevBucket({
      folder: join(folder, 'bucket'),
      keys: [KEY],
      buckets: [BUCKET],
      limits: { encodesSilently: true, smallestPartBytes: TINY_PARTS.smallestPartBytes },
    });
    sshd = await startSshd();
    app = await startChildApp(program, env());
    // Its dump goes on when its first parts are sent; that of the other one is over by then.
    const file = await makeFile('kill', 5_000);
    const shortFile = await makeFile('short', 700);
    const { environment } = (await app.ask('POST', '/api/environments', { name: `production ${ODD}` })) as {
      environment: Json;
    };
    await app.ask('PUT', `/api/environments/${environment['id']}/ssh`, {
      sshPrivateKey: sshd.privateKey,
      sshUser: sshd.user,
    });
    const { server } = (await app.ask('POST', `/api/environments/${environment['id']}/servers`, {
      name: `db ${ODD}`,
      hostname: sshd.host,
      sshPort: sshd.port,
    })) as { server: Json };
    await app.ask('PUT', '/api/settings/spaces', {
      ...KEY,
      region: bucket.region,
      endpoint: new URL(bucket.endpoint).host,
    });
    await app.ask('PUT', `/api/settings/spaces/environments/${environment['id']}`, { enabled: true });
    const add = async (body: Json) => {
      const made = (await app.ask('POST', `/api/environments/${environment['id']}/databases`, {
        type: 'sqlite',
        filePath: file,
        serverId: server['id'],
        ...body,
      })) as { database: Json };
      return String(made.database['id']);
    };
    database = await add({ name: `in the bucket ${ODD}`, ...TO_BUCKET });
    shortly = await add({ name: `short ${ODD}`, filePath: shortFile, ...TO_BUCKET });
    asCopy = await add({ name: `as a copy ${ODD}`, ...TO_BUCKET, backupFormat: 'binary' });
    onHost = await add({
      name: `on the host ${ODD}`,
      backupStorageType: 'local',
      backupLocalPath: KEPT,
    });
  });
  beforeEach(() => {
    hitsBefore = bucket.faults.hits().length;
  });
  afterEach(() => bucket.faults.clear());
  afterAll(async () => {
    await app.kill();
    await sshd.stop();
    await bucket.close();
    await rm(folder, { recursive: true, force: true });
    await removeChildApp(program);
  });

  async function makeFile(name: string, rows: number): Promise<string> {
    const file = `/var/backups/${name} ${ODD}.sqlite`;
    await sshd.insideHost(
      `sqlite3 '${file}' "create table t (noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) insert into t select hex(randomblob(2040)) from n;"; chmod 666 '${file}'`,
    );
    return file;
  }

  /** Sealed or absent, by the app's own word and by what really lies in the bucket and runs on the host. */
  async function expectRepaired(backupId: string): Promise<void> {
    const backup = await ended(backupId);
    const objects = bucket.objects(BUCKET).filter(({ key }) => key === backup['storagePath']);
    if (backup['status'] === 'completed') {
      expect(objects.map(({ bytes }) => bytes)).toEqual([backup['size']]);
      expect(backup['sha256']).toMatch(/^[0-9a-f]{64}$/);
    } else {
      expect(backup['outcome']).toBe('interrupted');
      expect(objects).toEqual([]);
    }
    // At once, as a rule. Who is stopped has a second for it, which a busy machine may not keep: then it is done in a minute.
    await until('no upload to be left', 90_000, () => bucket.uploads(BUCKET).length === 0);
    await noDumpRuns();
  }

  /**
   * Until a request for that backup's object has met the fault of this test: what an earlier one left may be looked for just
   * then, and the manifest of a backup be written, and meet it too.
   */
  async function untilMet(step: string, backupId: unknown): Promise<void> {
    await until(`the run to reach ${step}`, 120_000, async () => {
      const hits = bucket.faults.hits().slice(hitsBefore);
      if (hits.length === 0) return false;
      const { backup } = (await app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
      return hits.some(({ key }) => key === backup['storagePath']);
    });
  }

  async function ended(backupId: string): Promise<Json> {
    return until(`backup ${backupId} to be settled`, 60_000, async () => {
      const { backup } = (await app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
      const isOpen =
        backup['status'] === 'pending' ||
        backup['status'] === 'in_progress' ||
        backup['outcome'] === 'uncertain';
      return isOpen ? undefined : backup;
    });
  }

  async function noDumpRuns(): Promise<void> {
    await until(
      'the host to end the dump',
      20_000,
      async () => !(await sshd.processes()).some((command) => /sqlite3|bp_status/.test(command)),
    );
  }

  async function copies(): Promise<string[]> {
    const folders = (await readdir(sshd.hostPath('/var/tmp'))).filter((name) =>
      name.startsWith('.bridgeport-'),
    );
    return (await Promise.all(folders.map((name) => namesIn(`/var/tmp/${name}`)))).flat();
  }

  async function files(): Promise<string[]> {
    return namesIn(KEPT);
  }

  /** None where there is no such folder. */
  function namesIn(folder: string): Promise<string[]> {
    return readdir(sshd.hostPath(folder)).catch(() => []);
  }

  return {
    /** Once the tests run; the app is another one after each start. */
    get: () => ({ app, bucket, sshd, database, shortly, onHost, asCopy }),
    untilMet,
    async startAgain() {
      bucket.faults.clear();
      app = await startChildApp(program, env());
    },
    expectRepaired,
    ended,
    noDumpRuns,
    copies,
    files,
  };
}

/** As often as somebody asks: others may look for objects, and read them, beside the run that is meant. */
const times = Number.POSITIVE_INFINITY;

/** `mid-dump`: the dump goes on. */
const STEPS: readonly [string, FaultRule, when?: 'mid-dump'][] = [
  ['the look for an existing object', { match: { operation: 'HeadObject' }, times, fault: { kind: 'hang' } }],
  [
    'an upload being created',
    { match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'hang' } },
    'mid-dump',
  ],
  [
    'an upload created but its id never heard',
    { match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'hang-after' } },
    'mid-dump',
  ],
  [
    'the first part',
    { match: { operation: 'UploadPart', partNumber: 1 }, fault: { kind: 'hang' } },
    'mid-dump',
  ],
  [
    'a stored part whose answer never came',
    { match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'hang-after' } },
    'mid-dump',
  ],
  [
    'a Complete that was never performed',
    { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang' } },
  ],
  [
    'a Complete performed but never heard',
    { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang-after' } },
  ],
  ['the reading back', { match: { operation: 'GetObject' }, times, fault: { kind: 'hang' } }],
];

beside('SIGKILL of the app', () => {
  const ground = openGround();

  for (const [step, rule, when] of STEPS) {
    test(`during ${step}: the next start repairs it`, async () => {
      const { app, bucket, database, shortly } = ground.get();
      bucket.faults.add(rule);
      const { backupId } = await app.ask(
        'POST',
        `/api/databases/${when === 'mid-dump' ? database : shortly}/backups`,
        {},
      );
      await ground.untilMet(step, backupId);
      await app.kill();
      await ground.startAgain();
      await ground.expectRepaired(String(backupId));
    });
  }

  test('during a dump onto the host: the next start repairs it', async () => {
    const { app, onHost } = ground.get();
    const { backupId } = await app.ask('POST', `/api/databases/${onHost}/backups`, {});
    // As a rule it is begun: where nobody looked in time it has its name already, and stays.
    await until('the file to be begun', 20_000, async () => (await ground.files()).length > 0);
    await app.kill();
    await ground.startAgain();
    const backup = await ground.ended(String(backupId));
    const left = await ground.files();
    if (backup['status'] === 'completed')
      expect(left).toEqual([expect.stringContaining(String(backup['filename']))]);
    else expect(left).toEqual([]);
    await ground.noDumpRuns();
  });

  test('during a binary copy on a host that goes down with it: the next start removes the copy', async () => {
    const { app, bucket, sshd, asCopy } = ground.get();
    bucket.faults.add({ match: { operation: 'UploadPart' }, times: 99, fault: { kind: 'hang' } });
    const { backupId } = await app.ask('POST', `/api/databases/${asCopy}/backups`, {});
    await ground.untilMet('its parts', backupId);
    expect(await ground.copies()).toEqual(['scratch-copy']);
    // None of what runs there may clean up any more.
    const signal = (name: string) => sshd.insideHost(`kill -s ${name} $(pgrep -f 'scratch-cop[y]')`);
    await signal('STOP');
    await app.kill();
    await signal('KILL');
    expect(await ground.copies()).toEqual(['scratch-copy']);
    await ground.startAgain();
    await ground.expectRepaired(String(backupId));
    // Its folder, too, which goes a moment later.
    await until(
      'the copy to be gone',
      60_000,
      async () => (await readdir(sshd.hostPath('/var/tmp'))).length === 0,
    );
  });

  test('a backup that waits is run by the next start', async () => {
    const { app, bucket, shortly } = ground.get();
    bucket.faults.add({ match: { operation: 'HeadObject' }, times, fault: { kind: 'hang' } });
    const first = await app.ask('POST', `/api/databases/${shortly}/backups`, {});
    await ground.untilMet('its look for an object', first['backupId']);
    const second = await app.ask('POST', `/api/databases/${shortly}/backups`, {});
    const third = await app.ask('POST', `/api/databases/${shortly}/backups`, {});
    expect(second['backupId']).not.toBe(first['backupId']);
    expect(third['backupId']).toBe(second['backupId']);
    await app.kill();
    await ground.startAgain();
    expect(await ground.ended(String(first['backupId']))).toMatchObject({
      status: 'failed',
      outcome: 'interrupted',
    });
    expect(await ground.ended(String(second['backupId']))).toMatchObject({ status: 'completed' });
  });
});

beside('SIGTERM of the app', () => {
  const ground = openGround();

  for (const [step, rule, when] of STEPS) {
    test(`during ${step}: it ends in time and leaves nothing unsettled behind`, async () => {
      const { app, bucket, database, shortly } = ground.get();
      bucket.faults.add(rule);
      const { backupId } = await app.ask(
        'POST',
        `/api/databases/${when === 'mid-dump' ? database : shortly}/backups`,
        {},
      );
      await ground.untilMet(step, backupId);
      // A run that does not end is waited for six seconds, once, beside all else that ends.
      expect(await app.stop()).toBeLessThan(12_000);
      await ground.startAgain();
      await ground.expectRepaired(String(backupId));
    });
  }
});
