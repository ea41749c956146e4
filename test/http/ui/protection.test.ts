import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordNewest } from '../../../src/backups/newest-backups.ts';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages } from './pages.ts';

const ACTOR = { userId: null, address: null };
const HOUR_MS = 3_600_000;

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages.close());

it('the page and the list of databases say whether each is safe, and why not', async () => {
  const viewer = await pages.signedIn('viewer');
  const { services } = pages;
  const { id: environmentId } = await createEnvironment(services, ACTOR, { name: 'größe 🐘' });
  const backup = async (hours: number, outcome: 'completed' | 'failed', databaseId?: string) => {
    const at = new Date(Date.now() - hours * HOUR_MS);
    const error = JSON.stringify({ message: 'Größe <b>„x“</b> 🐘.', step: 'dump', code: 'dump_failed' });
    const row = await insertBackup(services.db, at, {
      ...{ status: outcome, outcome, started_at: at.toISOString() },
      ...(outcome === 'failed' ? { error } : {}),
      ...(databaseId === undefined ? {} : { database_id: databaseId }),
    });
    await services.db
      .updateTable('databases')
      .set({ environment_id: environmentId, name: row.database_id })
      .where('id', '=', row.database_id)
      .execute();
    return row.database_id;
  };
  const good = await backup(1, 'completed');
  const late = await backup(11 * 24, 'completed');
  const failing = await backup(9, 'completed');
  await backup(8, 'failed', failing);
  await backup(7, 'failed', failing);
  const never = await backup(3, 'failed');

  const { html: list } = await viewer.get(`/databases?environment=${environmentId}`);
  const rowOf = (id: string) =>
    list.split('<tr').find((row) => row.includes(`<a href="/databases/${id}">`)) ?? '';
  expect(rowOf(good)).toContain('badge-success">protected<');
  expect(rowOf(late)).toContain('badge-error">late<');
  expect(rowOf(failing)).toContain('badge-warning">failing<');
  expect(rowOf(never)).toContain('badge-error">never backed up<');

  const bannerOf = async (id: string) => {
    const fragment = (await viewer.get(`/databases/${id}/protection`)).html;
    expect((await viewer.get(`/databases/${id}`)).html).toContain(fragment);
    return fragment.replace(/<[^>]+>/g, '');
  };
  // What is as it should be needs no words.
  expect(await bannerOf(good)).toBe('');
  expect(await bannerOf(late)).toMatch(
    /^Not safe: .* and one should be no older than 26 hours\. Nothing backs it up by itself\.$/,
  );
  expect(await bannerOf(failing)).toMatch(
    /^Failing: It failed 2 times in a row, first .*: Größe &lt;b&gt;„x“&lt;\/b&gt; 🐘\. .* Without a new one the database is late in .*\.$/,
  );
  expect(await bannerOf(never)).toMatch(
    /^Not safe: there is no good backup yet\. The last run failed (?!on).*: Größe /,
  );
  // Of one that was found damaged later no run failed: the banner says so all the same.
  const damaged = await backup(5, 'completed');
  const newest = await services.db
    .updateTable('backups')
    .set({
      ...({ verification: 'failed', verified_at: new Date().toISOString() } as const),
      verification_error: 'Nothing lies at <größe>.',
    })
    .where('database_id', '=', damaged)
    .returning('id')
    .executeTakeFirstOrThrow();
  await write(services.db, (trx) => recordNewest(trx, damaged, new Date()));
  expect(await bannerOf(damaged)).toMatch(
    /^Not safe: there is no good backup\. The newest one was found damaged just now: Nothing lies at &lt;größe&gt;\. Show it\./,
  );
  // What failed before it was over when it was completed.
  await backup(6, 'failed', damaged);
  expect(await bannerOf(damaged)).toMatch(/^Not safe: there is no good backup\. The newest one was found/);
  expect((await viewer.get(`/databases/${damaged}/protection`)).html).toContain(
    `href="/backups/${newest.id}"`,
  );

  const operator = await pages.signedIn('operator');
  const part = await operator.get(`/databases/${good}/protection`, { 'hx-request': 'true' });
  expect(part.html).toMatch(/<span id="database-restore" hx-swap-oob="true"><a [^>]*\/restore">Restore…</);
  const [, count] = /<span id="news-databases"><span class="menu-count">(\d+)/.exec(
    (await operator.get(`/databases/${good}`)).html,
  ) ?? [undefined, 'none on the page'];
  expect(part.html).toContain(`id="news-databases" hx-swap-oob="true"><span class="menu-count">${count}<`);
  expect(part.html).toContain('<span id="news-notifications" hx-swap-oob="true"></span>');
  const seen = await viewer.get(`/databases/${good}/protection`, { 'hx-request': 'true' });
  expect(seen.html).not.toContain('database-restore');

  const buttonsOf = async (id: string) =>
    [...(await operator.get(`/databases/${id}/protection`)).html.matchAll(/<button[^>]*>([^<]+)</g)].map(
      ([, label]) => label,
    );
  expect(await buttonsOf(good)).toEqual([]);
  expect(await buttonsOf(late)).toEqual(['Test connection']);
  expect(await buttonsOf(never)).toEqual(['Retry', 'Test connection']);
  // While the next one waits or goes on it is told why it is not safe, and nobody is to begin anything.
  for (const status of ['pending', 'in_progress'] as const) {
    const live = await insertBackup(services.db, new Date(), { status, outcome: null, database_id: never });
    expect([status, await buttonsOf(never)]).toEqual([status, []]);
    expect(await bannerOf(never)).toMatch(/^Not safe: there is no good backup yet\. The last run failed/);
    expect(await buttonsOf(late)).toEqual(['Test connection']);
    await services.db.deleteFrom('backups').where('id', '=', live.id).execute();
  }

  // What to do about the last failure, with the way there for who may go it.
  const fail = (code: string) =>
    services.db
      .updateTable('backups')
      .set({ error: JSON.stringify({ message: 'Größe <b>„x“</b> 🐘.', step: 'connect', code }) })
      .where('outcome', '=', 'failed')
      .execute();
  await fail('host_timeout');
  const field = `<a href="/databases/${never}/edit#field-giveUpMinutes">Open that field</a>`;
  expect((await operator.get(`/databases/${never}/protection`)).html).toContain(
    `<strong>If the dump needs longer, raise its time limit.</strong> ${field}`,
  );
  expect((await viewer.get(`/databases/${never}/protection`)).html).not.toContain('/edit#');
  await fail('dump_failed');
  const { html: unplanned } = await operator.get(`/databases/${late}/protection`);
  expect(unplanned).toContain(`<a href="/databases/${late}/schedule">give it a schedule</a>`);

  const form = { cronExpression: '0 2 * * *', enabled: 'true', retries: '2', retryMinutes: '10' };
  const pausedReason = 'Umzug „größer“ <b>';
  await operator.post(`/databases/${good}/schedule`, { ...form, pausedReason });
  expect(await bannerOf(good)).toMatch(
    /^Paused just now, “Umzug „größer“ &lt;b&gt;”: its schedule begins nothing until it goes on\. The last good backup began /,
  );
  const resume = `href="/databases/selected/resume?id=${good}&amp;from=page"`;
  expect((await operator.get(`/databases/${good}/protection`)).html).toContain(resume);
  expect((await viewer.get(`/databases/${good}/protection`)).html).not.toContain('/resume');
  expect((await operator.get(`/databases/${good}`)).html).toContain(
    'at 02:00, every day, paused</a> · keeps <a',
  );

  const changedAt = new Date(Date.now() + HOUR_MS).toISOString();
  await services.db.updateTable('databases').set({ updated_at: changedAt }).execute();
  expect(await bannerOf(never)).toMatch(/ago, before its settings were changed: Größe /);
  expect(await bannerOf(failing)).toMatch(/ago, each time before its settings were changed: Größe /);
});

it('says of a database whose backup takes longer than the grace that it is under way, and not that it is late', async () => {
  const operator = await pages.signedIn('operator');
  const { db } = pages.services;
  const before = (hours: number) => new Date(Date.now() - hours * HOUR_MS);
  const good = { status: 'completed', outcome: 'completed', started_at: before(26.5).toISOString() } as const;
  const { database_id: id } = await insertBackup(db, before(26.5), { ...good, duration: 12_000 });
  const begun = { status: 'in_progress', outcome: null, started_at: before(3.2).toISOString() } as const;
  const lease = { claimed_by: 'x', lease_until: before(-1).toISOString() };
  const run = await insertBackup(db, before(3.2), { ...begun, ...lease, database_id: id });

  const words = (await operator.get(`/databases/${id}/protection`)).html.replace(/<[^>]+>/g, '');
  expect(words).toMatch(
    /^A backup is under way since \d\d:\d\d, 3 h 12 min; the one before took 3 h 20 min\. The last good backup began 26 h ago\. Without a new one the database is late in 3 h\./,
  );
  expect((await operator.get(`/databases/${id}`)).html).toContain('badge-success">protected<');
  await db
    .updateTable('runs')
    .set({ lease_until: before(1).toISOString() })
    .where('id', '=', run.id)
    .execute();
  expect((await operator.get(`/databases/${id}/protection`)).html).toContain('Not safe: ');
});
