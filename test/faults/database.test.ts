import { stat } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { beside } from '../support/beside.ts';
import { freePort } from '../support/free-port.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import {
  actHalfWay,
  type Bed,
  BUCKET,
  configureStorage,
  expectSealedOrAbsent,
  KEY,
  ROWS_OF_HALF_WAY,
  startBed,
  TO_BUCKET,
} from './bed.ts';

/** Of this file: a test ends connections. */
let server: Promise<TestPostgres> | undefined;
afterAll(async () => (await server)?.stop());

/** An app with a host, a bucket and a database of that name in PostgreSQL, of the suite that calls this. */
function openGround(databaseName: string, rows: number) {
  let bed: Bed;
  let postgres: TestPostgres;
  let orders: Json;

  beforeAll(async () => {
    // No request here never ends, so that nothing waits for this: a busy machine has the time of production to abort an upload.
    const tuning = { cancelGraceMs: 10_000 };
    server ??= startPostgres();
    [bed, postgres] = await Promise.all([startBed({ tuning }), server]);
    await postgres.createDatabase(databaseName);
    await postgres.query(
      `create table t as select i, repeat(md5(i::text), 60) as noise from generate_series(1, ${rows}) i`,
      databaseName,
    );
    orders = {
      type: 'postgres',
      host: '127.0.0.1',
      port: postgres.port,
      databaseName,
      username: postgres.superuser.username,
      password: postgres.superuser.password,
      ...TO_BUCKET,
    };
  });
  afterEach(() => bed.bucket.faults.clear());
  afterAll(async () => {
    await bed.close();
  });

  let count = 0;
  const nextCase = () => `case ${++count}`;
  async function backUp(changes: Json): Promise<EndedBackup> {
    const id = await bed.addDatabase({ ...orders, name: nextCase(), ...changes });
    const backup = await bed.app.backUp(id);
    await expectSealedOrAbsent(bed, backup);
    return backup;
  }

  async function serverWith(changes: Json): Promise<string> {
    count += 1;
    return bed.app.create('server', `/api/environments/${bed.environment}/servers`, {
      name: `host ${count}`,
      hostname: bed.sshd.host,
      sshPort: bed.sshd.port,
      ...changes,
    });
  }

  return {
    /** Once the tests run. */
    get: () => ({ bed, postgres, orders }),
    nextCase,
    backUp,
    serverWith,
  };
}

beside('what is wrong from the start', () => {
  const ground = openGround('orders', 25_000);

  test('without a fault the backup completes', async () => {
    const backup = await ground.backUp({});
    expect(backup.error).toBeNull();
    expect(backup.status).toBe('completed');
  });

  describe('what is wrong with the database fails at connect or dump and says so', () => {
    const cases: readonly [string, Json, string, RegExp][] = [
      ['a wrong password', { password: 'wrong' }, 'dump_refused', /password/i],
      ['an unknown user', { username: 'nobody-here' }, 'dump_refused', /./],
      ['a missing database', { databaseName: 'nowhere' }, 'dump_source_missing', /nowhere/],
      [
        'a database named like a connection string',
        { databaseName: 'host=127.0.0.9 dbname=orders' },
        'dump_source_missing',
        /./,
      ],
      ['an unknown database host', { host: 'no-such-host.invalid' }, 'dump_refused', /no-such-host/],
      [
        'a SQLite file that is missing',
        { type: 'sqlite', filePath: '/var/backups/missing.sqlite' },
        'dump_source_missing',
        /missing\.sqlite/,
      ],
      [
        'a SQLite file that is no database',
        { type: 'sqlite', filePath: '/etc/passwd' },
        'dump_source_missing',
        /passwd/,
      ],
      [
        'a SQLite path that is a folder',
        { type: 'sqlite', filePath: '/var/backups' },
        'dump_source_missing',
        /./,
      ],
      [
        'a type without a backup',
        { type: 'redis' },
        'invalid',
        /^Unsupported database type or missing configuration: redis$/,
      ],
      [
        'another type without a backup',
        { type: 'mongodb' },
        'invalid',
        /^Unsupported database type or missing configuration: mongodb$/,
      ],
    ];
    for (const [name, changes, code, message] of cases) {
      test(name, async () => {
        const { postgres } = ground.get();
        const backup = await ground.backUp(changes);
        expect(backup.error).toMatchObject({ code, step: expect.stringMatching(/^(connect|dump)$/) });
        expect(backup.error?.message).toMatch(message);
        expect(JSON.stringify(backup.raw)).not.toContain(postgres.superuser.password);
      });
    }

    test('a database port where nobody listens', async () => {
      const backup = await ground.backUp({ port: await freePort() });
      expect(backup.error?.step).toBe('connect');
      expect(backup.error?.message).toMatch(/refused|not.*running|listen/i);
    });
  });

  describe('what is wrong with the host fails at connect and says so', () => {
    test('a port where no sshd listens', async () => {
      const serverId = await ground.serverWith({ sshPort: await freePort() });
      const backup = await ground.backUp({ serverId });
      expect(backup.error).toMatchObject({ code: 'host_unreachable', step: 'connect' });
    });

    test('a name that does not resolve', async () => {
      const serverId = await ground.serverWith({ hostname: 'no-such-host.invalid' });
      const backup = await ground.backUp({ serverId });
      expect(backup.error).toMatchObject({ code: 'host_unreachable', step: 'connect' });
      expect(backup.error?.message).toContain('no-such-host.invalid');
    });

    test('a user whose key is refused', async () => {
      const serverId = await ground.serverWith({ sshUser: 'stranger' });
      const backup = await ground.backUp({ serverId });
      expect(backup.error).toMatchObject({ code: 'host_auth', step: 'connect' });
    });

    test('a host key that changed', async () => {
      const { bed } = ground.get();
      const serverId = await ground.serverWith({});
      await bed.app.ask('POST', `/api/servers/${serverId}/test-ssh`, {});
      await bed.sshd.rotateHostKey();
      const backup = await ground.backUp({ serverId });
      expect(backup.error).toMatchObject({ code: 'host_key_changed', step: 'connect' });
      expect(backup.error?.message).toContain(bed.sshd.fingerprint());
      for (const { id } of await bed.app.services.db.selectFrom('servers').select('id').execute()) {
        await bed.app.ask('DELETE', `/api/servers/${id}/host-key`);
      }
    });

    test('a host without the dump tool', async () => {
      const { bed } = ground.get();
      await bed.sshd.insideHost(
        'mount -t tmpfs tmpfs /usr/lib/postgresql && mount --bind /dev/null /usr/bin/pg_dump',
      );
      try {
        const backup = await ground.backUp({});
        expect(backup.error).toMatchObject({ code: 'dump_tool_missing', step: 'connect' });
        expect(backup.error?.message).toMatch(/postgresql-client/);
      } finally {
        await bed.sshd.insideHost('umount /usr/bin/pg_dump /usr/lib/postgresql');
      }
    });
  });
});

beside('what goes wrong later', () => {
  const ground = openGround('orders later', ROWS_OF_HALF_WAY);

  describe('what breaks half-way fails the run', () => {
    async function halfWay(act: (backupId: string) => Promise<unknown>): Promise<EndedBackup> {
      const { bed, orders } = ground.get();
      return actHalfWay(bed, await bed.addDatabase({ ...orders, name: ground.nextCase() }), act);
    }

    test('the dump tool is killed', async () => {
      const { bed } = ground.get();
      const backup = await halfWay(() => bed.sshd.insideHost('pkill -9 pg_dump'));
      expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump' } });
    });

    test('the database server ends the connection', async () => {
      const { postgres } = ground.get();
      const backup = await halfWay(async () => {
        await until('the server to wait for the dump', 20_000, async () => {
          const ended = await postgres.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'orders later' and wait_event = 'ClientWrite'",
            'postgres',
          );
          return ended.length === 1;
        });
      });
      expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump' } });
    });

    test('the SSH connection is cut', async () => {
      const { bed } = ground.get();
      const backup = await halfWay(() => bed.sshd.dropConnections());
      expect(backup).toMatchObject({ status: 'failed', error: { step: 'dump', code: 'host_dropped' } });
    });

    test('the run is cancelled', async () => {
      const { bed } = ground.get();
      const backup = await halfWay(async (backupId) => {
        await bed.app.ask('POST', `/api/backups/${backupId}/cancel`, {});
      });
      expect(backup).toMatchObject({ status: 'failed', outcome: 'cancelled' });
    });

    test('the backup is deleted while it runs', async () => {
      const { bed, orders } = ground.get();
      const name = ground.nextCase();
      const id = await bed.addDatabase({ ...orders, name });
      const backupId = await bed.app.startBackup(id);
      await bed.app.ask('DELETE', `/api/backups/${backupId}`);
      await until('the row to be gone', 20_000, async () => {
        const row = await bed.app.services.db
          .selectFrom('backups')
          .select('id')
          .where('id', '=', backupId)
          .executeTakeFirst();
        return row === undefined;
      });
      expect(bed.bucket.objects(BUCKET).filter(({ key }) => key.includes(name))).toEqual([]);
      expect(bed.bucket.uploads(BUCKET)).toEqual([]);
    });
  });

  describe('what is wrong with the storage settings fails the run', () => {
    afterEach(() => {
      const { bed } = ground.get();
      return configureStorage(bed.app, bed.bucket, bed.environment);
    });

    const cases: readonly [string, Json, string][] = [
      ['a wrong secret', { secretKey: 'wrong' }, 'storage_bad_credentials'],
      ['an unknown access key', { accessKey: 'UNKNOWN' }, 'storage_bad_credentials'],
      ['a wrong region', { region: 'eu-nowhere-9' }, 'storage_wrong_region'],
    ];
    for (const [name, changes, code] of cases) {
      test(name, async () => {
        const { bed } = ground.get();
        await configureStorage(bed.app, bed.bucket, bed.environment, changes);
        const backup = await ground.backUp({});
        expect(backup.error).toMatchObject({ code, step: 'upload' });
        expect(JSON.stringify(backup.raw)).not.toContain(KEY.secretKey);
      });
    }

    test('an address where nobody listens', async () => {
      const { bed } = ground.get();
      await configureStorage(bed.app, bed.bucket, bed.environment, {
        endpoint: `127.0.0.1:${await freePort()}`,
      });
      const backup = await ground.backUp({});
      expect(backup.error).toMatchObject({ code: 'storage_unreachable', step: 'upload' });
    });

    test('a bucket that does not exist', async () => {
      const backup = await ground.backUp({ backupSpacesBucket: 'missing' });
      expect(backup.error).toMatchObject({ code: 'storage_no_bucket', step: 'upload' });
    });

    test('no bucket chosen', async () => {
      const backup = await ground.backUp({ backupSpacesBucket: null });
      expect(backup.error).toMatchObject({
        message: 'No Spaces bucket configured for this database',
        step: 'upload',
      });
    });

    test('storage not enabled for the environment fails before any work', async () => {
      const { bed } = ground.get();
      await bed.app.ask('PUT', `/api/settings/spaces/environments/${bed.environment}`, { enabled: false });
      const backup = await ground.backUp({ host: 'no-such-host.invalid' });
      expect(backup.error?.message).toBe(
        'Spaces not configured for this environment. Go to Settings > Spaces to configure.',
      );
    });
  });

  describe('files on the host', () => {
    const local = { backupStorageType: 'local' };

    test('a full disk fails the run and leaves no file', async () => {
      const { bed } = ground.get();
      const backup = await ground.backUp({ ...local, backupLocalPath: bed.sshd.smallFolder });
      expect(backup.error).toMatchObject({ code: 'storage_full', step: 'upload' });
      expect(await bed.sshd.insideHost(`ls -A ${bed.sshd.smallFolder}`)).toBe('');
    });

    test('a folder that may not be written fails the run', async () => {
      const backup = await ground.backUp({ ...local, backupLocalPath: '/etc/backups' });
      expect(backup.error).toMatchObject({ code: 'storage_denied', step: 'upload' });
    });

    test('the connection cut half-way leaves no file', async () => {
      const { bed, orders } = ground.get();
      const id = await bed.addDatabase({
        ...orders,
        ...local,
        name: 'cut local',
        backupLocalPath: '/var/backups/cut',
      });
      const backupId = await bed.app.startBackup(id);
      // Looked at from outside: a program of the host for it could come when the file is whole.
      await until('the file to be begun', 20_000, async () => {
        const [file] = await bed.sshd.files('/var/backups/cut');
        if (file?.endsWith('.partial') !== true) return false;
        const begun = await stat(bed.sshd.hostPath(file)).catch(() => undefined);
        return begun !== undefined && begun.size > 1024;
      });
      await bed.sshd.dropConnections();
      const backup = await bed.app.untilEnded(backupId);
      if (backup.status === 'failed') {
        await until(
          'what was left to be removed',
          30_000,
          async () => (await bed.sshd.insideHost('find /var/backups/cut -type f')) === '',
        );
      }
    });
  });
});
