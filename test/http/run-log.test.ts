import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveLog } from '../../src/runs/stored-log.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './ui/pages.ts';

const AT = '2026-02-28T23:59:59.999Z';
const ODD = 'says "no" to <script>alert(1)</script> & 🗝';
const ESCAPED = 'says &quot;no&quot; to &lt;script&gt;alert(1)&lt;/script&gt; &amp; 🗝';

let pages: Pages;
let viewer: Visitor;
beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

async function insertLog(lines: number): Promise<string> {
  const { id } = await insertBackup(pages.services.db, new Date(AT), {
    ...{ status: 'failed', outcome: 'failed' },
    error: JSON.stringify({ message: 'x', step: 'dump', code: 'dump_failed' }),
  });
  const said = Array.from({ length: lines }, (_, n) => ({
    ...{ at: AT, level: 'warn', message: `line ${n}`, details: ODD },
  }));
  await saveLog(pages.services.db, id, said.map((line) => JSON.stringify(line)).join('\n'));
  return id;
}

describe('the log of a run', () => {
  it('is on its page and, the last of it, on its backup’s, with nothing that a browser would run', async () => {
    const id = await insertLog(40);
    const { status, html } = await viewer.get(`/runs/${id}/log`);
    expect(status).toBe(200);
    expect(html).toContain('line 0<');
    expect(html).toContain(ESCAPED);
    expect(html).not.toContain('<script>alert');
    const backup = (await viewer.get(`/backups/${id}`)).html;
    expect(backup).toContain(`href="/runs/${id}/log"`);
    expect([backup.includes('line 9<'), backup.includes('line 39<')]).toEqual([false, true]);
    expect((await viewer.get('/runs')).html).toContain(`href="/runs/${id}/log"`);
  });

  it('says that nothing is kept, of a run of before', async () => {
    const { id } = await insertBackup(pages.services.db, new Date(AT), {
      status: 'completed',
      outcome: 'completed',
    });
    expect((await viewer.get(`/runs/${id}/log`)).html).toContain('Nothing is kept');
    expect((await viewer.get('/runs/nobody/log')).status).toBe(404);
  });

  it('calls a good backup what is proven of it, as the list does, and tells what went wrong with another', async () => {
    const { id } = await insertBackup(pages.services.db, new Date(AT), {
      ...{ status: 'completed', outcome: 'completed', verification: 'stored' },
    });
    const badge = '<span class="badge badge-success">read back</span>';
    const rowOf = (html: string, run: string) =>
      (html.match(/<tr[ >](?:(?!<tr[ >]).)*<\/tr>/gs) ?? []).find((row) => row.includes(`/runs/${run}/log"`));
    expect(rowOf((await viewer.get('/runs')).html, id)).toContain(badge);
    expect((await viewer.get(`/runs/${id}/log`)).html).toContain(badge);
    const failed = await insertLog(1);
    const error = JSON.stringify({ message: `${ODD}\nand more`, step: 'dump', code: 'dump_failed' });
    await pages.services.db.updateTable('runs').set({ error }).where('id', '=', failed).execute();
    const { html } = await viewer.get(`/runs/${failed}/log`);
    expect(html).toContain('<span class="badge badge-error">failed at dump</span>');
    expect(html).toContain(`${ESCAPED}\nand more`);
    expect(rowOf((await viewer.get('/runs')).html, failed)).toContain('failed at dump');
  });
});
