import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupRow, RunRow } from '../../../src/db/schema.ts';
import { addRun } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
let operator: Visitor;
let databaseId: string;

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';

beforeAll(async () => {
  pages = await openPages();
  const admin = await pages.signedIn('admin');
  operator = await pages.signedIn('operator');
  const environmentId = idIn((await admin.post('/environments/new', { name: 'production' })).location);
  const made = await operator.post(`/environments/${environmentId}/databases/new?type=postgres`, {
    name: 'appdb',
    serverId: 'this-machine',
    databaseName: 'app',
    backupFormat: 'custom',
    backupCompression: 'none',
    backupStorageType: 'spaces',
    backupSpacesBucket: 'prod-backups',
    pgDumpTimeoutMs: '300000',
  });
  databaseId = idIn(made.location);
});
afterAll(() => pages.close());

/** A backup of that state, as the worker would have left it. */
async function backupThat(
  change: Partial<BackupRow>,
  run: Partial<Pick<RunRow, 'step' | 'progress'>> = {},
): Promise<string> {
  await operator.post(`/databases/${databaseId}/backups`);
  const { id } = await pages.services.db
    .selectFrom('backups')
    .select('id')
    .where('status', '=', 'pending')
    .executeTakeFirstOrThrow();
  await pages.services.db.updateTable('backups').set(change).where('id', '=', id).execute();
  const backup = await pages.services.db
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await pages.services.db.deleteFrom('runs').where('id', '=', id).execute();
  await addRun(pages.services.db, backup, run);
  return id;
}

describe('the runs of a database', () => {
  it('tell the page that its list is out of date, once', async () => {
    const before = await operator.get(`/databases/${databaseId}/runs?shown=`);
    expect(before.headers.get('hx-trigger')).toBeNull();
    expect(before.html).toContain('hx-trigger="every 15s"');

    const id = await backupThat({ status: 'pending' });
    const begun = await operator.get(`/databases/${databaseId}/runs?shown=`);
    expect(begun.headers.get('hx-trigger')).toBe('backups-changed');
    expect(begun.html).toContain(`runs?shown=${id}`);
    expect(begun.html).toContain('hx-trigger="every 1s"');
    expect(
      (await operator.get(`/databases/${databaseId}/runs?shown=${id}`)).headers.get('hx-trigger'),
    ).toBeNull();

    await operator.post(`/backups/${id}/cancel`);
    const ended = await operator.get(`/databases/${databaseId}/runs?shown=${id}`);
    expect(ended.headers.get('hx-trigger')).toBe('backups-changed');
    expect((await operator.get(`/databases/${databaseId}/backups`)).html).toContain('cancelled');
  });

  it('show step, bytes and estimate while one runs', async () => {
    const bytes = { bytes_read: 44_040_192, bytes_stored: 16_777_216, estimated_bytes: 104_857_600 };
    const id = await backupThat({ status: 'in_progress', ...bytes }, { step: 'dump', progress: 42 });
    const { html } = await operator.get(`/databases/${databaseId}/runs?shown=${id}`);
    expect(html).toMatch(/<progress [^>]*max="100" value="42"/);
    expect(html).toContain('42.0 MiB of about 100 MiB');
    expect(html).toContain('data-title="42 %"');
    expect(html).toContain('role="status" id="live-runs-status">appdb: dumping<');
    await pages.services.db.deleteFrom('backups').where('id', '=', id).execute();
  });
});

describe('a failed backup', () => {
  it('says its step, what happened, the exit status and what the tool printed, as text', async () => {
    const error = { message: 'pg_dump: <b>no</b>', step: 'dump', stderr: 'FATAL: <i>role</i>', exitCode: 1 };
    await backupThat({ status: 'failed', outcome: 'failed', error: JSON.stringify(error) });
    const { html } = await operator.get(`/databases/${databaseId}`);
    expect(html).toContain('Failed at dump: pg_dump: &lt;b&gt;no&lt;/b&gt;');
    expect(html).toContain('FATAL: &lt;i&gt;role&lt;/i&gt;');
    expect(html).toContain('Exit status 1.');
    expect(html).toMatch(/<tr class="failure-row"><td colspan="7">/);
  });
});

describe('a completed backup', () => {
  it('is pinned and unpinned, and deleted only by who may', async () => {
    const id = await backupThat({ status: 'completed', outcome: 'completed', size: 2_097_152, duration: 65 });
    const list = `/databases/${databaseId}/backups`;
    expect((await operator.get(list)).html).toMatch(/2\.0 MiB.*1 min 5 s/s);
    await operator.post(`/backups/${id}/pin`, { pinned: 'true' });
    expect((await operator.get(list)).html).toContain('badge-setting">kept<');
    const page = `/backups/${id}`;
    const unpinned = await operator.post(`${page}/pin`, { pinned: 'false', back: 'backup' });
    expect(unpinned.location).toBe(page);
    expect((await operator.get(list)).html).not.toContain('>kept<');

    const viewer = await pages.signedIn('viewer');
    const seen = (await viewer.get(page)).html + (await viewer.get(`${page}?delete`)).html;
    expect(seen).not.toContain('/pin');
    expect(seen).not.toContain(`${page}/delete`);
    expect((await operator.get(`${page}?delete`)).html).toContain(`action="${page}/delete"`);
    expect((await viewer.post(`/backups/${id}/delete`)).status).toBe(403);
    expect((await operator.post(`/backups/${id}/delete`)).location).toBe(`/databases/${databaseId}`);
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain('The backup is deleted.');
    expect((await operator.get(list)).html).not.toContain('2.0 MiB');
  });

  it('offers no download, and refuses one, where the environment does not allow it', async () => {
    const id = await backupThat({ status: 'completed', outcome: 'completed' });
    expect((await operator.get(`/databases/${databaseId}`)).html).not.toContain('/download');
    const refused = await operator.get(`/backups/${id}/download`);
    expect(refused.status).toBe(400);
    expect(refused.html).toContain('Backup downloads are not allowed for this environment');
  });
});

describe('the form of a database', () => {
  it('asks for the options of pg_dump and says beside them which exclude each other', async () => {
    const path = `/databases/${databaseId}/edit`;
    const form = {
      name: 'appdb',
      serverId: 'this-machine',
      databaseName: 'app',
      backupFormat: 'plain',
      backupCompression: 'none',
      backupStorageType: 'spaces',
      backupSpacesBucket: 'prod-backups',
      pgDumpTimeoutMs: '300000',
      'pgDumpOptions.noOwner': 'true',
    };
    expect((await operator.post(path, form)).status).toBe(303);
    expect((await operator.get(path)).html).toMatch(/name="pgDumpOptions\.noOwner"[^>]*checked/);
    const both = { 'pgDumpOptions.schemaOnly': 'true', 'pgDumpOptions.dataOnly': 'true' };
    const refused = await operator.post(path, { ...form, ...both });
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(
      /id="field-pgDumpOptions-dataOnly-error"[^>]*>Schema only and data only exclude/,
    );
    const noBucket = await operator.post(path, { ...form, backupSpacesBucket: '' });
    expect(noBucket.html).toMatch(/id="field-backupSpacesBucket-error"[^>]*>Backups to Spaces need a bucket/);
  });

  it('keeps user and password when they are left blank, and takes them away when asked to', async () => {
    const credentials = async () =>
      (await pages.services.db.selectFrom('databases').select('credentials').executeTakeFirstOrThrow())
        .credentials;
    const form = {
      name: 'appdb',
      serverId: 'this-machine',
      databaseName: 'app',
      backupFormat: 'plain',
      backupCompression: 'gzip',
      backupCompressionLevel: '3',
      backupStorageType: 'spaces',
      backupSpacesBucket: 'prod-backups',
      backupSpacesPrefix: 'elsewhere/',
      pgDumpTimeoutMs: '300000',
    };
    const path = `/databases/${databaseId}/edit`;
    await operator.post(path, { ...form, username: 'app', password: 'typed-secret' });
    const sealed = await credentials();
    expect(sealed).not.toBeNull();
    expect(sealed).not.toContain('typed-secret');
    const saved = await operator.post(path, { ...form, username: '', password: '' });
    expect(saved.location).toBe(`/databases/${databaseId}`);
    expect(await credentials()).toBe(sealed);
    const { html } = await operator.get(path);
    expect(html).toContain('value="elsewhere/"');
    expect(html).toMatch(/<option value="gzip" selected/);
    expect(html).toContain('value="3"');
    await operator.post(path, { ...form, clearCredentials: 'true' });
    expect(await credentials()).toBeNull();
  });
});
