import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOT_ASKED } from '../../../bench/large-pages.ts';
import { withNames } from '../../../dev/fill/paths.ts';
import { newId } from '../../../src/ids.ts';
import { databaseLane } from '../../../src/runs/lanes.ts';
import { saveLog } from '../../../src/runs/stored-log.ts';
import { newRule } from '../../../src/schedules/fields.ts';
import { createRule } from '../../../src/schedules/rules.ts';
import { changeSettings } from '../../../src/settings/change-settings.ts';
import { createServiceAccount } from '../../../src/tokens/service-accounts.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { ENTRANCE, everyAddress, isDocument, type Named } from '../../support/every-page.ts';
import { namesInPaths } from '../../support/filled-ids.ts';
import { restoreRow } from '../../support/restore-row.ts';
import { newSshKeys } from '../../support/ssh-key.ts';
import { type Answer, openPages, PASSWORD, type Pages, type Visitor } from './pages.ts';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>' $(id) \u202e`;
const ESCAPED = '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;';

let pages: Pages;
let admin: Visitor;
let environmentId: string;
let serverId: string;
let databaseId: string;
let named: Named;
/** Of every page, and of the parts of pages, as an admin may open them. */
let addresses: readonly string[];
/** What each of them, and of the entrance, has answered. */
const answers = new Map<string, Answer>();
/** Those that are pages. */
const documents: (readonly [path: string, html: string])[] = [];

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';

beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  environmentId = idIn((await admin.post('/environments/new', { name: HOSTILE.slice(0, 50) })).location);
  serverId = idIn(
    (await admin.post(`/environments/${environmentId}/servers/new`, serverForm({ name: HOSTILE }))).location,
  );
  const made = await admin.post(
    `/environments/${environmentId}/databases/new?type=postgres`,
    databaseForm({ name: HOSTILE, serverId }),
  );
  databaseId = idIn(made.location);
  await addWays();
  named = await nameThings();
  addresses = everyAddress(named);
  for (const path of [...addresses, ...ENTRANCE]) {
    const answer = await admin.get(path);
    if (addresses.includes(path)) expect([path, answer.status]).toEqual([path, 200]);
    answers.set(path, answer);
    if (addresses.includes(path) && isDocument(answer.html)) documents.push([path, answer.html]);
  }
});
afterAll(() => pages.close());

/** A channel, a webhook and a message that was refused, by names and answers of an attacker. */
async function addWays(): Promise<void> {
  const { db, now } = pages.services;
  await changeSettings(pages.services, { userId: null, address: null }, { privateHosts: '127.0.0.1' });
  const url = 'https://127.0.0.1:9/the-hook-path';
  const channel = {
    kind: 'slack',
    name: HOSTILE.slice(0, 60),
    url,
    leastSeverity: 'info',
    saveAnyway: 'true',
  };
  await admin.post('/notifications/channels', channel);
  // Its address is no secret, by the contract.
  const hook = { environmentId, url: 'https://127.0.0.1:9/x', failed: 'true' };
  await admin.post('/notifications/webhooks', hook);
  const { id } = await db.selectFrom('notification_channels').select('id').executeTakeFirstOrThrow();
  const at = now().toISOString();
  const refused = { status: 'pending', attempts: 3, next_try_at: at, last_error: HOSTILE } as const;
  await db
    .insertInto('deliveries')
    .values({
      ...{ id: 'd', way: 'channel', target_id: id, recipient: HOSTILE, event: 'system.backup_failed' },
      ...{ body: null, response_status: 502, claimed_by: null, lease_until: null, created_at: at },
      ...{ ...refused, delivered_at: null },
    })
    .execute();
  expect((await db.selectFrom('webhook_subscriptions').select('id').execute()).length).toBe(1);
}

/** One of whatever pages there are of, by names of an attacker. */
async function nameThings(): Promise<Named> {
  const { services } = pages;
  const { db } = services;
  const nobody = { userId: null, address: null };
  const at = services.now().toISOString();
  const { id: backupId } = await insertBackup(db, services.now(), {
    ...{ status: 'completed', outcome: 'completed', filename: HOSTILE, completed_at: at, size: 1000 },
    verification: 'stored',
  });
  await db.updateTable('backups').set({ database_id: databaseId }).where('id', '=', backupId).execute();
  const ofRun = db.updateTable('runs').where('id', '=', backupId);
  await ofRun.set({ lane: databaseLane(databaseId) }).execute();
  await saveLog(db, backupId, `${at} ${HOSTILE}`);
  await db
    .insertInto('restores')
    .values(
      restoreRow({
        ...{ id: newId(), backup_id: backupId, database_id: databaseId, environment_id: environmentId },
        ...{ server_id: serverId, database_name: HOSTILE, new_name: HOSTILE, state: 'done', in_place: 1 },
      }),
    )
    .execute();
  const rule = newRule.parse({ name: HOSTILE.slice(0, 50), cronExpression: '0 * * * *', retries: 1 });
  await createRule(services, nobody, rule);
  const { id: userId } = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .executeTakeFirstOrThrow();
  const notifications = newId();
  await db
    .insertInto('notifications')
    .values({
      ...{
        id: notifications,
        event_id: 'e',
        type_id: 'system.backup_failed',
        user_id: userId,
        severity: 'critical',
      },
      ...{ title: HOSTILE, message: HOSTILE, data: '{}', created_at: at },
    })
    .execute();
  await createServiceAccount(services, nobody, { name: HOSTILE.slice(0, 50), role: 'viewer' });
  await admin.post('/admin/storage/edit', storageForm({ secretKey: 'the-secret-key' }));
  await admin.post(`/environments/${environmentId}/settings/ssh`, {
    sshUser: 'root',
    sshPrivateKey: `the-private-key\n${newSshKeys().private}`,
  });
  const ids = { environment: environmentId, database: databaseId, server: serverId, backups: [backupId] };
  const names = { ...(await namesInPaths(db, ids)), notifications };
  return { names, words: { environment: environmentId, database: databaseId } };
}

function serverForm(change: Readonly<Record<string, string>> = {}) {
  return {
    name: 'db1',
    hostname: 'db1.example.com',
    sshPort: '22',
    sshUser: '',
    publicIp: '',
    tags: 'a, b',
    ...change,
  };
}

function databaseForm(change: Readonly<Record<string, string>> = {}) {
  return {
    name: 'appdb',
    serverId,
    host: 'localhost',
    port: '5432',
    databaseName: HOSTILE,
    username: 'the-user-name',
    password: 'the-password',
    backupFormat: 'plain',
    backupCompression: 'gzip',
    backupCompressionLevel: '6',
    backupStorageType: 'spaces',
    backupSpacesBucket: 'prod-backups',
    backupSpacesPrefix: '',
    backupLocalPath: '',
    pgDumpTimeoutMs: '300000',
    ...change,
  };
}

describe('every page', () => {
  it('is a whole document with one heading, a skip link and its place in the navigation', async () => {
    expect(documents.length).toBeGreaterThan(80);
    for (const [path, html] of documents) {
      expect([path, html.startsWith('<!doctype html><html lang="en">')]).toEqual([path, true]);
      expect([path, html.match(/<h1[ >]/g)?.length]).toEqual([path, 1]);
      expect([path, html.includes('href="#content"')]).toEqual([path, true]);
      expect([path, html.includes('aria-current="page"')]).toEqual([path, true]);
    }
  });

  it('is among those that are looked at: of what the bench leaves out, none is a page', async () => {
    const looked = new Set([...addresses.map((address) => address.split('?')[0]), ...ENTRANCE]);
    const left = Object.keys(NOT_ASKED)
      .filter((route) => !route.startsWith('/api/'))
      .map((route) => withNames(route, named.names))
      .filter((path) => !looked.has(path));
    expect(left.length).toBeGreaterThan(10);
    for (const path of left) {
      const { status, html } = await admin.get(path);
      expect([path, status === 200 && isDocument(html)]).toEqual([path, false]);
    }
  });

  it('allows only what comes from our own origin, and holds nothing inline', async () => {
    const failed = await admin.get('/nowhere');
    for (const { headers, html } of [...answers.values(), failed]) {
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      // Attribute values aside: the hostile names are in some of them, as text.
      const tags = html.replaceAll(/"[^"]*"/g, '""').match(/<[^>]*>/g) ?? [];
      for (const tag of tags) expect(tag).not.toMatch(/^<style|\s(style|on[a-z]+|hx-on[^=]*)=/);
      expect(html).not.toMatch(/="(js|javascript):/);
      expect(html).not.toMatch(/<script(?! src="\/assets\/)/);
    }
  });

  it('ties every input to a label and every error and help to its input', async () => {
    for (const [path, html] of documents) {
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
      expect([path, ids.filter((id, index) => ids.indexOf(id) !== index)]).toEqual([path, []]);
      for (const [, name] of html.matchAll(/<label for="([^"]+)"/g)) expect([path, ...ids]).toContain(name);
      for (const [, list = ''] of html.matchAll(/aria-describedby="([^"]+)"/g)) {
        for (const id of list.split(' ')) expect([path, ...ids]).toContain(id);
      }
    }
  });

  it('shows hostile names as text', async () => {
    for (const [path, { html }] of answers) {
      expect([path, /<script>alert|<img/.test(html)]).toEqual([path, false]);
    }
    for (const path of [
      '/',
      '/databases',
      '/servers',
      '/databases?q=%3Cscript%3Ealert(1)',
      '/drills?q=%3Cscript%3Ealert(1)',
      `/databases/${databaseId}`,
      `/servers/${serverId}`,
      '/notifications/channels',
      '/notifications/deliveries',
    ]) {
      const { html } = await admin.get(path);
      expect(html).not.toContain('<script>alert');
      expect(html).not.toContain('<img');
      expect(html).toContain(ESCAPED);
      // Nor does any turn the direction of what stands behind it; fields alone give back what was typed.
      expect([path, /\u202e/.test(html.replaceAll(/<[^>]*>/g, ''))]).toEqual([path, false]);
    }
  });

  it('never holds a secret that was stored', async () => {
    for (const [path, { html }] of answers) {
      for (const secret of [
        'the-user-name',
        'the-password',
        'the-secret-key',
        'the-private-key',
        PASSWORD,
        'the-hook-',
      ]) {
        expect([path, html.includes(secret)]).toEqual([path, false]);
      }
    }
    expect((await admin.get(`/environments/${environmentId}/settings`)).html).toContain('>configured<');
  });
});

function storageForm(change: Readonly<Record<string, string>> = {}) {
  return {
    provider: 'digitalocean',
    accessKey: 'DO00EXAMPLE',
    secretKey: '',
    region: 'ams3',
    buckets: '',
    // There is no such storage to try it against.
    saveAnyway: 'true',
    ...change,
  };
}

describe('a refused form', () => {
  it('comes back with what was typed, the message beside its field, and no secret', async () => {
    const path = `/environments/${environmentId}/databases/new?type=postgres`;
    const form = databaseForm({
      name: '',
      port: '70000',
      backupSpacesPrefix: '../up',
      password: 'typed-secret',
    });
    const { status, html } = await admin.post(path, form);
    expect(status).toBe(422);
    expect(html).toMatch(/id="field-name"[^>]*aria-invalid="true"/);
    expect(html).toMatch(/id="field-port-error"[^>]*>Enter at most 65535/);
    expect(html).toMatch(/id="field-backupSpacesPrefix-error"[^>]*>Must not hold/);
    expect(html).toContain('value="../up"');
    expect(html).toContain('value="70000"');
    expect(html).not.toContain('typed-secret');
    expect(html).not.toContain('the-user-name');
  });

  it('asks again for a secret that was typed where a blank one would be taken, and only for that', async () => {
    const marked = (name: string) => new RegExp(`id="field-${name}-error"[^>]*>Type it again`);
    const created = `/environments/${environmentId}/databases/new?type=postgres`;
    const both = await admin.post(created, databaseForm({ name: '' }));
    expect(both.html).toMatch(marked('username'));
    expect(both.html).toMatch(marked('password'));
    const blank = await admin.post(
      `/databases/${databaseId}/edit`,
      databaseForm({ name: '', username: '', password: 'typed-anew' }),
    );
    expect(blank.html).not.toMatch(marked('username'));
    expect(blank.html).toMatch(marked('password'));
    expect(blank.html.match(/Blank keeps the present one/g)).toHaveLength(1);
    const storage = await admin.post(
      '/admin/storage/edit',
      storageForm({ secretKey: 'typed-anew', buckets: 'b!' }),
    );
    expect(storage.html).toMatch(marked('secretKey'));
    const ssh = await admin.post(`/environments/${environmentId}/settings/ssh`, {
      sshUser: '',
      sshPrivateKey: '-----BEGIN PRIVATE KEY-----\ntyped-anew\n-----END PRIVATE KEY-----',
    });
    expect(ssh.html).toMatch(marked('sshPrivateKey'));
    for (const { html } of [blank, storage, ssh]) expect(html).not.toContain('typed-anew');
  });

  it('keeps its message when the buckets have been loaded', async () => {
    const form = databaseForm({ backupSpacesBucket: '' });
    const { html } = await admin.post(`/environments/${environmentId}/databases/new?type=postgres`, form);
    const message = /id="field-backupSpacesBucket-error"[^>]*>Backups to Spaces need a bucket/;
    expect(html).toMatch(message);
    const field = /hx-get="([^"]*\/bucket-field[^"]*)"/.exec(html)?.[1] ?? '';
    expect((await admin.get(`${field}&backupSpacesBucket=`)).html).toMatch(message);
    expect((await admin.get(`${field}&backupSpacesBucket=b!`)).html).toContain('>Must be a bucket name');
    expect((await admin.get(`${field}&backupSpacesBucket=good`)).html).not.toContain('field-error');
    const fresh = (await admin.get(`/environments/${environmentId}/databases/new`)).html;
    expect(fresh).toMatch(/hx-get="[^"?]*\/bucket-field"/);
  });

  it('names a conflict in the form', async () => {
    const path = `/environments/${environmentId}/servers/new`;
    const { status, html } = await admin.post(
      path,
      serverForm({ name: HOSTILE, hostname: 'typed.example.com' }),
    );
    expect(status).toBe(422);
    expect(html).toContain('Server already exists');
    expect(html).toContain('value="typed.example.com"');
  });

  it('says beside the storage form what a bucket or an endpoint must be', async () => {
    const buckets = await admin.post('/admin/storage/edit', storageForm({ buckets: 'good-bucket\nb!' }));
    expect(buckets.status).toBe(422);
    expect(buckets.html).toMatch(/id="field-buckets-error"[^>]*>b!: Must be a bucket name/);
    const endpoint = await admin.post(
      '/admin/storage/edit',
      storageForm({ provider: 'minio', endpoint: 'https://minio.example.com/bucket', region: 'us-east-1' }),
    );
    expect(endpoint.status).toBe(422);
    expect(endpoint.html).toMatch(/id="field-endpoint-error"/);
    const region = await admin.post('/admin/storage/edit', storageForm({ newRegion: 'Bad Region!' }));
    expect(region.status).toBe(422);
    expect(region.html).toMatch(/id="field-newRegion-error"[^>]*>Must be a region/);
    expect(region.html).not.toContain('id="field-region-error"');
    expect(region.html).toContain('<code>&lt;region&gt;.digitaloceanspaces.com</code>');
  });

  it('is no form at all for another content type', async () => {
    const answer = await admin.post(
      '/environments/new',
      { name: 'x' },
      { 'content-type': 'application/json' },
    );
    expect(answer.status).toBe(400);
  });
});

describe('Admin > Storage', () => {
  it('derives the endpoint from the region for DigitalOcean and keeps a secret key left blank', async () => {
    await admin.post('/admin/storage/edit', storageForm({ secretKey: 'the-secret-key' }));
    const kept = await admin.post(
      '/admin/storage/edit',
      storageForm({ region: 'nyc3', buckets: 'a-bucket b-bucket' }),
    );
    expect(kept.location).toBe('/admin/storage');
    const { html } = await admin.get('/admin/storage');
    expect(html).toContain('The configuration is saved. Test Connection next.');
    expect(html).toContain('nyc3.digitaloceanspaces.com');
    expect(html).toContain('a-bucket, b-bucket');
  });

  it('lists the regions of the page with their locations, and asks the others for an endpoint', async () => {
    const spaces = (await admin.get('/admin/storage/edit?provider=digitalocean')).html;
    for (const region of [
      'fra1 (Frankfurt)',
      'nyc3 (New York)',
      'sfo3 (San Francisco)',
      'ams3 (Amsterdam)',
      'sgp1 (Singapore)',
      'syd1 (Sydney)',
    ]) {
      expect(spaces).toContain(region);
    }
    expect(spaces).not.toContain('name="endpoint"');
    expect((await admin.get('/admin/storage/edit?provider=minio')).html).toContain('name="endpoint"');
  });

  it('enables and disables the storage per environment', async () => {
    await admin.post('/admin/storage/edit', storageForm({ secretKey: 'the-secret-key' }));
    const path = `/admin/storage/environments/${environmentId}`;
    await admin.post(path, { enabled: 'true' });
    expect((await admin.get('/admin/storage')).html).toContain('>enabled</span>');
    await admin.post(path, { enabled: 'false' });
    expect((await admin.get('/admin/storage')).html).not.toContain('>enabled</span>');
  });
});

describe('roles', () => {
  it('refuse every change to a viewer but those of the own account, before anything is looked up', async () => {
    const viewer = await pages.signedIn('viewer');
    for (const path of [
      '/environments/new',
      '/environments/x/delete',
      '/environments/x/settings/ssh',
      '/environments/x/settings/ssh/remove',
      '/environments/x/settings/data',
      '/environments/x/servers/new',
      '/environments/x/databases/new',
      '/servers/x',
      '/servers/x/test',
      '/servers/x/test/result',
      '/servers/x/host-key/forget',
      '/servers/x/delete',
      '/databases/x/edit',
      '/databases/x/delete',
      '/databases/x/test',
      '/databases/x/test/result',
      '/databases/x/backups',
      '/databases/back-up',
      '/backups/x/cancel',
      '/backups/x/pin',
      '/backups/x/delete',
      '/admin/storage/edit',
      '/admin/storage/test',
      '/admin/storage/test/result',
      '/admin/storage/delete',
      '/admin/storage/environments/x',
      '/admin/users/new',
      '/admin/users/x',
      '/admin/users/x/password',
      '/admin/users/x/delete',
      '/admin/master-key/confirm',
      '/next-steps/hide',
    ]) {
      expect([path, (await viewer.post(path)).status]).toEqual([path, 403]);
    }
    for (const path of [
      '/admin/storage',
      '/admin/storage/buckets',
      '/admin/storage/edit/endpoint',
      '/admin/storage/policy',
      '/admin/users',
      '/admin/users/new',
      '/environments/new',
    ]) {
      expect([path, (await viewer.get(path)).status]).toEqual([path, 403]);
    }
  });

  it('hide from a viewer what the viewer may not do', async () => {
    const viewer = await pages.signedIn('viewer');
    const database = (await viewer.get(`/databases/${databaseId}`)).html;
    for (const text of ['Backup now', 'Test connection', 'Delete database', '/edit']) {
      expect(database).not.toContain(text);
    }
    expect((await viewer.get(`/environments/${environmentId}/settings`)).html).not.toContain('<textarea');
    expect(database).not.toContain('/admin/storage');
  });

  it('let an operator manage servers and databases, but no storage, users or environments', async () => {
    const operator = await pages.signedIn('operator');
    const made = await operator.post(
      `/environments/${environmentId}/servers/new`,
      serverForm({ name: 'by-operator' }),
    );
    expect(made.status).toBe(303);
    expect((await operator.get('/admin/storage')).status).toBe(403);
    expect((await operator.post(`${made.location}/delete`)).status).toBe(403);
    expect((await operator.post('/environments/new', { name: 'x' })).status).toBe(403);
  });
});

describe('a failure', () => {
  it('is a page with its status: unknown pages and ids are 404', async () => {
    for (const path of [
      '/nowhere',
      '/databases/unknown',
      '/servers/unknown',
      '/environments/unknown/databases',
    ]) {
      const { status, html } = await admin.get(path);
      expect([path, status]).toEqual([path, 404]);
      expect(html).toContain('<h1>Not found</h1>');
    }
  });

  it('says what is gone that was to be deleted, and leads back', async () => {
    const answer = await admin.post(
      '/servers/unknown/delete',
      {},
      { referer: `http://localhost/servers/${serverId}` },
    );
    expect(answer.status).toBe(404);
    expect(answer.html).toContain('Server not found');
    expect(answer.html).toContain(`href="/servers/${serverId}"`);
  });
});

describe('accounts', () => {
  it('ask for the current password, and end every session when it changes', async () => {
    const visitor = await pages.signedIn('admin');
    const wrong = await visitor.post('/account/password', {
      currentPassword: 'wrong-wrong',
      newPassword: 'another password',
    });
    expect(wrong.status).toBe(422);
    expect(wrong.html).toContain('Current password is incorrect');
    const changed = await visitor.post('/account/password', {
      currentPassword: PASSWORD,
      newPassword: 'another password',
    });
    expect(changed.location).toBe('/login');
    expect((await visitor.get('/login')).html).toContain('The password is changed. Please sign in again.');
    expect((await visitor.get('/account')).location).toContain('/login');
  });

  it('can not be created twice with one email, whatever its case', async () => {
    const form = { email: 'twice@example.com', name: '', role: 'viewer', password: PASSWORD };
    expect((await admin.post('/admin/users/new', form)).status).toBe(303);
    const again = await admin.post('/admin/users/new', { ...form, email: 'TWICE@example.com' });
    expect(again.status).toBe(422);
    expect(again.html).toContain('Email already in use');
    expect(again.html).not.toContain(PASSWORD);
  });
});

describe('the own account among the users', () => {
  it('shows its role, which another admin changes, and saves its name', async () => {
    const users = (await admin.get('/admin/users')).html;
    const email = /href="\/account"[^>]*>([^<]+)</.exec(users)?.[1] ?? '';
    const row = users.split('<tr>').find((text) => text.includes(`<th scope="row">${email}<`)) ?? '';
    const path = /href="(\/admin\/users\/c[0-9a-z]+)"/.exec(row)?.[1] ?? '';
    const { html } = await admin.get(path);
    expect(html).toContain('Only another admin can change it.');
    expect(html).not.toMatch(/<select[^>]*name="role"/);
    expect(html).not.toContain('Delete user');
    expect((await admin.post(path, { name: 'Ada', role: 'admin' })).location).toBe('/admin/users');
    expect((await admin.get('/admin/users')).html).toContain('The user is saved.');
  });
});

describe('the master key banner', () => {
  it('is shown to admins until one of them says that the key was copied', async () => {
    // As long as there is no good backup, its step stays where it was.
    await pages.services.db.deleteFrom('newest_backups').execute();
    const viewer = await pages.signedIn('viewer');
    expect((await viewer.get('/')).html).not.toContain('I have copied it');
    expect((await admin.get('/')).html).toContain('Keep a copy of the master key');
    const confirmed = await admin.post('/admin/master-key/confirm');
    expect(confirmed.status).toBe(303);
    expect((await admin.get(confirmed.location ?? '')).html).toContain(
      'Noted: the master key has been copied.',
    );
    const after = (await admin.get('/')).html;
    expect(after).not.toContain('I have copied it');
    expect(after).not.toContain('Noted');
    // Its step has a page of its own, as the others have.
    expect(after).toContain('<a href="/admin/master-key">Show</a>');
  });
});
