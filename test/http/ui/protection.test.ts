import { afterAll, beforeAll, expect, it } from 'vitest';
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
    list.split('<tr>').find((row) => row.includes(`<a href="/databases/${id}">`)) ?? '';
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
  expect(await bannerOf(late)).toMatch(/^Not safe: .* and one should be no older than 26 hours\. $/);
  expect(await bannerOf(failing)).toMatch(
    /^Failing: It failed 2 times in a row, first .*: Größe &lt;b&gt;„x“&lt;\/b&gt; 🐘\. .* Without a new one the database is late in .*\.$/,
  );
  expect(await bannerOf(never)).toMatch(
    /^Not safe: there is no good backup yet\. The last run failed (?!on).*: Größe /,
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

  const changedAt = new Date(Date.now() + HOUR_MS).toISOString();
  await services.db.updateTable('databases').set({ updated_at: changedAt }).execute();
  expect(await bannerOf(never)).toMatch(/ago, before its settings were changed: Größe /);
  expect(await bannerOf(failing)).toMatch(/ago, each time before its settings were changed: Größe /);
});
