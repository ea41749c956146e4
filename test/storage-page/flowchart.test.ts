import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, BUCKET, startBed } from '../faults/bed.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

/** The flowchart of the storage page, from left to right, with real servers. */

const run = promisify(execFile);
const SOURCE = ownName('appdb');
let bed: Bed;
let postgres: TestPostgres;

beforeAll(async () => {
  [bed, postgres] = await Promise.all([startBed(), sharedPostgres()]);
  await postgres.createDatabase(SOURCE);
  await postgres.query('create table orders as select generate_series(1, 100) as id', SOURCE);
});
afterAll(async () => {
  await bed.close();
  await postgres.stop();
});

describe('the flowchart', () => {
  it('leads from production by pg_dump over SSH into the bucket, and out by a presigned URL', async () => {
    const database = await bed.addDatabase({
      name: 'appdb',
      type: 'postgres',
      host: '127.0.0.1',
      port: postgres.port,
      databaseName: SOURCE,
      ...postgres.superuser,
      backupStorageType: 'spaces',
      backupSpacesBucket: BUCKET,
      backupSpacesPrefix: 'appdb/',
    });
    const backup = await bed.app.backUp(database);
    expect(backup.error).toBeNull();
    expect(bed.bucket.objects(BUCKET).map(({ key }) => key)).toEqual([`appdb/${backup.filename}`]);

    const { downloadUrl } = await bed.app.ask('GET', `/api/backups/${backup.id}/download`);
    expect(String(downloadUrl).startsWith(`${bed.bucket.endpoint}/`)).toBe(true);
    const args = ['-sS', '--fail', '--cacert', String(bed.bucket.caFile), String(downloadUrl)];
    const { stdout } = await run('curl', args);
    expect(stdout).toContain('CREATE TABLE public.orders');
    expect(stdout).toContain('PostgreSQL database dump complete');
  });

  it('leads from staging, where storage is disabled, into /var/backups on the server', async () => {
    const staging = await bed.app.create('environment', '/api/environments', { name: 'staging' });
    await bed.app.ask('PUT', `/api/environments/${staging}/ssh`, {
      sshPrivateKey: bed.sshd.privateKey,
      sshUser: bed.sshd.user,
    });
    const serverId = await bed.app.create('server', `/api/environments/${staging}/servers`, {
      name: 'staging-host',
      hostname: bed.sshd.host,
      sshPort: bed.sshd.port,
    });
    const filePath = await bed.makeSqlite('staging.sqlite', 1);
    const requests = bed.bucket.requests.length;
    const body = { name: 'staging-db', type: 'sqlite', serverId, filePath };
    const database = await bed.app.create('database', `/api/environments/${staging}/databases`, body);
    const backup = await bed.app.backUp(database);
    expect(backup.error).toBeNull();
    expect(backup.storagePath).toBe(`/var/backups/${backup.filename}`);
    const listed = await bed.sshd.insideHost(`stat -c '%s %a' '${backup.storagePath}'`);
    expect(listed.trim()).toBe(`${backup.size} 600`);
    expect(bed.bucket.requests.length).toBe(requests);
  });
});
