import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { dayAfter, dayOf } from '../../../src/backups/days.ts';
import { askDeepTest, deepTestResult } from '../../../src/storage/deep-test.ts';
import { lastDeepTest } from '../../../src/storage/deep-test-results.ts';
import { letRunsFollow } from '../../support/backup-row.ts';
import { addLeftover } from '../../support/leftover.ts';
import { until } from '../../support/until.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const KEYS = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = {
  accessKey: 'SCOPEDKEY00000000001',
  secretKey: 'scoped-secret-scoped-secret-scoped-00001',
};

let folder: string;
let store: DevBucket;
let pages: Pages;
let admin: Visitor;
let environmentId: string;

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storage-pages-'));
  store = await startDevBucket({
    folder,
    keys: [KEYS, { ...SCOPED, buckets: ['scoped'] }],
    buckets: ['backups', 'scoped'],
  });
  pages = await openPages({ STORAGE_CA_FILE: store.caFile ?? '', LOCAL_PATHS: '/var/backups' });
  admin = await pages.signedIn('admin');
  environmentId = idIn((await admin.post('/environments/new', { name: 'production' })).location);
});
afterAll(async () => {
  await pages.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const save = (change: Readonly<Record<string, string>> = {}) =>
  admin.post('/admin/storage/edit', {
    provider: 'other',
    ...KEYS,
    region: store.region,
    endpoint: store.endpoint,
    buckets: '',
    ...change,
  });
const page = async () => (await admin.get('/admin/storage')).html;
const test = async () => (await admin.post('/admin/storage/test')).html;
const addDatabase = (name: string, prefix = '') =>
  admin.post(`/environments/${environmentId}/databases/new?type=sqlite`, {
    name,
    serverId: 'this-machine',
    filePath: '/var/backups/app.db',
    backupCompression: 'none',
    backupStorageType: 'spaces',
    backupSpacesBucket: 'backups',
    backupSpacesPrefix: prefix,
    pgDumpTimeoutMs: '300000',
  });

describe('the form of the storage', () => {
  it('asks each provider only for what it needs', async () => {
    const form = async (id: string) => (await admin.get(`/admin/storage/edit?provider=${id}`)).html;
    const r2 = await form('r2');
    expect(r2).toContain('Account ID or endpoint');
    expect(r2).toContain('they must be named here');
    expect(r2).toContain('<input type="hidden" name="region" value="auto"');
    const aws = await form('aws');
    expect(aws).toContain('<code>s3.us-east-1.amazonaws.com</code>');
    expect(aws).not.toContain('name="endpoint"');
    expect(await form('minio')).toMatch(/<input[^>]* name="endpoint"/);
    // Its host has labels that no id of an account tells.
    const idrive = await form('idrive');
    expect(idrive).toContain('>Endpoint<');
    expect(idrive).not.toContain('Account ID');
  });

  it('shows the endpoint of the chosen region, and of one that the list lacks', async () => {
    const endpoint = async (query: string) =>
      (await admin.get(`/admin/storage/edit/endpoint?provider=digitalocean&${query}`)).html;
    expect(await endpoint('region=sgp1')).toContain('<code>sgp1.digitaloceanspaces.com</code>');
    expect(await endpoint('region=sgp1&newRegion=atl1')).toContain(
      '<code>atl1.digitaloceanspaces.com</code>',
    );
    expect(await endpoint('region=sgp1&newRegion=No!')).toContain('&lt;region&gt;.digitaloceanspaces.com');
    const typed = (await admin.get('/admin/storage/edit?provider=linode')).html;
    expect(typed).toMatch(/hx-get="\/admin\/storage\/edit\/endpoint\?provider=linode"/);
  });

  it('is filled in from an endpoint that is pasted before anything else', async () => {
    const paste = (pasted: string) =>
      admin.get(`/admin/storage/edit?${new URLSearchParams({ provider: 'digitalocean', pasted })}`);
    const part = (await paste('https://mine.s3.eu-central-003.backblazeb2.com')).html;
    expect(part).toMatch(/<option value="backblaze" selected/);
    expect(part).toContain('<code>s3.eu-central-003.backblazeb2.com</code>');
    expect(part).toMatch(/<textarea[^>]*name="buckets"[^>]*>mine</);
    // What loads the form keeps the focus, being none of what is replaced.
    expect(part).toMatch(/name="pasted".*<div id="storage-form">/s);
    const unknown = (await paste('s3.amazonaws.com')).html;
    expect(unknown).toMatch(/<option value="" selected[^>]*>Choose the region</);
    const page = (await paste('<b>"ü".example.com')).html;
    expect(page).not.toContain('<b>');
    expect(page).toMatch(/<option value="digitalocean" selected/);
  });

  it('makes the endpoint of R2 from the id of the account', async () => {
    const account = '0123456789abcdef0123456789abcdef';
    // An environment that was deleted since the form was opened keeps nobody from saving.
    const form = { provider: 'r2', region: 'auto', endpoint: account, saveAnyway: 'true', enable: 'gone' };
    const saved = await save(form);
    expect(saved.status).toBe(303);
    expect(await page()).toContain(`${account}.r2.cloudflarestorage.com`);
    await admin.post('/admin/storage/delete');
  });

  it('tries a first configuration too, and saves what does not work when it is told to', async () => {
    const first = await save({ secretKey: 'a-wrong-secret' });
    expect(first.status).toBe(422);
    expect(first.html).toContain('the secret key does not fit to it');
    expect(first.html).toContain('Nothing was saved.');
    expect(first.html).not.toContain('the present configuration stays in use');
    expect(first.html).not.toContain('a-wrong-secret');
    expect((await admin.get('/admin/storage/edit')).html).toContain('Configure Spaces');
    expect((await save({ secretKey: 'a-wrong-secret', saveAnyway: 'true' })).location).toBe('/admin/storage');
  });

  it('tries every later configuration before it counts', async () => {
    const again = await save({ secretKey: 'another-wrong-secret' });
    expect(again.status).toBe(422);
    expect(again.html).toContain('Nothing was saved');
    expect(again.html).toContain('the secret key does not fit to it');
    expect(again.html.match(/role="alert"/g)).toHaveLength(1);
    expect(again.html).not.toContain('another-wrong-secret');
    expect(again.html).toMatch(/id="field-secretKey"[^>]* required/);
    expect(again.html).toMatch(/id="field-secretKey-error"[^>]*>Type it again/);
    expect(again.html).toMatch(/<button[^>]* name="saveAnyway" value="true"/);
    expect((await save()).location).toBe('/admin/storage');
  });

  it('keeps the secret key that is left blank', async () => {
    expect((await save({ secretKey: '', buckets: 'backups' })).location).toBe('/admin/storage');
    expect(await test()).toContain('Connected. Access to 1/1 buckets.');
  });

  it('asks for the secret key again where the endpoint becomes another account’s', async () => {
    const before = (await admin.get('/admin/storage/edit')).html;
    for (const endpoint of ['evil.example', 'minio.example.com', '127.0.0.9:9000']) {
      for (const saveAnyway of ['', 'true']) {
        const refused = await save({ secretKey: '', endpoint, saveAnyway });
        expect([endpoint, refused.status]).toEqual([endpoint, 422]);
        expect(refused.html).toMatch(/id="field-secretKey-error"[^>]*>The endpoint is another account’s/);
        expect(refused.html).toMatch(/id="field-secretKey"[^>]* required/);
      }
    }
    expect((await admin.get('/admin/storage/edit')).html).toBe(before);

    // Regions of one provider share an account’s keys; the accounts of R2 are in the host.
    const spaces = { provider: 'digitalocean', endpoint: '', saveAnyway: 'true' };
    expect((await save({ ...spaces, region: 'fra1', secretKey: 'of spaces' })).status).toBe(303);
    expect((await save({ ...spaces, region: 'nyc3', secretKey: '' })).status).toBe(303);
    const r2 = { provider: 'r2', region: 'auto', saveAnyway: 'true' };
    const account = '0123456789abcdef0123456789abcdef';
    expect((await save({ ...r2, endpoint: account, secretKey: 'of r2' })).status).toBe(303);
    expect((await save({ ...r2, endpoint: account.replace('0', 'f'), secretKey: '' })).status).toBe(422);
    expect((await save()).status).toBe(303);
  });

  it('warns where the new configuration reaches a part of its buckets', async () => {
    const saved = await save({ secretKey: '', buckets: 'backups\nabsent' });
    expect(saved.status).toBe(303);
    const { html } = await admin.get(String(saved.location));
    expect(html).toMatch(
      /notice-warning[^>]*>The new configuration is saved, but its key does not reach every/,
    );
    await save({ secretKey: '', buckets: 'backups' });
  });

  it('saves what fails when asked to', async () => {
    const refused = await save({ secretKey: '', buckets: 'absent' });
    expect(refused.status).toBe(422);
    expect(refused.html).not.toContain('Type it again');
    expect(refused.html).toContain('Cannot access any configured buckets: absent');
    expect(await page()).not.toContain('absent');
    // Not back to the first steps, which would go on as if it worked.
    const saved = await save({ secretKey: '', buckets: 'absent', saveAnyway: 'true', next: '/' });
    expect(saved.location).toBe('/admin/storage');
    expect(await page()).toContain('absent');
  });
});

describe('Test Connection', () => {
  it('leads a scoped key to the Buckets field', async () => {
    await save({ ...SCOPED, saveAnyway: 'true' });
    const html = await test();
    expect(html).toContain('This appears to be a bucket-scoped key. Please add the bucket names manually.');
    expect(html).toContain('href="/admin/storage/edit#field-buckets"');
    expect(html).toContain('AccessDenied on ListBuckets');
    expect((await admin.get('/admin/storage/edit')).html).toContain('id="field-buckets"');
    expect((await save({ ...SCOPED, buckets: 'scoped' })).status).toBe(303);
    expect(await test()).toContain('Connected. Access to 1/1 buckets.');
  });

  it('names what failed of a partial access, and why', async () => {
    await save({ ...SCOPED, buckets: 'scoped\nbackups' });
    const html = await test();
    expect(html).toContain('Connected. Access to 1/2 buckets.');
    expect(html).toContain('backups: The key may not use the bucket backups.');
    expect(html).toContain('AccessDenied on HeadBucket');
    expect(html).toContain('notice-warning');
  });

  it('says what to check where nothing answers', async () => {
    await save({ endpoint: '127.0.0.1:2', saveAnyway: 'true' });
    const html = await test();
    expect(html).toContain('nothing listens on port 2');
    expect(html).toContain('Wrong endpoint / connection refused');
    await save({ saveAnyway: 'true' });
  });
});

describe('the buckets', () => {
  const row = (html: string, name: string) =>
    (new RegExp(`${name}</th>.*?</tr>`).exec(html)?.[0] ?? '').replace(/<[^>]+>/g, '|');

  it('are looked at when asked, with the state of each', async () => {
    await save({ ...SCOPED, buckets: 'scoped\nbackups\nabsent' });
    expect(await page()).toContain('Look for buckets');
    const { html } = await admin.get('/admin/storage?buckets=refresh');
    expect(html).toMatch(/scoped<\/th>.*?>reachable</);
    expect(html).toMatch(/backups<\/th>.*?>denied</);
    const fragment = (await admin.get('/admin/storage/buckets')).html;
    expect(fragment).toMatch(/^<section id="buckets"/);
    expect(fragment).not.toContain('hx-trigger');
  });

  it('are told with who uses them, and what they said of themselves when they were tested', async () => {
    const asked = store.requests.length;
    const { html } = await admin.get('/admin/storage/buckets');
    const operations = new Set(store.requests.slice(asked).map(({ operation }) => operation));
    expect(operations).not.toContain('GetBucketVersioning');
    // Of another provider's object lock the development bucket knows nothing.
    expect(row(html, 'scoped')).toMatch(/\|not kept\|.*\|not known\|/);
    expect(row(html, 'absent')).toMatch(/\|0\|.*\|not known\|.*\|not known\|.*\|not yet\|/);
    expect(html).toMatch(/title="Seen [^"]+">not kept</);
    expect(html).toContain('<th scope="row" title="Named by hand">scoped</th>');
    expect(html.match(/<th scope="col"/g)).toHaveLength(7);
  });

  it('are told of in the form of a database', async () => {
    const { html } = await admin.get(`/environments/${environmentId}/bucket-field?backupSpacesBucket=scoped`);
    expect(html).toMatch(/<option value="scoped" selected[^>]*>scoped</);
    expect(html).toContain('>backups (denied)<');
  });

  it.each(['', 'backups'])('that a wrong key does not reach are told of once, with %j', async (buckets) => {
    const wrong = { secretKey: 'another-secret-another-secret-another-01', buckets };
    await save({ ...wrong, saveAnyway: 'true' });
    const list = (await admin.get('/admin/storage/buckets')).html;
    expect(list).toContain('Check the access key and the secret key.');
    expect(list).toContain('<input type="hidden" id="list-fails" name="listFails" value="true"/>');
    expect(await page()).toContain('hx-include="#list-fails"');
    const told = (await admin.post('/admin/storage/test/result', { listFails: 'true' })).html;
    expect(told.split('the secret key does not fit')).toHaveLength(2);
    expect(told).toMatch(/<section id="buckets"[^>]* hx-swap-oob="true">/);
    expect(told).toContain('Test Connection says below what is in the way.');
    expect((await admin.post('/admin/storage/test/result')).html).not.toContain('id="buckets"');
    await save();
    // Where the key is right by now, the list is left to be looked at again.
    const right = (await admin.post('/admin/storage/test/result', { listFails: 'true' })).html;
    expect([right.includes('Connect'), right.includes('id="buckets"')]).toEqual([true, false]);
  });

  it('that nobody may list lead to the Buckets field', async () => {
    await save({ ...SCOPED, saveAnyway: 'true' });
    const { html } = await admin.get('/admin/storage?buckets=show');
    expect(html).toContain('Add bucket names manually');
    expect(html).toContain('Go to the Buckets field');
    // Test Connection says something else of that.
    expect(html).not.toContain('id="list-fails"');
    await save();
  });
});

describe('what depends on the storage', () => {
  const asked = async (path: string) =>
    /<dialog id="question".*?<\/dialog>/s.exec((await admin.get(path)).html)?.[0];

  it('is named before it is disabled for an environment, and before it is deleted', async () => {
    await admin.post(`/admin/storage/environments/${environmentId}`, { enabled: 'true' });
    const disable = `/admin/storage?disable=${environmentId}`;
    expect(await page()).not.toContain(disable);
    // Followed although nothing depends on it, by an address that was kept.
    expect(await asked(disable)).toContain('Nothing there uses it now.');
    for (const name of ['appdb', 'shop']) expect((await addDatabase(name)).status).toBe(303);
    const listed = (await admin.get('/admin/storage/buckets')).html.replaceAll('&amp;', '&');
    const [, link = ''] = /href="(\/databases\?[^"]*storage=bucket%3Abackups)">2</.exec(listed) ?? [];
    expect((await admin.get(link)).html).toMatch(/>appdb<.*>shop</s);
    const html = await page();
    expect([html.includes(`href="${disable}"`), html.includes('appdb')]).toEqual([true, false]);
    expect(await asked(disable)).toContain('2 databases use');
    expect(await asked(disable)).toMatch(/<li>appdb<\/li><li>shop<\/li>/);
    expect(await asked(disable)).toContain(`action="/admin/storage/environments/${environmentId}"`);
    expect(html).toContain('href="/admin/storage?delete"');
    const deletion = await asked('/admin/storage?delete');
    expect(deletion).toContain('These environments lose access to it: production.');
    expect(deletion).toContain('appdb (production)');
    expect(deletion).toContain('autofocus="">Cancel</a>');
    const nothing = '<dialog id="question"></dialog>';
    expect(await asked('/admin/storage?disable=%3Cscript%3E')).toBe(nothing);
    await admin.post(`/admin/storage/environments/${environmentId}`);
    expect(await asked(disable)).toBe(nothing);
    expect(await page()).toContain('Enable storage for production');
  });

  it('includes databases that would write side by side: their pages warn of it', async () => {
    const one = await addDatabase('one', 'shared/');
    const two = await addDatabase('two', 'shared/');
    const { html } = await admin.get(two.location ?? '');
    expect(html).toContain('one (production) backs up under the same prefix');
    expect((await admin.get(one.location ?? '')).html).toContain('two (production) backs up');
  });
});

describe('the least that a key needs', () => {
  it('is a policy or steps, for the chosen provider, bucket and prefix', async () => {
    const policy = async (query: string) => admin.get(`/admin/storage/policy?${query}`);
    const aws = (await policy('provider=aws&bucket=prod&prefix=production/')).html;
    expect(aws).toContain('arn:aws:s3:::prod/production/*');
    expect(aws).toContain('leaving no parts of a cancelled or failed backup');
    const spaces = (await policy('provider=digitalocean&bucket=prod')).html;
    expect(spaces).toContain('select prod and give Read/Write/Delete');
    expect(spaces).not.toContain('<pre');
    const bad = await policy('provider=aws&bucket=no!');
    expect(bad.status).toBe(422);
    expect(bad.html).toMatch(/id="field-bucket-error"/);
  });
});

describe('a backup that failed at the storage', () => {
  it('says on its row what to check, with links for who may follow them', async () => {
    const made = await addDatabase('failing', 'failing/');
    const databaseId = idIn(made.location);
    const failures = [
      {
        step: 'connect',
        code: 'invalid',
        message: 'Spaces not configured for this environment. Go to Settings > Spaces to configure.',
      },
      { step: 'upload', code: 'storage_denied', message: 'The storage refused the upload.' },
    ];
    for (const error of failures) {
      await admin.post(`/databases/${databaseId}/backups`);
      await pages.services.db
        .updateTable('backups')
        .set({ status: 'failed', error: JSON.stringify(error) })
        .where('database_id', '=', databaseId)
        .where('status', '=', 'pending')
        .execute();
      await letRunsFollow(pages.services.db);
    }
    const { html } = await admin.get(`/databases/${databaseId}`);
    expect(html).toContain('Global storage credentials have not been configured');
    expect(html).toContain('href="/admin/storage#environment-access"');
    expect(html).toContain('The configured bucket name matches one the key can access');
    expect(html).toContain(`href="/databases/${databaseId}/edit"`);
    const viewer = await pages.signedIn('viewer');
    const seen = (await viewer.get(`/databases/${databaseId}/backups`)).html;
    expect(seen).toContain('Admin &gt; Storage &gt; Environment Access');
    expect(seen).not.toContain('href="/admin/storage');
  });
});

describe('a download link', () => {
  it('is explained below the backups for the time when it has expired', async () => {
    const made = await addDatabase('downloaded', 'downloaded/');
    const databaseId = idIn(made.location);
    const list = async () => (await admin.get(`/databases/${databaseId}/backups`)).html;
    await admin.post(`/databases/${databaseId}/backups`);
    await pages.services.db
      .updateTable('backups')
      .set({ status: 'completed' })
      .where('database_id', '=', databaseId)
      .execute();
    expect(await list()).not.toContain('valid for 1 hour');
    await pages.services.db
      .updateTable('environments')
      .set({ allow_backup_download: 1 })
      .where('id', '=', environmentId)
      .execute();
    // Where the storage may not be used, there is no link to explain.
    await admin.post(`/admin/storage/environments/${environmentId}`, { enabled: 'false' });
    expect(await list()).not.toContain('valid for 1 hour');
    await admin.post(`/admin/storage/environments/${environmentId}`, { enabled: 'true' });
    expect(await list()).toContain('valid for 1 hour');
  });
});

describe('every answer', () => {
  it('keeps the secret keys', async () => {
    await save({ ...SCOPED, buckets: 'scoped' });
    for (const path of [
      '/admin/storage?buckets=refresh',
      '/admin/storage/edit',
      '/admin/storage/edit?provider=other',
      '/admin/storage/policy',
    ]) {
      const { html } = await admin.get(path);
      expect([path, /-secret-/.test(html)]).toEqual([path, false]);
    }
    expect(await test()).not.toMatch(/-secret-/);
  });
});

describe('a deep test', () => {
  it('is run again when another configuration has been saved', async () => {
    const { db } = pages.services;
    await deepTestResult(db, await askDeepTest(pages.services, 'asked'), AbortSignal.timeout(60_000));
    await save({ buckets: 'backups' });
    const last = await until('the second deep test', 60_000, async () => {
      const found = await lastDeepTest(pages.services.db);
      return found?.cause === 'credentials' ? found : undefined;
    });
    expect(last.buckets.map(({ bucket }) => bucket)).toEqual(['backups']);
  });
});

describe('what could not be removed', () => {
  it('is listed with its place, its tries and why, as text whatever the storage said', async () => {
    const { db, now } = pages.services;
    expect(await page()).not.toContain('<h2 id="left-behind">');
    await addLeftover(db, now());
    await db
      .updateTable('leftovers')
      .set({ tries: 7, last_error: '<b>AccessDenied</b>: Löschen verboten & "gesperrt" 🔒' })
      .execute();
    const html = await page();
    const list = html.slice(html.indexOf('<h2 id="left-behind">'));
    expect(list).toContain('größe + &quot;x&quot; 🗝');
    expect(list).toContain('<td data-label="Tries">7</td>');
    expect(list).toContain(
      '<td data-label="Why">&lt;b&gt;AccessDenied&lt;/b&gt;: Löschen verboten &amp; &quot;gesperrt&quot; 🔒</td>',
    );
    await db.deleteFrom('leftovers').execute();
  });
});

describe('what is stored', () => {
  const MIB = 1024 * 1024;

  it('is told by bucket, and with its growth in all of them', async () => {
    const databaseId = idIn((await addDatabase('grows "ß" 🦦', 'grows/')).location);
    const { db } = pages.services;
    const place = { database_id: databaseId, endpoint: store.endpoint };
    await db
      .insertInto('stored_totals')
      .values([
        { ...place, bucket: 'backups', backups: 3, bytes: 3 * MIB },
        { ...place, bucket: 'scoped', backups: 1, bytes: MIB },
      ])
      .execute();
    const day = dayOf(pages.services.now());
    const added = { environment_id: environmentId, good: 1, failed: 0 };
    await db
      .insertInto('environment_days')
      .values([
        { ...added, day, added: 2 * MIB, freed: MIB },
        { ...added, day: dayAfter(day, -6), added: MIB, freed: 0 },
        { ...added, day: dayAfter(day, -7), added: 2 * MIB, freed: 0 },
      ])
      .execute();
    const before = await page();
    expect(before).not.toContain('Since the last report');
    const places = { [`backups at ${new URL(store.endpoint).host}`]: MIB, 'files on this machine': 3 * MIB };
    const at = '2026-11-02T08:00:00.000Z';
    await db
      .insertInto('weekly_reports')
      .values({ week: '2026-11-02', places: JSON.stringify(places), created_at: at })
      .execute();
    const host = { database_id: databaseId, endpoint: 'host:local', bucket: '' };
    await db
      .insertInto('stored_totals')
      .values({ ...host, backups: 2, bytes: 2 * MIB })
      .execute();
    const cells = (name: string) =>
      (new RegExp(`<th scope="row">${name}</th>.*?</tr>`).exec(told)?.[0] ?? '')
        .replaceAll(/<[^>]+>/g, '|')
        .split(/\|+/)
        .slice(1, -1);
    const told = await page();
    expect(cells('backups').slice(2)).toEqual(['3', '3.0 MiB', '+2.0 MiB']);
    expect(cells('scoped').slice(2)).toEqual(['1', '1.0 MiB', '+1.0 MiB']);
    expect(cells('files on this machine')).toEqual([
      ...['files on this machine', 'on a host', '2', '2.0 MiB', '−1.0 MiB'],
    ]);
    expect(told).toContain(`datetime="${at.slice(0, 16)}Z"`);
    const list = (await admin.get('/admin/storage/buckets')).html;
    expect(list).toMatch(/backups<\/th>.*?data-label="Used">3.0 MiB<.*?data-label="Test">fit, <time/);
    expect(list).toMatch(/scoped<\/th>.*?data-label="Used">1.0 MiB<.*?data-label="Test">not yet</);
    await db.deleteFrom('stored_totals').where('endpoint', '=', 'host:local').execute();
    await db.deleteFrom('weekly_reports').execute();
    const html = await page();
    expect(html).toContain('Stored in all buckets and on hosts: 4.0 MiB, +2.0 MiB in 7 days.');
    expect(html).toContain('<td class="figure" data-label="Size">3.0 MiB</td>');
  });

  it('is told of the places where the most lies, in their order, also where many hold the same', async () => {
    const databaseId = idIn((await addDatabase('many places', 'many/')).location);
    const { db } = pages.services;
    const before = await db.selectFrom('stored_totals').selectAll().execute();
    await db.deleteFrom('stored_totals').execute();
    const names = Array.from({ length: 35 }, (_, index) => `equal-${String(index).padStart(2, '0')}`);
    const place = { database_id: databaseId, endpoint: store.endpoint, backups: 1 };
    await db
      .insertInto('stored_totals')
      .values([
        ...names.map((bucket) => ({ ...place, bucket, bytes: MIB })),
        { ...place, bucket: 'z-huge', bytes: 9 * MIB },
      ])
      .execute();
    const html = await page();
    const stored = html.slice(html.indexOf('Stored by bucket'), html.indexOf('Growth, last'));
    const shown = [...stored.matchAll(/<th scope="row">([^<]*)</g)].map(([, name]) => name);
    expect(shown).toEqual([...names.slice(0, 29), 'z-huge']);
    expect(stored).toContain('And 6.0 MiB in 6 places more, with no more in each.');
    await db.deleteFrom('stored_totals').execute();
    if (before.length > 0) await db.insertInto('stored_totals').values(before).execute();
  });
});
