import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { repairCounts } from '../../../src/backups/repair-counts.ts';
import type { BackupRow } from '../../../src/db/schema.ts';
import { newId } from '../../../src/ids.ts';
import { pauseDatabase } from '../../../src/schedules/change-times.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NAME = `shop "ü" + <script>alert(1)</script> 🐘 ${'x'.repeat(60)}`;
const DAY_MS = 86_400_000;

const NONE_LEFT = `After that, shop &quot;ü&quot; + &lt;script&gt;alert(1)&lt;/script&gt; 🐘 ${'x'.repeat(60)} has no good backup at all.`;

let pages: Pages;
let operator: Visitor;
let viewer: Visitor;
let databaseId: string;

beforeAll(async () => {
  pages = await openPages();
  [operator, viewer] = [await pages.signedIn('operator'), await pages.signedIn('viewer')];
});
afterAll(() => pages.close());
beforeEach(async () => {
  databaseId = '';
  const first = await insert(2 * DAY_MS, { status: 'completed', outcome: 'completed', size: 1000 });
  databaseId = first.database_id;
  await pages.services.db.updateTable('databases').set({ name: NAME }).where('id', '=', databaseId).execute();
});

const error = (message: string) => JSON.stringify({ message, step: 'dump', code: 'dump_failed' });

function insert(agoMs: number, change: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow>) {
  return insertBackup(pages.services.db, new Date(Date.now() - agoMs), {
    ...{ token: newId(), duration: 5 },
    ...(databaseId === '' ? {} : { database_id: databaseId }),
    ...change,
  });
}

const fail = (agoMs: number, message: string) =>
  insert(agoMs, { status: 'failed', outcome: 'failed', error: error(message) });
const page = (query = '') => viewer.get(`/databases/${databaseId}${query}`);
const rowsIn = (html: string): number =>
  [...html.matchAll(/<th scope="row"><a href="\/backups\/\w+"><time/g)].length;

describe('the page of a database', () => {
  it('keeps for ever what is ticked, of this database and of none that is gone', async () => {
    const { db } = pages.services;
    const ticked = await insert(DAY_MS, { status: 'completed', outcome: 'completed', size: 10 });
    const kept = await insert(100, { status: 'completed', outcome: 'completed', is_pinned: 1 });
    const foreign = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
    const to = `/databases/${databaseId}/backups/pin`;
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain(`formaction="${to}"`);
    const all = `select=${ticked.id}&select=${kept.id}&select=${foreign.id}&select=x&select=${ticked.id}`;
    expect((await viewer.post(to, all)).status).toBe(403);
    expect((await operator.post(to, all)).location).toBe(`/databases/${databaseId}`);
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain('2 backups are kept for ever');
    const pinned = await db.selectFrom('backups').select(['id', 'is_pinned']).execute();
    const isPinned = new Map(pinned.map((row) => [row.id, row.is_pinned]));
    expect([ticked, kept, foreign].map(({ id }) => isPinned.get(id))).toEqual([1, 1, 0]);
    await operator.post(to, '');
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain('Nothing was selected');
  });

  it('tells beside a size how far it is from the usual ones', async () => {
    for (let hours = 40; hours > 30; hours -= 1) {
      await insert(hours * 3_600_000, { status: 'completed', outcome: 'completed', size: 1000 });
    }
    await insert(1000, { status: 'completed', outcome: 'completed', size: 400 });
    const { html } = await page();
    expect(html.match(/60 % smaller than the median of the ten before it/g)).toHaveLength(1);
    expect(html).toContain(' −60 %');
  });

  it('has no green for a backup that was found to be damaged, nor have the overview and the runs: its word, and why', async () => {
    const damage = 'Its SHA-256 is another than that of "größe" <b>';
    const damaged = await insert(100, {
      ...{ status: 'completed', outcome: 'completed', size: 10 },
      ...{
        verification: 'failed',
        verification_error: `${damage}\nand more`,
        verified_at: new Date().toISOString(),
      },
    });
    await repairCounts(pages.services);
    const badge = '<span class="badge badge-error">not readable</span>';
    const shown = damage.replaceAll('"', '&quot;').replaceAll('<b>', '&lt;b&gt;');
    const rowIn = async (path: string, row: RegExp) => {
      const { html } = await viewer.get(path);
      const found = [...html.matchAll(row)].map(([text]) => text).filter((text) => text.includes(badge));
      expect([path, found.length]).toEqual([path, 1]);
      expect(found[0]).not.toMatch(/badge-success|>good<|completed</);
      return found[0] ?? '';
    };
    const row = /<tr[ >](?:(?!<tr[ >]).)*<\/tr>/gs;
    expect(await rowIn(`/databases/${databaseId}`, row)).toContain(damaged.id);
    expect(await rowIn('/runs', row)).toContain(shown);
    await rowIn(`/runs/${damaged.id}/log`, /<div class="heading">.*?<\/div>/gs);
    await rowIn('/', /<li[ >](?:(?!<li[ >]).)*<\/li>/gs);
  });

  it('lists by result and by day, and takes a filter that there is not for none', async () => {
    await fail(DAY_MS, 'a');
    await insert(DAY_MS, { status: 'failed', outcome: 'cancelled' });
    await insert(100, { status: 'completed', outcome: 'completed', is_pinned: 1 });
    const day = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10);
    const found = async (query: string) => rowsIn((await page(query)).html);
    expect(await found('')).toBe(4);
    expect(await found('?result=good')).toBe(2);
    expect(await found('?result=failed')).toBe(1);
    expect(await found('?result=pinned')).toBe(1);
    expect(await found(`?day=${day}`)).toBe(1);
    expect(await found(`?day=${day}&result=failed`)).toBe(0);
    for (const query of [
      '?result=ü"<script>',
      '?day=2026-02-30',
      '?day=0',
      '?offset=-1',
      '?offset=99999999999',
      '?each=',
    ]) {
      const { status, html } = await page(query);
      expect([query, status]).toEqual([query, 200]);
      expect(html).not.toContain('<script>alert');
    }
    const { html } = await page();
    expect(html).toMatch(
      /All<span class="chip-count"> 4<.*Completed<span class="chip-count"> 2<.*Failed<span class="chip-count"> 1</s,
    );
  });

  it('folds failures in a row that say the same, and shows each where that is asked for', async () => {
    for (const ago of [5000, 4000, 3000]) await fail(ago, 'Größe <b>');
    const { html } = await page();
    expect(rowsIn(html)).toBe(2);
    expect(html).toMatch(/3 times in a row, first <time/);
    expect([...html.matchAll(/Größe &lt;b&gt;/g)].length).toBeLessThanOrEqual(2);
    expect(rowsIn((await page('?each=1')).html)).toBe(4);
  });

  it('selects all of a folded line, and all of the page by a link', async () => {
    const failed = [];
    for (const ago of [5000, 4000, 3000]) failed.unshift((await fail(ago, 'Größe <b>')).id);
    const { html } = await operator.get(`/databases/${databaseId}`);
    expect(html).toMatch(
      new RegExp(`name="select" value="${failed.join()}" aria-label="Select 3 up to [^"]+"`),
    );
    expect(html).not.toMatch(/name="select"[^>]*checked/);
    expect(html).toContain(`href="/databases/${databaseId}?all=1#backup-list">Select all 4 on this page<`);
    const all = (await operator.get(`/databases/${databaseId}?all=1`)).html;
    expect([...all.matchAll(/name="select"[^>]* checked/g)]).toHaveLength(2);
    expect(all).toContain('>Select none<');
    const asked = await operator.get(`/databases/${databaseId}?ask=delete&select=${failed.join()}`);
    expect(asked.html).toContain('Delete 3 backups?');
    const ids = [...asked.html.matchAll(/name="id" value="(\w+)"/g)].map(([, id]) => `id=${id}`);
    await operator.post(`/databases/${databaseId}/backups/delete`, ids.join('&'));
    expect(rowsIn((await page()).html)).toBe(1);
  });

  it('says before it deletes what is ticked that no good backup is left then, and only then', async () => {
    const good = { status: 'completed', outcome: 'completed', size: 5 } as const;
    const newest = await insert(DAY_MS, good);
    const damaged = await insert(4000, { ...good, verification: 'failed' });
    const failed = await fail(3000, 'a');
    await repairCounts(pages.services);
    const { db } = pages.services;
    const rows = await db.selectFrom('backups').select('id').where('database_id', '=', databaseId).execute();
    const oldest = rows.find(({ id }) => ![newest.id, damaged.id, failed.id].includes(id))?.id ?? '';
    const asks = async (ids: readonly string[]) => {
      const selected = ids.map((id) => `&select=${id}`).join('');
      const { html } = await operator.get(`/databases/${databaseId}?ask=delete${selected}`);
      return [html.includes(NONE_LEFT), html.includes('The newest good one that there is goes with them.')];
    };
    expect(await asks([oldest, newest.id])).toEqual([true, false]);
    expect(await asks([failed.id, oldest, newest.id, damaged.id])).toEqual([true, false]);
    expect(await asks([newest.id, damaged.id, failed.id])).toEqual([false, true]);
    expect(await asks([oldest])).toEqual([false, false]);
    // What had none before loses none.
    await operator.post(`/databases/${databaseId}/backups/delete`, `id=${oldest}&id=${newest.id}`);
    expect(await asks([failed.id, damaged.id])).toEqual([false, false]);
  });

  it('says that nothing was ticked, and keeps the list as it was', async () => {
    await fail(5000, 'a');
    const path = `/databases/${databaseId}`;
    const nothing = await operator.get(`${path}?result=failed&ask=delete`);
    expect([nothing.status, nothing.location]).toEqual([303, `${path}?result=failed`]);
    expect((await operator.get(`${path}?result=failed`)).html).toContain('Nothing was selected');
    const kept = await operator.post(`${path}/backups/pin`, 'result=failed&each=1&offset=x');
    expect(kept.location).toBe(`${path}?result=failed&each=1`);
    expect((await viewer.get(`${path}?ask=delete`)).status).toBe(200);
  });

  it('reads in full what is ticked, of this database, and says where there is nothing to read', async () => {
    const { db } = pages.services;
    const good = await insert(100, { status: 'completed', outcome: 'completed', size: 5 });
    const bad = await fail(50, 'a');
    const foreign = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
    for (const { id } of [good, foreign]) {
      const place = { endpoint: 'host:local', region: null, bucket: '', key: `/x/${id}` };
      await db
        .insertInto('backup_objects')
        .values({ ...{ id: newId(), backup_id: id, kind: 'dump', number: 0, bytes: 5 }, ...place })
        .execute();
    }
    const to = `/databases/${databaseId}/backups/read`;
    const form = `select=${good.id}&select=${bad.id}&select=${foreign.id}&select=x`;
    expect((await viewer.post(to, form)).status).toBe(403);
    await operator.post(to, form);
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain('1 backup is read in full');
    const subjects = await db
      .selectFrom('runs')
      .select('subject_id')
      .where('kind', '=', 'verification')
      .where('subject_id', 'in', [good.id, bad.id, foreign.id])
      .execute();
    expect(subjects).toEqual([{ subject_id: good.id }]);
    await operator.post(to, `select=${bad.id}`);
    expect((await operator.get(`/databases/${databaseId}`)).html).toContain(
      'None of the selected can be read',
    );
  });

  it('deletes all that failed until it was asked, but for what is kept for ever', async () => {
    const path = `/databases/${databaseId}`;
    for (const ago of [5000, 4000]) await fail(ago, `${ago}`);
    const pinned = await insert(3000, { status: 'failed', outcome: 'failed', is_pinned: 1 });
    expect((await operator.get(path)).html).not.toContain('delete-failed');
    const { html } = await operator.get(`${path}?result=failed`);
    expect(html).toContain(`href="${path}?result=failed&amp;ask=delete-failed"`);
    const asked = (await operator.get(`${path}?result=failed&ask=delete-failed`)).html;
    expect(asked).toContain('Delete 2 failed backups?');
    const [, through = ''] = /name="through" value="([^"]+)"/.exec(asked) ?? [];
    const later = await insertBackup(pages.services.db, new Date(Date.now() + 60_000), {
      ...{ status: 'failed', outcome: 'failed', database_id: databaseId },
    });
    // It ran while the question was read.
    const ran = await insert(2000, {
      ...{ status: 'failed', outcome: 'failed' },
      completed_at: new Date(Date.now() + 60_000).toISOString(),
    });
    const to = `${path}/backups/delete-failed`;
    expect((await viewer.post(to, { through })).status).toBe(403);
    for (const odd of ['', 'now', '2026-13-45T00:00:00.000Z ', "' or 1=1"]) {
      expect([odd, (await operator.post(to, { through: odd })).status]).toEqual([odd, 400]);
    }
    await operator.post(to, { through });
    expect((await operator.get(path)).html).toContain('2 backups are deleted.');
    const left = await pages.services.db
      .selectFrom('backups')
      .select('id')
      .where('database_id', '=', databaseId)
      .where('deleted_at', 'is', null)
      .where('outcome', '=', 'failed')
      .orderBy('created_at')
      .execute();
    expect(left.map(({ id }) => id)).toEqual([pinned.id, ran.id, later.id]);
  });

  it('leads to a day by a field, for whom the cells of the calendar are out of reach', async () => {
    const { html } = await page('?result=good&day=2026-03-04');
    expect(html).toMatch(/<input type="hidden" name="result" value="good"\/?>/);
    expect(html).toMatch(/<input type="date" name="day" value="2026-03-04" max="\d{4}-\d\d-\d\d"/);
  });

  it('has figures: the last good one, the share of 30 days, the calendar whose cells lead to a day', async () => {
    await fail(DAY_MS, 'a');
    await repairCounts(pages.services);
    const { html } = await page();
    expect(html).toMatch(/Success, 30 days<\/span><strong class="tile-figure">1 \/ 2</);
    expect(html).toContain('good ones of those that ended');
    const day = new Date(Date.now() - DAY_MS).toISOString().slice(0, 10);
    expect(html).toMatch(new RegExp(`<a href="\\?day=${day}" tabindex="-1" aria-label="[^"]*: 1 failed"`));
    for (const days of [3, 4]) await insert(days * DAY_MS, { status: 'completed', outcome: 'completed' });
    const figures = (await viewer.get(`/databases/${databaseId}/figures`)).html;
    expect(figures).toContain('id="figures"');
    expect(figures).toContain('a good one usually takes 5 s');
  });

  it('calls late by the schedule, as the state does: no day between two of a weekly one', async () => {
    await insert(9 * DAY_MS, { status: 'completed', outcome: 'completed' });
    await repairCounts(pages.services);
    const lateDays = async () =>
      Number(/(\d+) without one that was due/.exec((await page('/figures')).html)?.[1] ?? 0);
    expect(await lateDays()).toBe(7);
    const form = { cronExpression: '0 2 * * 0', enabled: 'true', retries: '2', retryMinutes: '10' };
    expect((await operator.post(`/databases/${databaseId}/schedule`, form)).status).toBe(303);
    expect(await lateDays()).toBe(0);
    const { html } = await page('/settings');
    expect(html).toContain('170 h, by its schedule (26 h where none says it)');
  });

  it('calls no day late while its schedule is paused, nor does the list: nothing is due', async () => {
    await insert(9 * DAY_MS, { status: 'completed', outcome: 'completed' });
    await repairCounts(pages.services);
    const countIn = (html = '') => Number(/(\d+) without one that was due/.exec(html)?.[1] ?? 0);
    const lateDays = async () => {
      const rows = (await viewer.get('/databases')).html.split('<tr');
      const row = rows.find((one) => one.includes(`<a href="/databases/${databaseId}">`));
      return [countIn((await page('/figures')).html), countIn(row)];
    };
    const path = `/databases/${databaseId}/schedule`;
    const form = { cronExpression: '0 2 * * *', enabled: 'true', retries: '2', retryMinutes: '10' };
    expect((await operator.post(path, form)).status).toBe(303);
    expect(await lateDays()).toEqual([7, 7]);
    await pauseDatabase(pages.services, { userId: null, address: null }, databaseId, 'moving');
    expect(await lateDays()).toEqual([0, 0]);
  });

  it('stays small with as many rows as it shows and half a year of days', async () => {
    for (let day = 0; day < 180; day += 1) {
      if (day % 4 === 0) await fail(day * DAY_MS, `pg_dump: error: ${day} ${'Größe '.repeat(20)}`);
      else await insert(day * DAY_MS, { status: 'completed', outcome: 'completed', size: 1e9 + day });
    }
    await repairCounts(pages.services);
    const { html } = await operator.get(`/databases/${databaseId}`);
    expect(rowsIn(html)).toBe(25);
    // In the first days of January, when each row says its year, it is larger than on any other day.
    const JANUARY = 700;
    expect(html.length).toBeLessThanOrEqual(60 * 1024 - JANUARY);
    expect([...html.matchAll(/<[a-z]/g)].length).toBeLessThanOrEqual(1500);
  });

  it('says what came of asking twice', async () => {
    const ask = async () => {
      await operator.post(`/databases/${databaseId}/backups`);
      return (await operator.get(`/databases/${databaseId}`)).html;
    };
    expect(await ask()).toContain('The backup has been asked for.');
    expect(await ask()).toContain('One waits already: it begins when its turn comes.');
    await insert(10, { status: 'in_progress', outcome: null });
    expect(await ask()).toContain('One is running and one waits already.');
  });

  it('tells what became of a run in the place of what was asked for', async () => {
    const done = await insert(10, {
      status: 'completed',
      outcome: 'completed',
      size: 61_089_068,
      duration: 4,
    });
    const foreign = await insertBackup(pages.services.db, new Date(), {
      status: 'completed',
      outcome: 'completed',
    });
    const path = `/databases/${databaseId}/runs?shown=${done.id},${foreign.id},nothing,%3Cb%3E`;
    const { html, headers } = await viewer.get(path);
    expect(headers.get('hx-trigger')).toBe('backups-changed');
    expect(html).toContain('Backed up and read back: 58.3 MiB in 4 s.');
    expect(html).toMatch(/role="status" id="live-runs-status">Backed up and read back: 58\.3 MiB in 4 s\.</);
    expect(html).toContain('<div id="flash" hx-swap-oob="delete">');
    expect(html).not.toContain(foreign.id);
    expect(html).toContain(`ended=${done.id}"`);
    const again = await viewer.get(`/databases/${databaseId}/runs?shown=&ended=${done.id}`);
    expect(again.headers.get('hx-trigger')).toBeNull();
    expect(again.html).toContain('Backed up and read back');
    const failed = await fail(5, 'Größe <b>');
    expect((await viewer.get(`/databases/${databaseId}/runs?shown=${failed.id}`)).html).toContain(
      'The backup failed in 5 s: Größe &lt;b&gt;',
    );
  });
});

describe('deleting from the page of a database', () => {
  it('asks once for the backups that were ticked, and deletes those that are its own', async () => {
    const second = await insert(50, { status: 'completed', outcome: 'completed', size: 24, is_pinned: 1 });
    const foreign = await insertBackup(pages.services.db, new Date(), {
      status: 'completed',
      outcome: 'completed',
    });
    const path = `/databases/${databaseId}`;
    const query = `?select=${second.id}&select=${foreign.id}&select=x`;
    const { html } = await operator.get(path + query);
    expect(html).toContain('Delete 1 backup?');
    expect(html).toContain(
      '24 B and their stored files are deleted for good. 1 of them were to be kept for ever.',
    );
    expect(html).toContain(`<input type="hidden" name="id" value="${second.id}"`);
    expect((await viewer.get(path + query)).html).not.toContain('Delete 1 backup?');
    expect((await viewer.post(`${path}/backups/delete`, `id=${second.id}`)).status).toBe(403);
    await operator.post(`${path}/backups/delete`, `id=${second.id}&id=${foreign.id}&id=x`);
    const after = (await operator.get(path)).html;
    expect(after).toContain('1 backup is deleted.');
    expect(rowsIn(after)).toBe(1);
    const left = await pages.services.db
      .selectFrom('backups')
      .select('deleted_at')
      .where('id', '=', foreign.id)
      .executeTakeFirstOrThrow();
    expect(left.deleted_at).toBeNull();
  });

  it('offers to delete it with its backups or to forget it, and wants its name for either', async () => {
    await repairCounts(pages.services);
    const path = `/databases/${databaseId}`;
    const asked = await operator.get(`${path}/settings?delete`);
    expect(asked.html).toContain('Delete it and its 1 backup (0 B)');
    expect(asked.html).toContain('Forget it, keep the files where they are');
    const refused = await operator.post(`${path}/delete`, { files: 'delete', name: 'shop' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('That is not the name of the database.');
    expect(refused.html).toContain('<dialog id="question" open');
    for (const form of ['', `files=x&name=${encodeURIComponent(NAME)}`, `name=${encodeURIComponent(NAME)}`]) {
      expect((await operator.post(`${path}/delete`, form)).status).toBe(422);
    }
    await insert(5, { status: 'in_progress', outcome: null });
    expect((await operator.get(`${path}/settings?delete`)).html).toContain('A backup runs');
    const running = await operator.post(`${path}/delete`, { files: 'keep', name: NAME });
    expect([running.status, running.html.includes('is running. Cancel it')]).toEqual([422, true]);
    await pages.services.db.deleteFrom('backups').where('status', '=', 'in_progress').execute();
    expect((await viewer.post(`${path}/delete`, { files: 'keep', name: NAME })).status).toBe(403);
    // One that turns what follows it is typed as the page shows it.
    const turned = pages.services.db.updateTable('databases').set({ name: `${NAME}\u202Ex` });
    await turned.where('id', '=', databaseId).execute();
    const done = await operator.post(`${path}/delete`, { files: 'keep', name: `${NAME}\uFFFDx` });
    expect(done.location).toBe('/databases');
    expect((await operator.get(path)).status).toBe(404);
    expect((await operator.post(`${path}/delete`, { files: 'keep', name: NAME })).status).toBe(404);
  });
});
