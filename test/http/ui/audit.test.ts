import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChainer } from '../../../src/audit/chain.ts';
import { detailLines } from '../../../views/audit/detail-lines.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const ESCAPED = 'Größe + &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt; 🗝';

let pages: Pages;
let admin: Visitor;
let environmentId: string;

beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  const { location } = await admin.post('/environments/new', { name: ODD });
  environmentId = /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';
  await admin.post('/login', { email: 'admin@example.com', password: 'wrong wrong wrong' });
});
afterAll(() => pages.close());

const list = async (query = '') => {
  const { status, html } = await admin.get(`/admin/audit${query}`);
  expect([query, status]).toEqual([query, 200]);
  return html;
};
const rowsOf = (html: string) => html.match(/<th scope="row" class="what">/g)?.length ?? 0;

describe('the audit log', () => {
  it('is for admins, and stands in their navigation alone', async () => {
    const viewer = await pages.signedIn('viewer');
    for (const path of ['', '/verify', '/export?format=csv', '/c1']) {
      expect([path, (await viewer.get(`/admin/audit${path}`)).status]).toEqual([path, 403]);
    }
    expect((await viewer.get('/')).html).not.toContain('href="/admin/audit"');
    expect(await list()).toMatch(/<a href="\/admin\/audit" aria-current="page">/);
  });

  it('says who did what, on what and from where, and leads to the thing and to all of it', async () => {
    const html = await list('?resourceType=environment');
    expect(html).toContain(`<a href="/environments/${environmentId}/settings">${ESCAPED}</a>`);
    expect(html).not.toContain('<script>alert');
    expect(html).toMatch(/href="\/admin\/audit\?who=user:c[0-9a-z]{24}"/);
    const id = /href="\/admin\/audit\/(c[0-9a-z]{24})"/.exec(html)?.[1];
    const entry = (await admin.get(`/admin/audit/${id}`)).html;
    expect(entry).toContain('Environment: Created');
    // The page of the thing itself says when to the second.
    expect(entry).toMatch(/<time datetime="[^"]+">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC<\/time>/);
    expect(entry).toContain(`href="/admin/audit?resourceId=${environmentId}"`);
    expect(entry).toMatch(/href="\/admin\/audit\?requestId=[\w-]+"/);
    expect(rowsOf(await list(`?resourceId=${environmentId}`))).toBe(1);
    expect((await admin.get('/admin/audit/nothing')).status).toBe(404);
  });

  it('filters by its form and chips, keeps what the form has no field for, and ignores what makes no sense', async () => {
    const all = rowsOf(await list());
    expect(rowsOf(await list('?success=false'))).toBe(1);
    expect(rowsOf(await list('?action=sign_in_failed'))).toBe(1);
    expect(await list('?success=false')).toContain('<input type="hidden" name="success" value="false"/>');
    const odd = encodeURIComponent('größe + "X"');
    const found = await list(`?q=${odd}&who=&action=&since=2020-01-01&until=`);
    expect(rowsOf(found)).toBe(1);
    expect(found).toContain('value="größe + &quot;X&quot;"');
    expect(found).toMatch(/<input type="date" name="since" value="2020-01-01"/);
    expect(found).toContain(`/admin/audit/export?since=2020-01-01&amp;q=gr%C3%B6%C3%9Fe`);
    for (const query of ['?since=never&success=x&before=y', `?q=${'x'.repeat(400)}`, '?who=nobody&q=%00']) {
      expect([query, rowsOf(await list(query))]).toEqual([query, all]);
    }
    const none = await list('?requestId=none');
    expect(none).toMatch(/Nothing like that was done.*<a href="\/admin\/audit">Show all that was done<\/a>/s);
    // Days are by UTC, whatever zone the reader has.
    expect(none).toMatch(/name="until"[^>]*>\s*\(UTC\)/);
    expect(await list('?address=%3Cscript%3E')).toContain(
      'From &lt;script&gt;. <a href="/admin/audit">Show all</a>',
    );
    expect(await list('?who=user:gone')).toContain(
      '<option value="user:gone" selected="">Somebody who is gone</option>',
    );
  });

  it('is exported with the filters of the page', async () => {
    const { status, headers, html } = await admin.get(
      '/admin/audit/export?format=jsonl&resourceType=environment',
    );
    expect([status, headers.get('content-disposition')]).toEqual([200, expect.stringContaining('.jsonl')]);
    expect(
      html
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)['resourceName']),
    ).toEqual([ODD]);
    expect(await list('?action=export')).toContain('format: jsonl, filters.resourceType: environment');
  });

  it('goes on where a page ends', async () => {
    const { db } = pages.services;
    const rows = Array.from({ length: 120 }, (_, n) => ({
      ...{
        id: `c${n}`,
        action: 'update',
        resource_type: 'server',
        resource_id: 's1',
        resource_name: `${ODD} ${n}`,
      },
      ...{ success: 1 as const, created_at: new Date(Date.UTC(2026, 0, 1) + n).toISOString() },
    }));
    await db.insertInto('audit_logs').values(rows).execute();
    let html = await list('?resourceId=s1');
    expect(html).not.toContain('← Newest');
    const seen = [rowsOf(html)];
    for (let older = hrefOf(html, 'Older →'); older !== undefined; older = hrefOf(html, 'Older →')) {
      html = (await admin.get(older)).html;
      seen.push(rowsOf(html));
    }
    expect(seen).toEqual([50, 50, 20]);
    expect(html).toContain('<a href="/admin/audit?resourceId=s1">← Newest</a>');
    expect((await list('?resourceId=s1')).length).toBeLessThan(60 * 1024);
  });

  it('tells of its chain, and what does not fit it', async () => {
    // Rows of January wait, as after an upgrade: that is no alarm.
    const before = await list();
    expect(before).toContain('Nothing is chained yet.');
    expect(before).toMatch(/>Catching up<[\s\S]* \d+ rows wait\./);
    expect(before).not.toContain('Not chained');
    await createChainer(pages.services)(new AbortController().signal);
    expect(await list()).toMatch(/Up to row \d+, /);
    const verified = await admin.get('/admin/audit/verify');
    expect(verified.html).toMatch(/All \d+ chained rows are as they were chained/);
    await pages.services.db
      .updateTable('audit_logs')
      .set({ address: '127.0.0.1' })
      .where('number', '=', 2)
      .execute();
    const { html } = await admin.get('/admin/audit/verify');
    expect(html).toContain('Row 2 was changed, or does not belong behind row 1.');
    expect(html).toMatch(/role="alert"/);
    expect(await list()).not.toContain('Not chained');
    await pages.services.db.deleteFrom('audit_marks').execute();
    expect(await list()).toMatch(
      /Not chained[\s\S]*Rows are no longer chained: The mark of its end, behind row \d+, was removed\./,
    );
  });
});

describe('the details of a row', () => {
  it.each<[string | null, readonly (readonly [string, string, string | null])[]]>([
    [null, []],
    [
      '{"port":5432,"tags":["a","ü"],"none":null,"empty":""}',
      [
        ['port', '5432', null],
        ['tags', 'a, ü', null],
        ['none', '–', null],
        ['empty', '–', null],
      ],
    ],
    [
      '{"changes":{"timezone":"UTC","days":9},"before":{"timezone":"Europe/Berlin"}}',
      [
        ['timezone', 'UTC', 'Europe/Berlin'],
        ['days', '9', null],
      ],
    ],
    [
      '{"action":"reset_to_defaults","before":{"days":9}}',
      [
        ['before.days', '9', null],
        ['action', 'reset_to_defaults', null],
      ],
    ],
    [
      '{"name":{"from":"a","to":"b"},"deep":{"er":{"x":true}},"list":[{"a":1}]}',
      [
        ['name', 'b', 'a'],
        ['deep.er.x', 'true', null],
        ['list', '{"a":1}', null],
      ],
    ],
    ['not JSON', [['details', 'not JSON', null]]],
    ['[1,2]', [['details', '1, 2', null]]],
  ])('%s is told line by line', (details, lines) => {
    expect(detailLines(details).map(({ name, value, before }) => [name, value, before])).toEqual(lines);
  });

  it('are cut where they are very long', () => {
    const many = JSON.stringify({
      text: 'x'.repeat(9999),
      ...Object.fromEntries(
        Array(99)
          .fill(0)
          .map((_, n) => [`k${n}`, n]),
      ),
    });
    const lines = detailLines(many);
    expect([lines.length, lines[0]?.value.length]).toEqual([40, 501]);
  });
});

function hrefOf(html: string, label: string): string | undefined {
  return new RegExp(`<a href="([^"]+)">${label}</a>`).exec(html)?.[1]?.replaceAll('&amp;', '&');
}
