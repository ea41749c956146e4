import { randomBytes } from 'node:crypto';
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
    // Nobody has tried it yet: that is done just now.
    expect(await page()).toContain('<a href="/admin/storage">1 not removed yet</a>');
    await db.updateTable('backups').set({ removal_tries: 1 }).where('id', '=', deleted.id).execute();
    expect(await page()).toContain(
      '<dt>Left behind</dt><dd><a href="/admin/storage">2 not removed yet</a></dd>',
    );
    await db.deleteFrom('leftovers').execute();
    await db.deleteFrom('backup_objects').execute();
  });

  it('asks with names before its retention prunes, says what stands still, and is itself what its forms’ addresses lead to', async () => {
    const { db } = pages.services;
    const good = { status: 'completed', outcome: 'completed', size: 2048 } as const;
    const { id, ...older } = await insertBackup(db, new Date('2020-01-01T00:00:00.000Z'), good);
    const { database_id: databaseId } = older;
    await db.updateTable('databases').set({ name: ODD }).where('id', '=', databaseId).execute();
    const newer = await insertBackup(db, new Date(), good);
    await db
      .updateTable('backups')
      .set({ type: 'scheduled', database_id: databaseId })
      .where('id', 'in', [id, newer.id])
      .execute();
    const form = {
      ...{ timezone: 'UTC', privateHosts: '', backupRetentionPreset: 'custom', sshReadySeconds: '10' },
      ...{ maxConcurrentBackups: '2', maxConcurrentBackupsPerServer: '1', activeUserWindowMin: '15' },
      ...{ backupRetentionKeepLast: '1', backupRetentionDaily: '0', backupRetentionWeekly: '0' },
      ...{ backupRetentionMonthly: '0', backupRetentionYearly: '0', backupRetentionMinFloor: '1' },
      ...{ failedBackupRetentionDays: '30', fullReadEveryDays: '0', backupRotationConfirmThreshold: '0' },
    };
    const noQuestion = { ...form, backupRotationConfirmThreshold: '100' };
    const before = { value: '0', updated_at: '' };
    await db
      .insertInto('system_settings')
      .values({ key: 'backupRotationConfirmThreshold', ...before })
      .execute();
    const asked = await admin.post('/admin/system', form);
    expect(asked.status).toBe(409);
    const question = /<dialog.*?<\/dialog>/s.exec(asked.html)?.[0] ?? '';
    expect(question).toContain('Prune 1 backup?');
    expect(question).toContain('Save and let 1 backup go');
    expect(question).toContain(`${ESCAPED} <small`);
    expect(question).not.toContain('pruning stands still');
    const frozen = { frozen_at: new Date().toISOString(), reason: 'x', backup_id: null };
    await db
      .insertInto('retention_freezes')
      .values({ database_id: databaseId, ...frozen } as never)
      .execute();
    const shown = await admin.post('/admin/system/preview', form);
    expect(shown.html).toMatch(/Pruning stands still there: it goes once .*· pruning stands still/s);
    await db
      .updateTable('system_settings')
      .set({ value: '100' })
      .where('key', '=', 'backupRotationConfirmThreshold')
      .execute();
    expect((await admin.post('/admin/system', noQuestion)).status).toBe(303);
    expect((await admin.get('/admin/system')).html).toContain('The settings are saved.</');
    for (const path of ['/admin/system/preview', '/admin/system/reset']) {
      const { status, location } = await admin.get(path);
      expect([path, status, location]).toEqual([path, 303, '/admin/system']);
    }
    await db.deleteFrom('system_settings').execute();
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
    await write(db, (trx) => recordNewest(trx, backup.database_id, new Date()));
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

describe('with a MASTER_KEY of its own', () => {
  it('says that no copy of it is kept here, whichever way it came', async () => {
    const given = await openPages({ MASTER_KEY: randomBytes(32).toString('base64') });
    try {
      const admin = await given.signedIn('admin');
      expect((await admin.get('/admin/system')).html).toContain('of MASTER_KEY or MASTER_KEY_FILE');
      const { html } = await admin.get('/admin/master-key');
      expect(html).toContain('<code>MASTER_KEY_FILE</code> gives it: BRIDGEPORT keeps no copy.');
    } finally {
      await given.close();
    }
  });
});
