import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { recordNewest } from '../../../src/backups/newest-backups.ts';
import { write } from '../../../src/db/write.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { addLeftover } from '../../support/leftover.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const ESCAPED = 'Größe + &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt; 🗝';
const VARIABLE = 'of-prometheus_0123456789';

let pages: Pages;
let admin: Visitor;
beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
});
afterAll(() => pages.close());

const page = async () => (await admin.get('/admin/system')).html;
const token = (name: string, access: string) => ({
  ...{ name, access, role: 'viewer', where: 'all', expiresInDays: '30' },
});

describe('System', () => {
  it('says that the metrics are off, and which token opens them once there is one', async () => {
    const off = await page();
    expect(off).toContain('<code>GET /metrics</code> is off');
    expect(off).toContain('href="/admin/tokens/new"');
    await admin.post('/account/tokens/new', token('of a pipeline', 'backups'));
    expect(await page()).toContain('<code>GET /metrics</code> is off');

    const { location } = await admin.post('/account/tokens/new', token(ODD, 'metrics'));
    const { html } = await admin.get(location ?? '');
    const text = /bport_pat_[A-Za-z0-9_-]{43}/.exec(html)?.[0] ?? '';
    const on = await page();
    expect(on).toContain('<code>GET /metrics</code> is on');
    expect(on).toContain('METRICS_TOKEN is not set');
    expect(on).toContain(ESCAPED);
    expect(on).toContain(text.slice(0, 14));
    expect(on).not.toContain(text);
    expect(on).not.toContain('of a pipeline');
    await pages.services.db
      .updateTable('api_tokens')
      .set({ expires_at: '2026-01-01T00:00:00.000Z' })
      .execute();
    expect(await page()).toContain('<code>GET /metrics</code> is off');
  });

  it('gives the lines for Prometheus with the address that it was told, else the one it was asked at', async () => {
    expect(await page()).toContain('scheme: http\n');
    expect(await page()).toContain('targets: [&#39;localhost&#39;]');
    const { db } = pages.services;
    const settings = { value: JSON.stringify('https://backups.example.com:8443'), updated_at: '' };
    await db
      .insertInto('system_settings')
      .values({ key: 'publicUrl', ...settings })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(settings))
      .execute();
    const told = await page();
    expect(told).toContain('scheme: https\n');
    expect(told).toContain('targets: [&#39;backups.example.com:8443&#39;]');
  });

  it('leads to the page of the master key, which says where it lies and whether it was copied', async () => {
    const key = async () => (await admin.get('/admin/master-key')).html;
    expect(await page()).toContain('<a href="/admin/master-key">not copied yet</a>');
    expect(await key()).toMatch(/master\.key \.<\/code>.*I have copied it/s);
    expect((await (await pages.signedIn('operator')).get('/admin/master-key')).status).toBe(403);
    expect((await admin.post('/admin/master-key/confirm')).location).toBe('/');
    expect(await page()).toContain('<a href="/admin/master-key">copied</a>');
    const copied = await key();
    expect(copied).toMatch(/noted at <time datetime="[^"]+">[^<]+<\/time>.*master\.key \.<\/code>/s);
    expect(copied).not.toContain('I have copied it');
  });

  it('says how much could not be removed yet, and where that is listed', async () => {
    expect(await page()).toContain('<dt>Left behind</dt><dd>nothing</dd>');
    const { db } = pages.services;
    await addLeftover(db, new Date());
    const [place] = await db.selectFrom('leftovers').select(['endpoint', 'bucket', 'key']).execute();
    const deleted = await insertBackup(db, new Date(), {
      ...{ status: 'completed', outcome: 'completed', deleted_at: new Date().toISOString() },
    });
    const object = { ...place, id: 'o', key: 'o', backup_id: deleted.id, number: 0, region: null, bytes: 1 };
    await db
      .insertInto('backup_objects')
      .values([
        { ...object, kind: 'dump' },
        { ...object, id: 'm', key: 'm', kind: 'manifest' },
      ] as never)
      .execute();
    expect(await page()).toContain(
      '<dt>Left behind</dt><dd><a href="/admin/storage">2 not removed yet</a></dd>',
    );
    await db.deleteFrom('leftovers').execute();
    await db.deleteFrom('backup_objects').execute();
  });

  it('says what /ready says, and what to do about it', async () => {
    expect(await page()).toContain('<code>GET /ready</code> answers 200');
    const { db } = pages.services;
    const error = JSON.stringify({
      step: 'upload',
      code: 'storage_bad_credentials',
      message: 'secret-bucket says no',
    });
    const backup = await insertBackup(db, new Date(), {
      ...{ status: 'failed', outcome: 'failed', storage_type: 'spaces', error },
    });
    await db.updateTable('databases').set({ backup_storage_type: 'spaces' }).execute();
    await write(db, (trx) => recordNewest(trx, backup.database_id));
    // An answer counts for five seconds: asked of an app that has given none yet.
    const answer = await createApp(pages.services).request('http://localhost/admin/system', {
      headers: { cookie: admin.cookie() },
    });
    const html = await answer.text();
    expect(html).toContain('<code>GET /ready</code> answers 503');
    expect(html).toContain('Storage: it kept the last backup out');
    expect(html).not.toContain('secret-bucket');
  });
});

describe('with METRICS_TOKEN', () => {
  it('says so, and never what it is', async () => {
    const set = await openPages({ METRICS_TOKEN: VARIABLE });
    try {
      const { html } = await (await set.signedIn('admin')).get('/admin/system');
      expect(html).toContain('The variable METRICS_TOKEN opens it');
      expect(html).not.toContain(VARIABLE);
    } finally {
      await set.close();
    }
  });
});
