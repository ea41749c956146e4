import { afterAll, beforeAll, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { markKept } from '../../../src/restores/in-place.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { restoreRow } from '../../support/restore-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NAME = `it's "größe" <script> 🐘`;
const KEPT = `shop <b> "ü"_before_20261129174233`;

let pages: Pages;
let operator: Visitor;
let viewer: Visitor;
let backupId: string;
let databaseId: string;

beforeAll(async () => {
  pages = await openPages();
  const { db } = pages.services;
  ({ id: backupId, database_id: databaseId } = await insertBackup(db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', size: 9, bytes_stored: 9, format: 'plain' },
    ...{ completed_at: new Date().toISOString() },
  }));
  await db
    .updateTable('databases')
    .set({ name: NAME, type: 'postgres', database_name: 'shop <b> "ü"', host: '127.0.0.1' })
    .where('id', '=', databaseId)
    .execute();
  const { environment_id } = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const about = { backup_id: backupId, database_id: databaseId, environment_id, new_name: 'shop <b> "ü"' };
  await db
    .insertInto('restores')
    .values(
      restoreRow({
        ...{ ...about, id: 'kept', state: 'done', in_place: 1 },
        ...{ kept_name: KEPT, kept_state: 'kept', replaced_id: '17' },
      }),
    )
    .execute();
  [operator, viewer] = [await pages.signedIn('operator'), await pages.signedIn('viewer')];
});
afterAll(() => pages.close());

const path = () => `/backups/${backupId}/restore-in-place`;

it('is offered apart, says what it replaces, and is no viewer’s', async () => {
  const beside = await operator.get(`/backups/${backupId}/restore`);
  expect(beside.html).toContain(`href="${path()}"`);
  const { status, html } = await operator.get(path());
  expect(status).toBe(200);
  expect(html).toContain('<strong>shop &lt;b&gt; &quot;ü&quot;</strong> on');
  expect(html).not.toContain('<script> ');
  expect(html).toMatch(/name="safetyBackup"[^>]*checked/);
  expect((await viewer.get(path())).status).toBe(403);
});

it('asks for the very name of the database, and begins nothing without', async () => {
  for (const confirm of ['', ` ${NAME}`, NAME.toUpperCase()]) {
    const asked = await operator.post(path(), { action: 'restore', confirm, password: 'typed 🐘' });
    expect(asked.status).toBe(422);
    expect(asked.html).toContain('id="field-confirm-error"');
    expect(asked.html).not.toContain('typed 🐘');
  }
  const { db } = pages.services;
  expect(await db.selectFrom('runs').select('id').where('kind', '=', 'restore').execute()).toEqual([]);
});

it('of a file has nobody to throw out and nobody to sign in as', async () => {
  const { db } = pages.services;
  const set = (values: object) =>
    db.updateTable('databases').set(values).where('id', '=', databaseId).execute();
  const filePath = '/srv/it\'s <b> "ü"/-app.db';
  const { options } = await db
    .selectFrom('databases')
    .select('options')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  await set({ type: 'sqlite', options: JSON.stringify({ filePath }) });
  const { html } = await operator.get(path());
  expect(html).toContain('<strong>/srv/it&#39;s &lt;b&gt; &quot;ü&quot;/-app.db</strong> on');
  expect(html).toContain('Stop the application before');
  expect(html).not.toMatch(/name="(?:endSessions|username|password)"/);
  await set({ type: 'postgres', options });
});

it('goes into the database itself where that was chosen, of an archive alone, and says what that means', async () => {
  const { db } = pages.services;
  const set = (format: string) =>
    db.updateTable('backups').set({ format }).where('id', '=', backupId).execute();
  const chosen = { action: 'restore', intoLive: 'true', safetyAsked: 'true' };
  const plain = await operator.post(path(), { ...chosen, confirm: NAME });
  expect([plain.status, plain.html]).toEqual([
    422,
    expect.stringContaining('Only custom archives of PostgreSQL'),
  ]);
  await set('custom');
  // Nobody has looked yet, so that nobody knows whether it is needed.
  expect((await operator.get(path())).html).not.toContain('name="intoLive"');
  const unconfirmed = await operator.post(path(), { ...chosen, confirm: '' });
  expect(unconfirmed.html).toMatch(/name="intoLive"[^>]*checked/);
  expect(unconfirmed.html).toContain('in one transaction');
  const begun = await operator.post(path(), { ...chosen, confirm: NAME });
  const id = begun.location?.split('/').at(-1) ?? '';
  const row = await db.selectFrom('restores').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  expect(row).toMatchObject({ in_place: 1, kept_name: null, load_options: '{"live":true}' });
  expect((await operator.get(`/restores/${id}`)).html).not.toContain('Swap<');
  await operator.post(`/restores/${id}/cancel`, {});
  await set('plain');
});

it('backs up first unless that is declined by a tick, in one write with its run', async () => {
  const { db } = pages.services;
  const begun = await operator.post(path(), { action: 'restore', confirm: NAME, endSessions: 'true' });
  expect(begun.status).toBe(303);
  const id = begun.location?.split('/').at(-1) ?? '';
  const rowOf = (of: string) =>
    db.selectFrom('restores').selectAll().where('id', '=', of).executeTakeFirstOrThrow();
  const row = await rowOf(id);
  expect(row).toMatchObject({
    in_place: 1,
    end_sessions: 1,
    kept_name: expect.stringMatching(/_before_\d{14}$/),
  });
  const runs = await db
    .selectFrom('runs')
    .selectAll()
    .where('state', '=', 'pending')
    .orderBy('created_at')
    .execute();
  expect(runs.map((run) => [run.kind, run.id, run.lane])).toEqual([
    ['backup', row.safety_backup_id, `database:${databaseId}`],
    ['restore', id, `database:${databaseId}`],
  ]);
  expect((await operator.get(`/restores/${id}`)).html).toContain('safety backup');
  // A second click leads to what the first one has begun, and one for another backup is refused.
  const again = await operator.post(path(), { action: 'restore', confirm: NAME });
  expect([again.status, again.location]).toEqual([303, begun.location]);
  expect((await operator.get(begun.location ?? '')).html).toContain(
    'This backup is being restored there already',
  );
  const older = await insertBackup(db, new Date(Date.now() - 60_000), {
    ...({ status: 'completed', outcome: 'completed', format: 'plain', compression: 'none' } as const),
    database_id: databaseId,
  });
  const other = await operator.post(`/backups/${older.id}/restore-in-place`, {
    action: 'restore',
    confirm: NAME,
  });
  expect(other).toMatchObject({ status: 422, html: expect.stringContaining('is being restored into') });
  await db.deleteFrom('backups').where('id', '=', older.id).execute();
  // Neither of the two may go while it waits.
  for (const backup of [backupId, row.safety_backup_id]) {
    expect((await operator.post(`/backups/${backup}/delete`, {})).status).not.toBe(303);
  }
  await operator.post(`/restores/${id}/cancel`, {});
  const declined = await operator.post(path(), { action: 'restore', confirm: NAME, safetyAsked: 'true' });
  const second = declined.location?.split('/').at(-1) ?? '';
  expect((await rowOf(second)).safety_backup_id).toBeNull();
  await operator.post(`/restores/${second}/cancel`, {});
});

it('leads a second click on what restores beside it to the first one, and refuses what wants something else there', async () => {
  const { db } = pages.services;
  const beside = `/backups/${backupId}/restore`;
  const form = { where: 'beside', newName: 'neu "ü" + <b>', host: '127.0.0.1', port: '', action: 'restore' };
  const both = await Promise.all([operator.post(beside, form), operator.post(beside, form)]);
  const [first, second] = both;
  expect([first.status, second.status, second.location]).toEqual([303, 303, first.location]);
  const id = first.location?.split('/').at(-1) ?? '';
  const known = db.selectFrom('restores').select('id').where('new_name', '=', form.newName);
  expect(await known.execute()).toEqual([{ id }]);
  // What is written down while it runs makes it no other one.
  const noted = JSON.stringify({ madeIn: '1', made: '17' });
  await db.updateTable('restores').set({ load_options: noted }).where('id', '=', id).execute();
  const third = await operator.post(beside, form);
  expect([third.status, third.location]).toEqual([303, first.location]);
  expect((await operator.get(first.location ?? '')).html).toContain('no second restore was begun');
  const tables = JSON.stringify({ tables: [{ schema: 'public', name: 'a' }] });
  await db.updateTable('restores').set({ load_options: tables }).where('id', '=', id).execute();
  const other = await operator.post(beside, form);
  expect([other.status, other.html]).toEqual([
    422,
    expect.stringContaining('Wait for its end, or choose another name'),
  ]);
  await operator.post(`/restores/${id}/cancel`, {});
});

it('renames what was restored beside it into place, the name of the database typed', async () => {
  const { db } = pages.services;
  const database = await db
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const { server_id, host, port, environment_id } = database;
  const made = { made: '4711' };
  await db
    .insertInto('restores')
    .values(
      restoreRow({
        ...{
          id: 'beside',
          backup_id: backupId,
          database_id: databaseId,
          environment_id,
          server_id,
          host,
          port,
        },
        ...{ state: 'done', new_name: 'neu <b>', load_options: JSON.stringify(made) },
      }),
    )
    .execute();
  const page = '/restores/beside';
  expect((await operator.get(page)).html).toContain(`href="${page}/rename"`);
  expect((await viewer.get(page)).html).not.toContain('/rename');
  expect((await viewer.get(`${page}/rename`)).status).toBe(403);
  const { html } = await operator.get(`${page}/rename`);
  expect(html).toMatch(/name="safetyBackup"[^>]*checked/);
  expect(html).toContain('neu &lt;b&gt; gets its owner');
  expect(html).toContain('<strong>shop &lt;b&gt; &quot;ü&quot;</strong> on');
  const wrong = await operator.post(`${page}/rename`, { confirm: 'neu <b>', password: 'typed 🐘' });
  expect([wrong.status, wrong.html.includes('id="field-confirm-error"')]).toEqual([422, true]);
  expect(wrong.html).not.toContain('typed 🐘');
  // A word that leads to the field, in what is said above the form.
  expect(wrong.html).toMatch(/<a href="#field-confirm">Confirm<\/a>: /);
  const begun = await operator.post(`${page}/rename`, { confirm: NAME, safetyAsked: 'true' });
  const id = begun.location?.split('/').at(-1) ?? '';
  const row = await db.selectFrom('restores').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  expect(row).toMatchObject({
    in_place: 1,
    safety_backup_id: null,
    kept_name: expect.stringMatching(/_before_/),
  });
  expect(JSON.parse(row.load_options ?? '')).toEqual({
    adopts: { restoreId: 'beside', name: 'neu <b>', id: '4711' },
  });
  expect((await operator.get(page)).html).toContain(
    `was asked to <a href="/restores/${id}">take the place</a>`,
  );
  const waiting = (await operator.get(`/restores/${id}`)).html;
  expect(waiting).toMatch(/Look.*Take.*Swap/s);
  expect(waiting).not.toContain('Compare');
  const drop = await operator.post(`${page}/drop`, { confirm: 'neu <b>' });
  expect(drop.html).toContain('is to take the place of its database');
  await operator.post(`/restores/${id}/cancel`, {});
  const cancelled = (await operator.get(`/restores/${id}`)).html;
  expect(cancelled).toMatch(/href="\/restores\/beside\/rename">\s*Try again/);
  expect(cancelled).toContain(`<a href="${page}">neu &lt;b&gt;</a>`);
  await write(db, (trx) => markKept(trx, id));
  const after = (await operator.get(page)).html;
  expect(after).toContain(`has <a href="/restores/${id}">taken the place</a>`);
  expect(after).not.toMatch(/\/drop"|\/rename"/);
  const again = await operator.get(`${page}/rename`);
  expect(again.html).toContain('has taken the place of its database already');
  expect(again.html).toMatch(/<button[^>]*disabled[^>]*>\s*Rename into place/);
});

it('shows what is kept, which only its own name drops', async () => {
  const database = await operator.get(`/databases/${databaseId}`);
  expect(database.html).toContain('<a href="/restores/kept">shop &lt;b&gt; &quot;ü&quot;_before_');
  // Nothing leads to it any more once its database is deleted, and operators can't drop it then.
  const asked = await operator.get(`/databases/${databaseId}/settings?delete`);
  expect(asked.html).toMatch(/only admins drop it then:[^.]*<a href="\/restores\/kept">shop &lt;b&gt;/);
  const { html } = await operator.get('/restores/kept');
  expect(html).toContain('is kept as');
  expect(html).toContain('action="/restores/kept/drop-kept"');
  expect(html).toMatch(/It is the only copy:\s+no safety backup was made before[\s\S]*name="isOnlyCopy"/);
  expect(html).not.toContain('name="mayBeGone"');
  const { db } = pages.services;
  const ofRestore = db.updateTable('restores').where('id', '=', 'kept');
  await ofRestore.set({ safety_backup_id: backupId }).execute();
  const saved = (await operator.get('/restores/kept')).html;
  expect(saved).toContain('what was written after that, until the swap, is nowhere else');
  expect(saved).not.toContain('name="isOnlyCopy"');
  expect((await viewer.get('/restores/kept')).html).not.toContain('drop-kept');
  expect((await viewer.post('/restores/kept/drop-kept', { confirm: KEPT })).status).toBe(403);
  const wrong = await operator.post('/restores/kept/drop-kept', { confirm: 'shop <b> "ü"' });
  expect(wrong).toMatchObject({ status: 422, html: expect.stringContaining('id="field-confirm-error"') });
  expect(wrong.html).toMatch(/<li><a href="#field-confirm">Confirm<\/a>: [^<]+<\/li>/);
  const row = await db.selectFrom('restores').selectAll().where('id', '=', 'kept').executeTakeFirstOrThrow();
  expect(row.kept_state).toBe('kept');
});
