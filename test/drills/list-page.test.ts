import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from '../http/ui/pages.ts';
import { insertBackup } from '../support/backup-row.ts';

const NAME = `it's "größe" <script> 🐘 ${'x'.repeat(180)}`;

let pages: Pages;
let operator: Visitor;
let viewer: Visitor;
let ids: readonly [first: string, second: string];

beforeAll(async () => {
  pages = await openPages();
  [operator, viewer] = await Promise.all([pages.signedIn('operator'), pages.signedIn('viewer')]);
});
afterAll(() => pages.close());

const rows = (html: string) => html.split('<tbody>')[1]?.split('</tbody>')[0]?.split('<tr>').slice(1) ?? [];

describe('the page of drills', () => {
  it('says what a drill is and where they are scheduled, before there are databases and before there are drills', async () => {
    const nothing = (await viewer.get('/drills')).html;
    expect(nothing).toContain('No databases yet');
    expect(nothing).toContain('A drill restores a backup under a name of its own');
    expect(nothing).not.toContain('href="/databases/new"');
    const { db, now } = pages.services;
    const of = { status: 'completed', outcome: 'completed' } as const;
    const [first, second] = [await insertBackup(db, now(), of), await insertBackup(db, now(), of)];
    ids = [first.database_id, second.database_id];
    await db.updateTable('databases').set({ name: NAME }).where('id', '=', ids[0]).execute();
    const { html } = await operator.get('/drills');
    expect(html).toContain('No backup was restored yet to prove that it comes back');
    expect(html).toContain('href="/schedules/rules/new"');
    expect((await viewer.get('/drills')).html).not.toContain('/schedules/rules/new');
    expect(rows(html)).toHaveLength(2);
    for (const row of rows(html)) expect(row).toContain('not proven yet');
    expect(html).toMatch(/href="\/drills" aria-current="page"/);
  });

  it('leads to the drills of each database and to the run, with names and causes as text', async () => {
    const { db, now } = pages.services;
    const at = now().toISOString();
    const says = '<b>no such role</b>\nand more';
    const failed = { failed_at: at, failed_drill_id: 'gone', failure: 'role', says } as const;
    const proven = {
      proven_at: at,
      proven_backup_id: 'b',
      restore_ms: 95_000,
      bytes: 2048,
      run_at: '2100-01-01',
    };
    await db
      .insertInto('drill_states')
      .values([
        { database_id: ids[0], ...failed },
        { database_id: ids[1], ...proven },
      ])
      .execute();
    const { html } = await viewer.get('/drills');
    expect(html).not.toContain('No backup was restored yet');
    const [first = '', second = ''] = rows(html);
    expect(first).toContain(`href="/databases/${ids[0]}/drills"`);
    expect(first).toContain('it&#39;s &quot;größe&quot; &lt;script&gt; 🐘');
    expect(first).toContain(': a role is missing: &lt;b&gt;no such role&lt;/b&gt;');
    expect(first).toContain('not yet');
    expect(first).toContain(`href="/databases/${ids[0]}/schedule#own"`);
    expect(second).toMatch(/1 min 35 s.*2\.0 KiB/s);
    expect(html).toMatch(/href="\/drills\?state=failed">Failed<span class="chip-count"> 1</);
  });

  it('takes whatever an address says, and keeps the filter and the environment', async () => {
    for (const odd of ['%00', '%E0%A4%A', '__proto__', '-1', '9'.repeat(300), '🐘', "'--", '']) {
      const { status } = await viewer.get(`/drills?state=${odd}&q=${odd}&offset=${odd}&environment=${odd}`);
      expect([odd, status]).toEqual([odd, 200]);
    }
    const { html } = await viewer.get(`/drills?state=failed&q=${encodeURIComponent('"größe" <')}`);
    expect(rows(html)).toHaveLength(1);
    expect(html).toContain('name="state" value="failed"');
    expect(html).toContain('value="&quot;größe&quot; &lt;"');
    expect(html).toContain('href="/drills?q=%22gr%C3%B6%C3%9Fe%22+%3C&amp;state=proven"');
    const { environment_id: environment } = await pages.services.db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', ids[1])
      .executeTakeFirstOrThrow();
    expect(rows((await viewer.get(`/drills?environment=${environment}`)).html)).toHaveLength(1);
    await pages.services.db.updateTable('drill_states').set({ run_at: '2020-01-01' }).execute();
    expect((await viewer.get(`/drills?environment=${environment}`)).html).toMatch(/<span>due <time/);
    expect((await viewer.get('/drills?state=failed')).html).toContain('None of the databases is like that');
    expect(rows((await viewer.get('/drills?environment=all')).html)).toHaveLength(2);
  });
});
