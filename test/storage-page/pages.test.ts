import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from '../http/ui/pages.ts';

/** Sentences of the storage page about what is on the screen. */

let pages: Pages;
let admin: Visitor;

beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  for (const name of ['production', 'staging']) {
    await pages.services.db
      .insertInto('environments')
      .values({
        id: name,
        name,
        ssh_user: 'root',
        allow_backup_download: 0,
        default_monitoring_enabled: 0,
        default_collection_interval_sec: 300,
        created_at: '2026-01-01T00:00:00.000Z',
        updated_at: '2026-01-01T00:00:00.000Z',
      })
      .execute();
  }
});
afterAll(() => pages.close());

const save = (fields: Readonly<Record<string, string>>) =>
  admin.post('/admin/storage/edit', {
    provider: 'digitalocean',
    accessKey: 'DO00EXAMPLE',
    secretKey: '',
    region: 'fra1',
    buckets: '',
    // There is no such storage to try it against.
    saveAnyway: 'true',
    ...fields,
  });

describe('the storage page', () => {
  it('lies in the sidebar under Admin, for admins alone', async () => {
    const menu = (html: string) => /<nav aria-label="Main">[\s\S]*?<\/nav>/.exec(html)?.[0] ?? '';
    const shown = menu((await admin.get('/environments')).html);
    expect(shown.indexOf('>Admin</h2>')).toBeGreaterThan(0);
    expect(shown.slice(shown.indexOf('>Admin</h2>'))).toContain('href="/admin/storage"');
    for (const role of ['viewer', 'operator'] as const) {
      const other = await pages.signedIn(role);
      expect(menu((await other.get('/environments')).html)).not.toContain('/admin/storage');
      for (const path of ['/admin/storage', '/admin/storage/edit']) {
        expect([role, path, (await other.get(path)).status]).toEqual([role, path, 403]);
      }
    }
  });

  it('asks to configure what is not configured, and to edit what is', async () => {
    const before = (await admin.get('/admin/storage')).html;
    expect(before).toContain('Configure Spaces');
    expect(before).not.toContain('>Edit<');
    await save({ secretKey: 'the-secret-key' });
    const after = (await admin.get('/admin/storage')).html;
    expect(after).not.toContain('Configure Spaces');
    expect(after).toMatch(/href="\/admin\/storage\/edit"[^>]*>\s*Edit/);
    await admin.post('/admin/storage/delete');
  });

  it('has the fields of the page: what must be given, and what may be left out', async () => {
    const form = async () => (await admin.get('/admin/storage/edit')).html;
    const fresh = await form();
    const isRequired = (html: string, name: string) => {
      const field = new RegExp(`<(input|select|textarea)[^>]* name="${name}"[^>]*>`).exec(html)?.[0];
      if (field === undefined) throw new Error(`no field ${name}`);
      return /\srequired/.test(field);
    };
    const required = (html: string) =>
      ['accessKey', 'secretKey', 'region', 'buckets'].map((name) => isRequired(html, name));
    expect(required(fresh)).toEqual([true, true, true, false]);
    for (const label of ['Access Key', 'Secret Key', 'Region', 'Buckets']) expect(fresh).toContain(label);
    expect(fresh).toMatch(/<option value="fra1" selected/);
    expect(fresh).not.toContain('name="endpoint"');
    expect(fresh).toContain('Save Configuration');
    await save({ secretKey: 'the-secret-key' });
    const edited = await form();
    expect(required(edited)).toEqual([true, false, true, false]);
    expect(edited).toContain('Leave it blank to keep the existing value.');
    expect(edited).not.toContain('the-secret-key');
  });

  it('takes a custom endpoint apart from the region, where the provider needs one', async () => {
    const fields = { provider: 'minio', region: 'us-east-1', endpoint: 'minio.example.com' };
    expect((await save({ ...fields, secretKey: 'the-secret-key' })).status).toBe(303);
    const { html } = await admin.get('/admin/storage');
    expect(html).toContain('minio.example.com');
    expect(html).toContain('us-east-1');
  });

  it('has Environment Access below the configuration, with a toggle for each environment', async () => {
    await save({ secretKey: 'the-secret-key' });
    const { html } = await admin.get('/admin/storage');
    const access = html.indexOf('Environment Access');
    expect(html.indexOf('Test Connection')).toBeGreaterThan(0);
    expect(access).toBeGreaterThan(html.indexOf('Test Connection'));
    for (const name of ['production', 'staging']) {
      expect(html.slice(access)).toContain(`Enable storage for ${name}`);
    }
    await admin.post('/admin/storage/environments/production', { enabled: 'true' });
    const enabled = (await admin.get('/admin/storage')).html;
    expect(enabled).toContain('Disable storage for production');
    expect(enabled).toContain('Enable storage for staging');
  });
});

describe('the form of a database', () => {
  it('has Backup Storage, with Spaces first where the environment may use it and nothing chosen elsewhere', async () => {
    await save({ secretKey: 'the-secret-key', buckets: 'prod-backups' });
    await admin.post('/admin/storage/environments/production', { enabled: 'true' });
    await admin.post('/admin/storage/environments/staging', { enabled: 'false' });
    const form = async (environment: string) =>
      (await admin.get(`/environments/${environment}/databases/new?type=sqlite`)).html;
    const chosen = (html: string) => /value="(spaces|local)"[^>]*checked/.exec(html)?.[1];
    const production = await form('production');
    expect(production).toContain('Backup Storage');
    expect([chosen(production), chosen(await form('staging'))]).toEqual(['spaces', undefined]);
    const { html } = await admin.get('/environments/production/bucket-field');
    expect(html).toContain('<option value="prod-backups"');
    expect(await form('staging')).toContain('Storage is not enabled for staging');
  });
});
