import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type DevBucket, type FaultRule, startDevBucket } from '../../dev/bucket/server.ts';
import { beside } from '../support/beside.ts';
import { buildChildApp, type ChildApp, removeChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';
import { BUCKET, KEY, ODD, TINY_PARTS, TO_BUCKET } from './bed.ts';

/**
 * Three replicas on one PostgreSQL, with the leases of production. The one that runs a backup is killed while the bucket
 * holds a request of it, and is not started again: another one settles the run.
 * Most of it is the end of that one's lease, which the steps wait for side by side.
 */
const SETTLED_WITHIN_MS = 45_000;
/** How long that is waited for, as far as this process has the time; the instants of the database say how long it took. */
const WAITED_FOR_MS = 90_000;

const STEPS: readonly [string, FaultRule, outcome: 'completed' | 'interrupted'][] = [
  ['a part', { match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'hang' } }, 'interrupted'],
  [
    'a Complete performed but never heard',
    { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang-after' } },
    'completed',
  ],
];

for (const [step, rule, outcome] of STEPS) {
  beside(step, () => {
    const state = ownName(`${outcome} by "three" ü+`);
    let program: string;
    let folder: string;
    let postgres: TestPostgres;
    let bucket: DevBucket;
    let sshd: Sshd;
    let database: string;
    let replicas: ChildApp[] = [];

    const env = (name: string) => ({
      DATA_DIR: join(folder, name),
      DATABASE_URL: postgres.url.replace(/postgres$/, encodeURI(state)),
      MASTER_KEY: Buffer.alloc(32, 6).toString('base64'),
      STORAGE_CA_FILE: String(bucket.caFile),
      LOG_LEVEL: 'debug',
      PART_MEMORY_MIB: '16',
      TEST_PART_BYTES: String(TINY_PARTS.smallestPartBytes),
      TEST_TICK_MS: '1000',
    });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'replicas-'));
      program = await buildChildApp();
      postgres = await sharedPostgres();
      await postgres.createDatabase(state);
      bucket = await startDevBucket({
        folder: join(folder, 'bucket'),
        keys: [KEY],
        buckets: [BUCKET],
        limits: { encodesSilently: true, smallestPartBytes: TINY_PARTS.smallestPartBytes },
      });
      sshd = await startSshd();
      const file = `/var/backups/replicas ${ODD}.sqlite`;
      await sshd.insideHost(
        `sqlite3 '${file}' "create table t (noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500) insert into t select hex(randomblob(2040)) from n;"; chmod 666 '${file}'`,
      );
      const app = await startChildApp(program, env('first'));
      const { environment } = (await app.ask('POST', '/api/environments', { name: `production ${ODD}` })) as {
        environment: Json;
      };
      const path = `/api/environments/${environment['id']}`;
      await app.ask('PUT', `${path}/ssh`, { sshPrivateKey: sshd.privateKey, sshUser: sshd.user });
      const host = { name: `db ${ODD}`, hostname: sshd.host, sshPort: sshd.port };
      const { server } = (await app.ask('POST', `${path}/servers`, host)) as { server: Json };
      const storage = { ...KEY, region: bucket.region, endpoint: new URL(bucket.endpoint).host };
      await app.ask('PUT', '/api/settings/spaces', storage);
      await app.ask('PUT', `/api/settings/spaces/environments/${environment['id']}`, { enabled: true });
      const made = (await app.ask('POST', `${path}/databases`, {
        ...{ type: 'sqlite', filePath: file, serverId: server['id'], name: `app ${ODD}` },
        ...TO_BUCKET,
      })) as { database: Json };
      database = String(made.database['id']);
      await app.stop();
      // Whoever has had a run, as the table itself saw it.
      await postgres.query(
        `create table had (run_id text, claimed_by text);
    create function note() returns trigger language plpgsql as $$ begin insert into had values (new.id, new.claimed_by); return new; end $$;
    create trigger note after update of claimed_by on runs for each row
      when (new.claimed_by is distinct from old.claimed_by and new.claimed_by is not null) execute function note()`,
        state,
      );
    });
    beforeEach(async () => {
      replicas = await Promise.all(['one', 'two', 'three'].map((name) => startChildApp(program, env(name))));
    });
    afterEach(async () => {
      bucket.faults.clear();
      await Promise.all(replicas.map((app) => app.kill()));
    });
    afterAll(async () => {
      await sshd.stop();
      await bucket.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
      await removeChildApp(program);
    });

    async function startBackup(): Promise<string> {
      const answer = await replicas[0]?.ask('POST', `/api/databases/${database}/backups`, {});
      return String(answer?.['backupId']);
    }

    test(`a replica killed during ${step}: exactly one other settles its run`, async () => {
      const before = bucket.faults.hits().length;
      bucket.faults.add(rule);
      const backupId = await startBackup();
      await until(`the run to reach ${step}`, 60_000, () => bucket.faults.hits().length > before);
      const runner = await until('the one that runs it to have said so', 20_000, () =>
        replicas.find((app) => app.output().includes(`"runId":"${backupId}"`)),
      );
      const others = replicas.filter((app) => app !== runner);
      expect(others).toHaveLength(2);
      await runner.kill();
      const [killed] = await postgres.query('select clock_timestamp() as at', state);
      replicas = others;
      bucket.faults.clear();
      const backup = await until('the run to be settled', WAITED_FOR_MS, async () => {
        const answer = (await others[0]?.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
        const isOpen = answer.backup['status'] === 'in_progress' || answer.backup['outcome'] === 'uncertain';
        return isOpen ? undefined : answer.backup;
      });
      expect(backup['outcome']).toBe(outcome);
      const [run] = await postgres.query(`select ended_at from runs where id = '${backupId}'`, state);
      const tookMs = Date.parse(String(run?.['ended_at'])) - new Date(String(killed?.['at'])).getTime();
      expect(tookMs).toBeGreaterThan(0);
      expect(tookMs).toBeLessThan(SETTLED_WITHIN_MS);
      const objects = bucket.objects(BUCKET).filter(({ key }) => key === backup['storagePath']);
      expect(objects.map(({ bytes }) => bytes)).toEqual(outcome === 'completed' ? [backup['size']] : []);
      await until('no upload to be left', 15_000, () => bucket.uploads(BUCKET).length === 0);
      const had = await postgres.query(`select claimed_by from had where run_id = '${backupId}'`, state);
      // The one that was killed, and one other.
      expect(new Set(had.map(({ claimed_by: by }) => by)).size).toBe(2);
      expect(had).toHaveLength(2);
    });
  });
}
