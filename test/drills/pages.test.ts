import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/ids.ts';
import { openPages, type Pages, type Visitor } from '../http/ui/pages.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';

const NAME = `it's "größe" <script> 🐘`;

let pages: Pages;
let admin: Visitor;
let operator: Visitor;
let viewer: Visitor;
let backupId: string;
let databaseId: string;
let serverId: string;

beforeAll(async () => {
  pages = await openPages();
  const { db } = pages.services;
  const at = new Date();
  const backup = await insertBackup(db, at, {
    ...{ status: 'completed', outcome: 'completed', size: 5, bytes_stored: 5, format: 'plain' },
    ...{ verification: 'drill', restored_proven_at: at.toISOString(), restored_ms: 95_000 },
    ...{ storage_type: 'local', completed_at: at.toISOString() },
  });
  [backupId, databaseId] = [backup.id, backup.database_id];
  await db.updateTable('databases').set({ name: NAME }).where('id', '=', databaseId).execute();
  [admin, operator, viewer] = await Promise.all([
    pages.signedIn('admin'),
    pages.signedIn('operator'),
    pages.signedIn('viewer'),
  ]);
  serverId = newId();
  const { environment_id } = await db.selectFrom('databases').selectAll().executeTakeFirstOrThrow();
  const base = { created_at: at.toISOString(), updated_at: at.toISOString() };
  await db
    .insertInto('servers')
    .values({ id: serverId, environment_id, name: 'drills <1>', hostname: 'h', tags: '[]', ...base } as never)
    .execute();
  const proven = { proven_at: at.toISOString(), proven_backup_id: backupId, restore_ms: 95_000, bytes: 2048 };
  await db
    .insertInto('drill_states')
    .values({ database_id: databaseId, ...proven })
    .execute();
});
afterAll(() => pages.close());

const path = (rest = '') => `/databases/${databaseId}${rest}`;

async function addDrill(values: object, hasRestore = true): Promise<string> {
  const { db } = pages.services;
  const id = newId();
  const at = new Date().toISOString();
  await db
    .insertInto('drills')
    .values({ id, database_id: databaseId, backup_id: backupId, created_at: at, ended_at: at, ...values })
    .execute();
  if (!hasRestore) return id;
  const of = { id, backup_id: backupId, database_id: databaseId, is_drill: 1 } as const;
  await db
    .insertInto('restores')
    .values(restoreRow({ ...of, engine: 'sqlite', new_name: '/x/bp_drill_1', state: 'removed' }))
    .execute();
  await db
    .insertInto('runs')
    .values({
      ...{ id, kind: 'drill', subject_id: backupId, server_id: null, lane: `drill:${databaseId}` },
      ...{ state: 'completed', progress: 100, attempts: 1, in_repair: 0, created_at: at, ended_at: at },
    })
    .execute();
  return id;
}

describe('drills on pages', () => {
  it('are offered on the page of the backup, which says what they proved', async () => {
    const { html } = await operator.get(`/backups/${backupId}`);
    expect(html).toContain(`action="/backups/${backupId}/drill"`);
    expect(html).toMatch(/Restored in 1 min 35 s/);
    expect(html).toContain('restored');
    expect((await viewer.get(`/backups/${backupId}`)).html).not.toContain('/drill"');
    expect((await viewer.post(`/backups/${backupId}/drill`, {})).status).toBe(403);
    const asked = await operator.post(`/backups/${backupId}/drill`, {});
    expect(asked.status).toBe(303);
    const run = await viewer.get(asked.location ?? '');
    expect(run.html).toContain('Drill of it&#39;s &quot;größe&quot; &lt;script&gt;');
    const cancelled = await operator.post(`${asked.location}/cancel`, {});
    expect(cancelled.status).toBe(303);
    expect((await viewer.get(asked.location ?? '')).html).toContain('It was cancelled');
  });

  it('that are asked for while one waits or runs lead to the page of what waits, which says so', async () => {
    const { db } = pages.services;
    const ask = () => operator.post(`/backups/${backupId}/drill`, {});
    const first = await ask();
    const again = await ask();
    expect([again.status, again.location]).toEqual([303, first.location]);
    const shown = (await operator.get(again.location ?? '')).html;
    expect(shown).toMatch(/notice-info" role="status">A drill of this database has been asked for already/);
    expect(shown).toContain('Waits for its turn.');
    const runId = first.location?.split('/').at(-1) ?? '';
    await db.updateTable('runs').set({ state: 'running' }).where('id', '=', runId).execute();
    // As after a clock was set back: what waits is known by its state alone.
    const later = new Date(Date.now() + 3_600_000).toISOString();
    await db.updateTable('drills').set({ created_at: later }).where('id', '=', runId).execute();
    const next = await ask();
    expect(next.location).not.toBe(first.location);
    expect((await operator.get(next.location ?? '')).html).toContain(
      'Another one of this database is under way',
    );
    expect((await ask()).location).toBe(next.location);
    const other = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
    const { id, ...rest } = { ...other, database_id: databaseId };
    await db.updateTable('backups').set(rest).where('id', '=', id).execute();
    const ofOther = await operator.post(`/backups/${id}/drill`, {});
    expect(ofOther.location).toBe(next.location);
    expect((await operator.get(ofOther.location ?? '')).html).toMatch(
      /notice-warning" role="[a-z]+">A drill of another backup of this database waits already/,
    );
    await db.deleteFrom('backups').where('id', '=', id).execute();
    const urlIn = (html: string) =>
      /id="drills-under-way"[^>]* hx-get="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const lists = ['/drills', `/databases/${databaseId}/drills`];
    const urls = await Promise.all(lists.map(async (path) => urlIn((await operator.get(path)).html)));
    for (const url of urls) {
      const same = await operator.get(url);
      expect([same.headers.get('hx-trigger'), urlIn(same.html)]).toEqual([null, url]);
      expect(same.html).toContain('2 drills are under way.');
    }
    expect(urlIn((await operator.get('/drills/running?database=another')).html)).toBe('');
    expect((await operator.post(`${next.location}/cancel`, {})).status).toBe(303);
    for (const url of urls) {
      const { headers, html } = await operator.get(url);
      expect([headers.get('hx-trigger'), html.includes('A drill is under way.')]).toEqual([
        'backups-changed',
        true,
      ]);
      await db.updateTable('runs').set({ state: 'failed' }).where('id', '=', runId).execute();
      const ended = await operator.get(urlIn(html));
      expect([ended.headers.get('hx-trigger'), urlIn(ended.html)]).toEqual(['backups-changed', '']);
      expect(ended.html).toContain('No drill is under way any more');
      await db.updateTable('runs').set({ state: 'running' }).where('id', '=', runId).execute();
    }
    for (const path of lists) {
      expect((await operator.get(path)).html).toMatch(
        /id="(drills|database-drills)" hx-get="[^"]+" hx-trigger="backups-changed from:body"/,
      );
    }
    await db.deleteFrom('runs').where('id', '=', runId).execute();
    await db.deleteFrom('drills').where('id', '=', runId).execute();
    await db.updateTable('backups').set({ status: 'failed' }).where('id', '=', backupId).execute();
    const refused = await ask();
    expect([refused.status, refused.html]).toEqual([409, expect.stringContaining('it is failed')]);
    await db.updateTable('backups').set({ status: 'completed' }).where('id', '=', backupId).execute();
  });

  it('are told on the page of the database: when it was last proven, how long it took, and every one', async () => {
    const proven = await addDrill({ outcome: 'proven', restore_ms: 95_000, bytes: 2048 });
    await addDrill(
      {
        ...{ outcome: 'skipped', due_at: new Date().toISOString(), backup_id: null },
        says: 'A blackout of the server, 04:00 to 06:00: <b>load</b>',
      },
      false,
    );
    const overview = (await viewer.get(path())).html;
    expect(overview).toContain('Last proven restorable');
    expect(overview).toMatch(/2(\.0)? KiB in 1 min 35 s/);
    const { status, html } = await viewer.get(path('/drills'));
    expect(status).toBe(200);
    expect(html).toContain(`href="/restores/${proven}"`);
    expect(html).toContain('&lt;b&gt;load&lt;/b&gt;');
    expect(html).not.toContain('<b>load</b>');
    expect(html).not.toContain('Drill the newest good backup');
    expect((await operator.get(path('/drills'))).html).toContain(`action="/backups/${backupId}/drill"`);
    expect((await viewer.get(`/restores/${proven}`)).html).toContain('It can be restored');
  });

  it('that failed need attention on the overview, with their class', async () => {
    const says = 'The server lacks <plpython3u>. Install what is missing there.';
    const failed = await addDrill({ outcome: 'failed', failure: 'extension', says });
    const { db } = pages.services;
    expect((await viewer.get('/')).html).not.toContain('drill failed');
    await db
      .updateTable('drill_states')
      .set({ failed_at: new Date().toISOString(), failed_drill_id: failed, failure: 'extension', says })
      .execute();
    const { html } = await viewer.get('/');
    expect(html).toContain('drill failed');
    expect(html).toContain('the server lacks an extension. The server lacks &lt;plpython3u&gt;');
    expect(html).toContain(`href="${path('/drills')}"`);
    expect((await viewer.get(path())).html).toContain('the server lacks an extension');
    const page = (await viewer.get(`/restores/${failed}`)).html;
    expect(page).toContain('says nothing against the backup');
  });

  it('are scheduled beside the backups; where they are made is for admins to say', async () => {
    const form = { cronExpression: '0 2 * * *', enabled: 'true', drillCron: '0 5 * * SUN', retries: '0' };
    const saved = await operator.post(path('/schedule'), form);
    expect(saved.status).toBe(303);
    expect((await operator.get(path('/schedule'))).html).not.toContain('name="drillServerId"');
    const refused = await operator.post(path('/schedule'), { ...form, drillServerId: serverId });
    expect(refused.status).toBe(403);
    const wrong = await admin.post(path('/schedule'), { ...form, drillServerId: 'nobody', drillCron: 'x' });
    expect(wrong.status).toBe(422);
    const place = { drillServerId: serverId, drillFolder: '/var/drills ü', verifyEveryDays: '30' };
    expect((await admin.post(path('/schedule'), { ...form, ...place })).status).toBe(303);
    const { html } = await admin.get(path('/schedule'));
    expect(html).toContain('drills &lt;1&gt;');
    expect(html).toContain('value="/var/drills ü"');
    expect(html).toContain('value="30"');
    // What an operator has no field for stays.
    expect((await operator.post(path('/schedule'), { ...form, verifyEveryDays: '' })).status).toBe(303);
    const row = await pages.services.db.selectFrom('schedules').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({
      ...{ drill_cron: '0 5 * * SUN', drill_server_id: serverId, drill_folder: '/var/drills ü' },
      verify_every_days: null,
    });
    expect((await viewer.get(path('/drills'))).html).toContain('drills &lt;1&gt;');
  });
});

describe('logins for restores on pages', () => {
  const page = () => `/servers/${serverId}/restore-logins`;

  it('are linked from the page of the server, stored by admins, and never shown', async () => {
    expect((await operator.get(`/servers/${serverId}`)).html).toContain(`href="${page()}"`);
    expect((await viewer.get(page())).status).toBe(403);
    expect((await operator.get(page())).html).not.toContain('name="password"');
    const form = { engine: 'postgres', username: 'wieder "ü" <b>', password: 'typed for restores 😀' };
    expect((await operator.post(page(), form)).status).toBe(403);
    const refused = await admin.post(page(), { ...form, engine: 'sqlite' });
    expect([refused.status, refused.html]).toEqual([422, expect.stringContaining('has no users')]);
    expect(refused.html).not.toContain('typed for restores');
    expect((await admin.post(page(), form)).status).toBe(303);
    const { html } = await operator.get(page());
    expect(html).toContain('wieder &quot;ü&quot; &lt;b&gt;');
    expect(html).not.toContain('typed for restores');
    await pages.services.db.updateTable('servers').set({ ssh_port: 2200 }).execute();
    expect((await operator.get(page())).html).toContain('A stored login is not sent');
    expect((await operator.get(`${page()}?forget=postgres`)).html).not.toContain('Forget login');
    const asked = (await admin.get(`${page()}?forget=postgres`)).html;
    expect(asked).toContain(`action="${page()}/delete"`);
    expect(asked).toContain('<input type="hidden" name="engine" value="postgres"/>');
    expect(asked).toContain('Forget the login for restores of PostgreSQL?');
    expect((await admin.post(`${page()}/delete`, { engine: 'postgres' })).status).toBe(303);
    expect((await operator.get(page())).html).toContain('None is stored');
  });
});
