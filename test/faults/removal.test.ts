import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type OperationName, startDevBucket } from '../../dev/bucket/server.ts';
import { startInstallation } from '../support/installation.ts';
import { startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';
import { BUCKET, configureStorage, KEY, ODD, TO_BUCKET } from './bed.ts';

test('a stop while an object is taken back does not make it a good one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'removal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [KEY],
    buckets: [BUCKET],
  });
  onTestFinished(() => bucket.close());
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  const options = { folder: join(folder, 'app'), env: { STORAGE_CA_FILE: String(bucket.caFile) } };
  let app = await startInstallation(options);
  const environment = await app.create('environment', '/api/environments', { name: `production ${ODD}` });
  await app.ask('PUT', `/api/environments/${environment}/ssh`, {
    sshPrivateKey: sshd.privateKey,
    sshUser: sshd.user,
  });
  const serverId = await app.create('server', `/api/environments/${environment}/servers`, {
    name: `db-host ${ODD}`,
    hostname: sshd.host,
    sshPort: sshd.port,
  });
  await configureStorage(app, bucket, environment);
  const filePath = '/var/backups/a.sqlite';
  await sshd.insideHost(`sqlite3 ${filePath} "create table t (x)"; chmod 666 ${filePath}`);
  const body = { serverId, name: `a ${ODD}`, type: 'sqlite', filePath, ...TO_BUCKET };
  const database = await app.create('database', `/api/environments/${environment}/databases`, body);

  let remove = () => {};
  const removed = new Promise<void>((resolve) => {
    remove = resolve;
  });
  bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'hang' } });
  bucket.faults.add({
    match: { operation: 'DeleteObject' },
    times: 1,
    fault: { kind: 'hold', until: removed },
  });
  const backupId = await app.startBackup(database);
  const hasMet = (operation: OperationName) =>
    bucket.faults.hits().some((hit) => hit.operation === operation);
  await until('the reading back', 20_000, () => hasMet('GetObject'));
  const stopped = app.services.worker.stop(1_000);
  // Before it is begun it is no removal that is stopped: the next start would read the object back, and find it good.
  await until('the removal', 20_000, () => hasMet('DeleteObject'));
  await stopped;
  await app.services.close();
  app = await startInstallation(options);
  const backup = await app.untilEnded(backupId);
  remove();
  expect(backup.status).toBe('failed');
  await until('the object to be gone', 20_000, () => bucket.objects(BUCKET).length === 0);
  await app.close();
});
