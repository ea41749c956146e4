import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { newId } from '../../../src/ids.ts';
import { hostPlace } from '../../../src/object-stores/place.ts';
import { createRestoreKind } from '../../../src/restores/node/restore-kind.ts';
import { loadRestore, whatExists } from '../../../src/restores/restores.ts';
import { insertRun } from '../../../src/runs/claim.ts';
import { createWorker } from '../../../src/runs/worker.ts';
import type { Worker } from '../../../src/runs/worker-port.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { restoreRow } from '../../support/restore-row.ts';
import { until } from '../../support/until.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NAME = `it's "größe" <script> 🐘`;
const DUMP = `PRAGMA encoding='UTF-8';
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE "or'ders <b>" (n);
INSERT INTO "or'ders <b>" VALUES('ü;');
INSERT INTO "or'ders <b>" VALUES(2);
COMMIT;
`;

let pages: Pages;
let worker: Worker;
let operator: Visitor;
let viewer: Visitor;
let backupId: string;
const folder = mkdtempSync(join(tmpdir(), "restore page ü ' "));
const source = join(folder, 'shop "1".db');

beforeAll(async () => {
  pages = await openPages({ LOCAL_PATHS: folder });
  const { services } = pages;
  new Database(source).exec('CREATE TABLE x (n)').close();
  backupId = await addBackup(DUMP);
  worker = createWorker(
    services,
    { restore: createRestoreKind(services) },
    { limits: async () => ({ total: 1, perServer: 1 }), tickMs: 100 },
  );
  worker.start();
  [operator, viewer] = [await pages.signedIn('operator'), await pages.signedIn('viewer')];
});
afterAll(async () => {
  await worker.stop(5_000);
  await pages.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A backup whose object is a file of this machine. */
async function addBackup(dump: string): Promise<string> {
  const { db } = pages.services;
  const key = join(folder, `backup ${newId()}.sql`);
  writeFileSync(key, dump);
  const bytes = Buffer.byteLength(dump);
  const { id, database_id } = await insertBackup(db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', size: bytes, bytes_stored: bytes, format: 'plain' },
    ...{
      sha256: createHash('sha256').update(dump).digest('hex'),
      compression: 'none',
      verification: 'stored',
    },
    ...{ storage_type: 'local', completed_at: new Date().toISOString() },
  });
  await db
    .updateTable('databases')
    .set({ name: NAME, options: JSON.stringify({ filePath: source }) })
    .where('id', '=', database_id)
    .execute();
  await db
    .insertInto('backup_objects')
    .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...hostPlace(null), key, bytes })
    .execute();
  return id;
}

const environmentOf = (databaseId: string) =>
  pages.services.db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();

async function ended(path: string | null): Promise<string> {
  expect(path).toMatch(/^\/restores\/\w+/);
  return until('the restore to end', 20_000, async () => {
    const { html } = await viewer.get(path ?? '');
    return html.includes('data-live') ? undefined : html;
  });
}

it('proposes a new file beside the database, and looks without making anything', async () => {
  const { status, html } = await operator.get(`/backups/${backupId}/restore`);
  expect(status).toBe(200);
  expect(html).toContain('stays as it is.');
  expect(html).not.toContain('<script> ');
  const [, proposed = ''] = /name="newName"[^>]*value="([^"]*)"/.exec(html) ?? [];
  expect(proposed).toMatch(/shop &quot;1&quot;\.db\.restored-\d{8}$/);
  const before = readdirSync(folder);
  const newName = join(folder, 'look.db');
  const looked = await operator.post(`/backups/${backupId}/restore`, { action: 'look', newName });
  expect(looked.status).toBe(200);
  expect(looked.html).toContain(`There is no file`);
  expect(looked.html).toMatch(/value="restore"(?![^>]*disabled)/);
  expect(readdirSync(folder)).toEqual(before);
});

it('offers the other backups, by name and by their days, and restores none that is only being chosen', async () => {
  const { db } = pages.services;
  const alone = (await operator.get(`/backups/${backupId}/restore`)).html;
  expect(alone).not.toContain('name="backup"');
  const { database_id: database } = await db
    .selectFrom('backups')
    .select('database_id')
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow();
  const add = async (at: string, more: Partial<Parameters<typeof insertBackup>[2]> = {}) => {
    const whole = { status: 'completed', outcome: 'completed', verification: 'stored', size: 2048 } as const;
    const { id, database_id } = await insertBackup(db, new Date(at), { ...whole, ...more });
    await db.updateTable('backups').set({ database_id: database }).where('id', '=', id).execute();
    if (database_id !== database) await db.deleteFrom('databases').where('id', '=', database_id).execute();
    return id;
  };
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  const morning = await add(`${day}T04:00:00.000Z`);
  const evening = await add(`${day}T20:00:00.000Z`);
  const damaged = await add(`${day}T21:00:00.000Z`, { verification: 'failed' });
  const deleted = await add(`${day}T22:00:00.000Z`, { deleted_at: new Date().toISOString() });
  const { html } = await operator.get(`/backups/${backupId}/restore`);
  const select = /<select[^>]*name="backup".*?<\/select>/s.exec(html)?.[0] ?? '';
  const values = [...select.matchAll(/<option value="(\w+)"/g)].map(([, id]) => id);
  expect(values).toEqual([backupId, evening, morning]);
  expect(html).not.toContain(damaged);
  expect(html).not.toContain(deleted);
  // A day leads to its newest good one.
  expect(html).toContain(`href="?backup=${evening}"`);
  const led = await operator.get(`/backups/${backupId}/restore?backup=${evening}`);
  expect([led.status, led.location]).toEqual([303, `/backups/${evening}/restore`]);

  const restores = () => db.selectFrom('restores').select('id').execute();
  const before = await restores();
  const typed = { action: 'restore', newName: '/typed "ü".db', backup: morning };
  const chosen = await operator.post(`/backups/${backupId}/restore`, typed);
  expect(chosen.status).toBe(200);
  expect(chosen.html).toContain(`action="/backups/${morning}/restore"`);
  expect(chosen.html).toContain('value="/typed &quot;ü&quot;.db"');
  expect(await restores()).toEqual(before);
  const strange = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
  const foreign = await operator.post(`/backups/${backupId}/restore`, { ...typed, backup: strange.id });
  expect(foreign.status).toBe(404);
  const odd = await operator.get(`/backups/${backupId}/restore?backup=${encodeURIComponent('../../x?"<ü')}`);
  expect((await operator.get(odd.location ?? '')).status).toBe(404);
  for (const id of [morning, evening, damaged, deleted, strange.id]) {
    await db.deleteFrom('backups').where('id', '=', id).execute();
  }
});

it('does not offer what a look found in the way', async () => {
  const { status, html } = await operator.post(`/backups/${backupId}/restore`, {
    action: 'look',
    newName: source,
  });
  expect(status).toBe(200);
  expect(html).toMatch(/There is a file .* already/);
  expect(html).toMatch(/value="restore"[^>]*disabled/);
});

it('restores, shows the rows of each table, and leaves what is there alone', async () => {
  const newName = join(folder, `new ü 'x'.db`);
  const { status, location } = await operator.post(`/backups/${backupId}/restore`, {
    action: 'restore',
    newName,
  });
  expect(status).toBe(303);
  const html = await ended(location);
  expect(html).toMatch(/notice-success[^>]*>“[^<]*” is there, whole\./);
  expect(html).toContain('1 table with 2 rows');
  expect((await operator.get('/runs?by=person&kind=restore')).html).toContain(`href="${location}"`);
  expect(html).toContain('or&#39;ders &lt;b&gt;');
  const restored = new Database(newName, { readonly: true });
  expect(restored.prepare(`SELECT n FROM "or'ders <b>"`).pluck().all()).toEqual(['ü;', 2]);
  restored.close();
  expect(readFileSync(source).subarray(0, 6).toString()).toBe('SQLite');
  // No file is replaced by itself: a person gets the commands for these two.
  expect(html).toContain('<h3>Commands</h3>');
  expect(html).toMatch(/\nkept=&#39;[^\n]*shop &quot;1&quot;\.db\.before-\d{14}&#39;\n/);
  const runs = (await viewer.get('/runs')).html;
  expect(runs).toContain(`href="${location}"`);
});

it('drops what was restored beside the database, the very file and nothing else', async () => {
  const newName = join(folder, `drop ü 'x' \u202E"y".db`);
  const shownName = newName.replace('\u202E', '\uFFFD');
  const begun = await operator.post(`/backups/${backupId}/restore`, { action: 'restore', newName });
  expect(await ended(begun.location)).not.toContain('/drop"');
  const page = begun.location ?? '';
  const drop = `${page}/drop`;
  const asked = (await operator.get(page)).html;
  expect(asked).toContain(`action="${drop}"`);
  expect(asked).not.toMatch(/name="(?:username|password)"/);
  expect((await viewer.post(drop, { confirm: newName })).status).toBe(403);
  for (const confirm of ['', NAME, ` ${newName}`]) {
    const refused = await operator.post(drop, { confirm });
    expect([refused.status, refused.html.includes('id="field-confirm-error"')]).toEqual([422, true]);
  }
  // It is typed as the page shows it.
  expect(asked).toContain('\uFFFD&quot;y&quot;.db to confirm');
  const refusal = async () => (await operator.post(drop, { confirm: shownName, isUnused: 'true' })).html;
  const open = new Database(newName);
  open.prepare('SELECT count(*) FROM sqlite_schema').get();
  expect(await refusal()).toMatch(new RegExp(`is open in [^<]*\\(process ${process.pid}\\)`));
  open.close();
  // Another file under its name, and itself under another one.
  renameSync(newName, `${newName}.moved`);
  writeFileSync(newName, 'somebody else’s');
  expect(await refusal()).toContain('is not the one that was restored');
  expect(readFileSync(newName, 'utf8')).toBe('somebody else’s');
  rmSync(newName);
  expect(await refusal()).toMatch(/name="mayBeGone"[\s\S]*is no longer there under that name/);
  expect((await operator.get(page)).html).toContain('is there, whole');
  renameSync(`${newName}.moved`, newName);
  // Somebody goes on with it.
  const { db } = pages.services;
  const { database_id } = await insertBackup(db, new Date(), { status: 'failed', outcome: 'failed' });
  const registered = db.updateTable('databases').where('id', '=', database_id);
  await registered.set({ name: 'goes on <b>', options: JSON.stringify({ filePath: newName }) }).execute();
  expect(await refusal()).toContain('is registered as the database goes on &lt;b&gt;');
  await registered.set({ options: JSON.stringify({ filePath: `${newName}.other` }) }).execute();

  // In an environment where operators restore nothing of this database.
  const ofRestore = db.updateTable('restores').where('id', '=', page.split('/').at(-1) ?? '');
  const { environment_id: own } = await db
    .selectFrom('restores')
    .select('environment_id')
    .where('id', '=', page.split('/').at(-1) ?? '')
    .executeTakeFirstOrThrow();
  await ofRestore.set({ environment_id: 'another' }).execute();
  expect((await operator.get(page)).html).not.toContain(`action="${drop}"`);
  expect((await operator.post(drop, { confirm: newName, isUnused: 'true' })).status).toBe(403);
  await ofRestore.set({ environment_id: own }).execute();
  // The only copy, where its backup is damaged or gone.
  const ofBackup = db.updateTable('backups').where('id', '=', backupId);
  for (const lost of [{ verification: 'failed' }, { deleted_at: new Date().toISOString() }] as const) {
    await ofBackup.set(lost).execute();
    expect((await operator.get(page)).html).toMatch(/It is the only copy[\s\S]*name="isOnlyCopy"/);
    expect(await refusal()).toContain('id="field-isOnlyCopy-error"');
    expect(existsSync(newName)).toBe(true);
    await ofBackup.set({ verification: 'stored', deleted_at: null }).execute();
  }
  expect((await operator.get(page)).html).not.toContain('only copy');
  // Restored again under its name, as long as that is there.
  const later = newId();
  const ended_at = new Date(Date.now() + 60_000).toISOString();
  await db
    .insertInto('restores')
    .values(restoreRow({ id: later, state: 'done', new_name: newName, engine: 'sqlite', ended_at }))
    .execute();
  expect(await refusal()).toContain('was restored again since');
  await db.updateTable('restores').set({ state: 'removed' }).where('id', '=', later).execute();

  expect((await operator.post(drop, { confirm: newName, isUnused: 'true' })).location).toBe(page);
  expect([existsSync(newName), existsSync(source)]).toEqual([false, true]);
  const { html } = await operator.get(page);
  expect(html).toContain('was restored, and dropped since.');
  expect(html).not.toContain('What went wrong');
  expect(html).not.toContain(`action="${drop}"`);
  expect(await refusal()).toContain('was removed already');
  const audited = await db
    .selectFrom('audit_logs')
    .select(['success', 'resource_name'])
    .where('action', '=', 'restore.drop_restored')
    .where('success', '=', 1)
    .execute();
  expect(audited).toEqual([{ success: 1, resource_name: newName }]);
});

it('says what went wrong, what is there, and how to go on', async () => {
  const bad = await addBackup(DUMP.replace('COMMIT', `.shell touch '${join(folder, 'canary')}'\nCOMMIT`));
  const newName = join(folder, 'bad.db');
  const { location } = await operator.post(`/backups/${bad}/restore`, { action: 'restore', newName });
  const html = await ended(location);
  expect(html).toContain('What went wrong');
  expect(html).toContain('the target is as it was');
  expect(existsSync(newName) || existsSync(join(folder, 'canary'))).toBe(false);
  expect((await operator.get(location ?? '')).html).toContain(`href="/backups/${bad}/restore"`);
  expect(html).not.toContain('Try again');
});

it('asks by itself about one of which nobody knows yet what became of it, until it is known', async () => {
  const { db } = pages.services;
  const id = newId();
  const later = new Date(Date.now() + 60_000).toISOString();
  await write(db, async (trx) => {
    await insertRun(trx, { id, kind: 'restore', subjectId: backupId, serverId: null, lane: id }, new Date());
    const unknown = { state: 'uncertain', lease_until: later } as const;
    await trx.updateTable('runs').set(unknown).where('id', '=', id).execute();
    await trx
      .insertInto('restores')
      .values(restoreRow({ id, backup_id: backupId }))
      .execute();
  });
  const { html } = await viewer.get(`/restores/${id}`);
  expect(html).toContain(`hx-get="/restores/${id}/run"`);
  const asked = await viewer.get(`/restores/${id}/run`);
  expect(asked.html).toContain('Nobody knows yet what became of it');
  expect([asked.headers.get('hx-trigger'), asked.html.includes('every 15s')]).toEqual([null, true]);
  await db.updateTable('runs').set({ state: 'failed' }).where('id', '=', id).execute();
  expect((await viewer.get(`/restores/${id}/run`)).headers.get('hx-trigger')).toBe('backups-changed');
  expect((await viewer.get(`/restores/${id}`)).html).not.toContain(`hx-get="/restores/${id}/run"`);
});

it('offers single tables of an archive alone, and gives back the lines that name none', async () => {
  const { db } = pages.services;
  expect((await operator.get(`/backups/${backupId}/restore`)).html).not.toContain('name="tables"');
  const archive = await addBackup(DUMP);
  const table = { schema: 'public', name: 'or"ders <b> 🐘', rows: 1, definition: null };
  const contents = { tables: [table], largeObjects: 0, extensions: [], roles: [] };
  const { database_id } = await db
    .updateTable('backups')
    .set({ format: 'custom', contents: JSON.stringify(contents) })
    .where('id', '=', archive)
    .returning('database_id')
    .executeTakeFirstOrThrow();
  await db.updateTable('databases').set({ type: 'postgres' }).where('id', '=', database_id).execute();
  const { html } = await operator.get(`/backups/${archive}/restore`);
  expect(html).toContain('name="tables"');
  expect(html).toContain('no keys, indexes');
  for (const [tables, words] of [
    ['public.<script>', 'hold a table public.&lt;script&gt;'],
    ['public.or"ders <b> 🐘\nx', 'hold a table x'],
  ]) {
    const form = { action: 'restore', newName: 'x ü', serverId: '', tables: tables ?? '' };
    const refused = await operator.post(`/backups/${archive}/restore`, form);
    expect(refused.status).toBe(422);
    expect(refused.html).toContain(words);
    expect(refused.html).toContain('>public.');
    expect(refused.html).not.toContain('public.<script>');
  }
  // Another backup of it can't: nobody gets all of it unawares.
  const plain = await addBackup(DUMP);
  await db.updateTable('backups').set({ database_id }).where('id', '=', plain).execute();
  const counted = () => db.selectFrom('restores').select('id').execute();
  const before = (await counted()).length;
  for (const [path, choice] of [
    [archive, { tables: 'public.x', backup: plain }],
    [archive, { jobs: '4', backup: plain }],
    [plain, { tables: 'public.x' }],
  ] as const) {
    const form = { action: 'restore', newName: 'x ü', serverId: '', ...choice };
    const { status, html: page } = await operator.post(`/backups/${path}/restore`, form);
    expect([status, page]).toEqual([
      422,
      expect.stringContaining('as was chosen, so nothing is restored yet'),
    ]);
  }
  expect(await counted()).toHaveLength(before);
  for (const jobs of ['1', '17', '2 x', '-3']) {
    const form = { action: 'restore', newName: 'x ü', serverId: '', jobs };
    const refused = await operator.post(`/backups/${archive}/restore`, form);
    expect([refused.status, refused.html.includes('id="field-jobs-error"')]).toEqual([422, true]);
    expect(refused.html).toMatch(/<li><a href="#field-jobs">Jobs<\/a>: [^<]+<\/li>/);
  }
});

it('asks where to by a choice, and says what it will make there, and in about how long', async () => {
  const { db } = pages.services;
  const id = await addBackup(DUMP);
  const { database_id, environment_id } = await db
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['database_id', 'environment_id'])
    .where('backups.id', '=', id)
    .executeTakeFirstOrThrow();
  const place = { host: 'db.example', port: 5433, database_name: 'läden "x"' };
  await db
    .updateTable('databases')
    .set({ type: 'postgres', ...place })
    .where('id', '=', database_id)
    .execute();
  await db.updateTable('backups').set({ restored_ms: 61_000 }).where('id', '=', id).execute();
  const admin = await pages.signedIn('admin');
  const made = await admin.post(`/environments/${environment_id}/servers/new`, {
    ...{ name: 'db2 <b>', hostname: 'db.example', sshPort: '22', sshUser: '', publicIp: '', tags: '' },
  });
  const serverId = made.location?.split('/').at(-1) ?? '';
  const path = `/backups/${id}/restore`;
  const { html } = await operator.get(path);
  expect(html).toMatch(/name="where" value="beside" checked/);
  const [, proposed = ''] = /name="newName"[^>]*value="([^"]*)"/.exec(html) ?? [];
  expect(proposed).toMatch(/^läden &quot;x&quot;_restored_\d{8}$/);
  expect(html).toContain(`<strong>new database</strong> ${proposed} on the machine of this app.`);
  expect(html).toContain('About 1 min 1 s, as last measured.');
  expect(html).toContain(`>Restore into ${proposed}</button>`);
  // As who backs up, or the login of that server: folded away, but there.
  expect(html).toMatch(/<details class="restore-login"><summary>Signs in at db\.example port 5433, /);
  expect(html).toMatch(/name="host"[^>]* value="db\.example"/);

  const follows = async (query: string) => (await operator.get(`${path}/summary?${query}`)).html;
  expect(await follows(`where=elsewhere&serverId=${serverId}&newName=%3Ci%3E`)).toMatch(
    /&lt;i&gt; on db2 &lt;b&gt;\.[\s\S]*>Restore into &lt;i&gt;<\/button>/,
  );
  const typed = await follows('where=beside&newName=x&host=b%3Ca%3E&port=5434');
  expect(typed).toMatch(/this app, in the database server at b&lt;a&gt; port 5434\./);
  expect(await follows('where=beside&newName=x&host=db.example&port=5433')).not.toContain('in the database');
  expect(await follows('where=in-place&refused=true')).toMatch(/Nothing yet:[\s\S]*disabled[^>]*>Go on</);
  expect((await viewer.get(`${path}/summary`)).status).toBe(403);

  const inPlace = await operator.post(path, { action: 'restore', where: 'in-place', newName: 'x' });
  expect(inPlace.location).toBe(`${path}-in-place`);
  const nowhere = await operator.post(path, { action: 'look', where: 'elsewhere', host: 'h', port: '5432' });
  expect([nowhere.status, nowhere.html.includes('There is no such server')]).toEqual([422, true]);
  expect(nowhere.html).toMatch(/<details class="restore-login" open/);
  // Beside it whatever the folded select says, and under a name of ours where it is the proposed one.
  const begun = await operator.post(path, {
    ...{ action: 'restore', where: 'beside', serverId, newName: proposed.replaceAll('&quot;', '"') },
    ...{ host: 'db.example', port: '5433' },
  });
  const row = await db
    .selectFrom('restores')
    .select(['server_id', 'is_name_ours', 'host'])
    .where('id', '=', begun.location?.split('/').at(-1) ?? '')
    .executeTakeFirstOrThrow();
  expect(row).toEqual({ server_id: null, is_name_ours: 1, host: 'db.example' });
  await operator.post(`${begun.location}/cancel`, {});
});

it('gives the form back with what was typed and what is wrong', async () => {
  for (const [form, words] of [
    [{ newName: '/etc/x.db' }, 'LOCAL_PATHS'],
    [{ newName: 'x.db' }, 'be the path of a new file'],
    [{ newName: join(folder, 'y.db'), serverId: 'nobody' }, 'There is no such server'],
  ] as const) {
    const { status, html } = await operator.post(`/backups/${backupId}/restore`, { action: 'look', ...form });
    expect([status, html]).toEqual([422, expect.stringContaining(words)]);
    expect(html).toContain(`value="${form.newName.replaceAll("'", '&#39;')}"`);
  }
});

it('is for operators; viewers see what becomes of it', async () => {
  expect((await viewer.get(`/backups/${backupId}/restore`)).status).toBe(403);
  expect((await viewer.get(`/backups/${backupId}`)).html).not.toContain(`/backups/${backupId}/restore"`);
  expect((await operator.get(`/backups/${backupId}`)).html).toContain(`/backups/${backupId}/restore"`);
  const forbidden = ['cancel', 'clean-up'].map((what) => viewer.post(`/restores/x/${what}`, {}));
  expect((await Promise.all(forbidden)).map(({ status }) => status)).toEqual([403, 403]);
  expect((await operator.get('/restores/nothing')).status).toBe(404);
});

it('asks whether what is left is gone where nobody can tell', async () => {
  const { db } = pages.services;
  const { id, database_id } = await insertBackup(db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', format: 'plain' },
  });
  const { environment_id } = await environmentOf(database_id);
  const newName = join(folder, `el'se <b>.db`);
  const row = restoreRow({
    ...{ id: newId(), backup_id: id, database_id, engine: 'sqlite', host: null, port: null },
    ...{ new_name: newName, options: '{}', database_name: null, state: 'left', removal_error: 'Away.' },
    // In another place than this.
    ...{ load_options: JSON.stringify({ madeIn: 'dev1:2' }) },
  });
  await db.insertInto('restores').values(row).execute();
  const page = `/restores/${row.id}`;
  const before = await operator.get(page);
  expect(before.html).toContain('is not to be relied on where it is still there. Away.');
  expect(before.html).not.toContain('name="mayBeGone"');
  // As a drop: of those who may drop it, by its name.
  expect((await operator.post(`${page}/clean-up`, { confirm: newName })).status).toBe(403);
  expect(before.html).toContain('An admin cleans up here');
  await db.updateTable('restores').set({ environment_id }).where('id', '=', row.id).execute();
  expect((await operator.get(page)).html).toContain(
    `Type ${newName.replaceAll("'", '&#39;').replace('<b>', '&lt;b&gt;')} to confirm`,
  );
  const unnamed = await operator.post(`${page}/clean-up`, { mayBeGone: 'true', confirm: 'else' });
  expect([unnamed.status, unnamed.html]).toEqual([
    422,
    expect.stringContaining('To clean up, confirm by its name'),
  ]);
  expect((await loadRestore(db, row.id)).state).toBe('left');
  const asked = await operator.post(`${page}/clean-up`, { confirm: newName });
  expect([asked.status, asked.html]).toEqual([
    422,
    expect.stringMatching(/name="mayBeGone"[\s\S]*Nobody can tell whether what was made for .* is gone/),
  ]);
  expect((await loadRestore(db, row.id)).state).toBe('left');
  const said = await operator.post(`${page}/clean-up`, { mayBeGone: 'true', confirm: newName });
  expect([said.status, said.location]).toEqual([303, page]);
  expect((await loadRestore(db, row.id)).state).toBe('removed');
  const { html } = await operator.get(page);
  expect(html).toContain('Somebody said that nothing of this restore is there; nobody could look.');
  expect(html).not.toContain('Nothing is left of this restore');
});

it.each([
  ['done', { why: 'The app stopped.' }, 'Nothing was removed'],
  ['removed', {}, 'Nothing is left'],
] as const)('says what is there once somebody has cleaned up, and it is %s', async (comes, more, flash) => {
  const { db } = pages.services;
  const { id, database_id } = await insertBackup(db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', format: 'plain' },
  });
  const { environment_id } = await environmentOf(database_id);
  const newName = join(folder, `cleaned 'up' <b> ${comes}.db`);
  const work = join(folder, `.bridgeport-restore-clean${comes}`);
  const row = restoreRow({
    ...{ id: newId(), backup_id: id, database_id, engine: 'sqlite', host: null, port: null },
    ...{ new_name: newName, options: '{}', database_name: null, token: `clean${comes}`, environment_id },
    ...{ state: 'left', removal_error: 'Away.', load_options: JSON.stringify({ foundWhole: true }) },
  });
  mkdirSync(work);
  writeFileSync(join(work, 'restored.sqlite'), 'whole');
  if (comes === 'done') linkSync(join(work, 'restored.sqlite'), newName);
  const message = `The app stopped. ${whatExists(row)}`;
  const like = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const error = JSON.stringify({ message, ...more, code: 'shutdown', step: 'finish' });
  await db.insertInto('restores').values(row).execute();
  const run = { ...like, id: row.id, kind: 'restore', lane: row.id, state: 'interrupted', error } as const;
  await db.insertInto('runs').values(run).execute();
  const page = `/restores/${row.id}`;
  expect((await operator.get(page)).html).toContain('is not to be relied on');
  const confirmed = { confirm: newName };
  expect(await operator.post(`${page}/clean-up`, confirmed)).toMatchObject({ status: 303, location: page });
  const { html } = await operator.get(page);
  expect(html).toContain(flash);
  expect((await loadRestore(db, row.id)).state).toBe(comes);
  const again = (await operator.get(page)).html;
  const exists = comes === 'done' ? 'is there, whole.' : 'What had been made was removed';
  expect(again.indexOf(exists)).toBeGreaterThan(0);
  expect(again.indexOf('The app stopped.')).toBeGreaterThan(again.indexOf(exists));
  expect(again.includes('Try again')).toBe(comes === 'removed');
  // Without `why`, as older versions wrote it, it is folded away.
  expect(again.includes('is not to be relied on')).toBe(comes === 'removed');
  expect(again.includes('What was said then')).toBe(comes === 'removed');
});

it('takes the place of a file that nobody has open, and drops what it keeps of it', async () => {
  const id = await addBackup(DUMP);
  const path = `/backups/${id}/restore-in-place`;
  expect((await operator.get(`/backups/${id}/restore`)).html).toContain(`href="${path}"`);
  const form = { confirm: NAME, safetyAsked: 'true' };
  const user = new Database(source);
  user.prepare('SELECT * FROM x').all();
  const refused = await operator.post(path, { ...form, action: 'look' });
  user.close();
  expect(refused.html).toMatch(new RegExp(`is open in [^<]*\\(process ${process.pid}\\)`));
  expect(refused.html).toContain('id="restore-refused"');

  const { location } = await operator.post(path, { ...form, action: 'restore' });
  const page = location ?? '';
  await until('the restore to end', 30_000, async () =>
    (await operator.get(page)).html.includes('drop-kept') ? true : undefined,
  );
  const tables = (file: string) => {
    const db = new Database(file, { readonly: true });
    const names = db.prepare('SELECT name FROM sqlite_schema').pluck().all();
    db.close();
    return names;
  };
  const [kept = ''] = readdirSync(folder).filter((name) => name.includes('.before-'));
  expect([tables(source), tables(join(folder, kept))]).toEqual([["or'ders <b>"], ['x']]);
  const { html } = await operator.get(page);
  expect(html).not.toMatch(/name="(?:username|password)"/);
  const beside = await operator.post(`${page}/drop`, { confirm: source });
  expect(beside.html).toContain('is the database itself');
  expect(html).toMatch(/It is the only copy:\s+no safety backup was made before/);
  const drop = { confirm: join(folder, kept), isUnused: 'true' };
  const only = await operator.post(`${page}/drop-kept`, drop);
  expect([only.status, only.html.includes('id="field-isOnlyCopy-error"')]).toEqual([422, true]);
  const { db } = pages.services;
  const restoreId = page.split('/').at(-1) ?? '';
  const { database_id } = await loadRestore(db, restoreId);
  const ofRestore = db.updateTable('restores').where('id', '=', restoreId);
  await ofRestore.set({ database_id: 'gone' }).execute();
  expect((await operator.get(page)).html).not.toContain('/drop-kept"');
  expect((await operator.post(`${page}/drop-kept`, { ...drop, isOnlyCopy: 'true' })).status).toBe(403);
  await ofRestore.set({ database_id }).execute();
  expect(existsSync(join(folder, kept))).toBe(true);
  const dropped = await operator.post(`${page}/drop-kept`, { ...drop, isOnlyCopy: 'true' });
  expect(dropped.status).toBe(303);
  expect(existsSync(join(folder, kept))).toBe(false);
});

it('is not offered of a backup that there is nothing of', async () => {
  const { id } = await insertBackup(pages.services.db, new Date(), { status: 'failed', outcome: 'failed' });
  const { status, html } = await operator.get(`/backups/${id}/restore`);
  expect([status, html]).toEqual([409, expect.stringContaining('it is failed')]);
  expect(html).not.toContain('name="newName"');
});
