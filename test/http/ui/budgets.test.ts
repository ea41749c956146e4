import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fill, LOGIN } from '../../../dev/fill/fill.ts';
import { fillLists, MANY } from './full-lists.ts';
import { HERE, openPages, type Pages, type Visitor } from './pages.ts';

const KIB = 1024;
/** Beside it a first load takes the files of ours, which are less than 30.5 KiB (test/http/node/assets.test.ts): 40 together. */
const SENT = 9.5 * KIB;

let pages: Pages;
let admin: Visitor;
let serverId: string;
beforeAll(async () => {
  pages = await openPages();
  const owner = await fill(pages.services, { environments: 50, servers: 60, databases: 120, backups: 4000 });
  ({ serverId } = await fillLists(pages.services, owner.id));
  admin = pages.visitor();
  expect((await admin.post('/login', LOGIN, HERE)).status).toBe(303);
  const rule = { name: 'nightly', cronExpression: '0 2 * * *', enabled: 'true', retries: '2' };
  expect((await admin.post('/schedules/rules/new', { ...rule, retryMinutes: '10' }, HERE)).status).toBe(303);
}, 60_000);
afterAll(() => pages.close());

/** Elements, and bytes as they are and as they are sent. */
async function measure(path: string) {
  const { status, html } = await admin.get(path);
  expect([path, status]).toEqual([path, 200]);
  const bytes = Buffer.byteLength(html);
  return {
    rows: Math.max(0, (html.match(/<tr>/g) ?? []).length - 1),
    nodes: html.match(/<[a-z]/g)?.length ?? 0,
    bytes,
    html,
  };
}

it('a page of fifty rows is small: in bytes, in elements, and on its way', async () => {
  for (const path of [
    '/databases',
    '/databases?sort=-size',
    '/databases?state=failing',
    '/runs',
    '/drills',
  ]) {
    const { rows, nodes, bytes, html } = await measure(path);
    if (!path.includes('failing')) expect([path, rows]).toEqual([path, 50]);
    expect([path, nodes, nodes <= 1500]).toEqual([path, nodes, true]);
    expect([path, bytes, bytes <= 60 * KIB]).toEqual([path, bytes, true]);
    const sent = gzipSync(html, { level: 4 }).byteLength;
    expect([path, sent, sent <= SENT]).toEqual([path, sent, true]);
  }
});

it('every other list is no larger, with as many rows as it may show', async () => {
  for (const [path, least] of [
    ...Object.entries({
      ...{ '/servers': MANY, '/schedules': 30, '/environments': MANY, '/notifications': 0 },
      ...{ '/notifications/deliveries': MANY, '/notifications/webhooks': MANY, '/admin/audit': MANY },
      ...{
        '/admin/users': MANY,
        '/admin/tokens': MANY,
        '/admin/service-accounts': MANY,
        '/account': MANY + 20,
      },
      ...{ '/admin/storage': MANY, '/admin/system': 0 },
    }),
    [`/servers/${serverId}/blackouts`, MANY],
    [`/servers/${serverId}/restore-logins`, 2],
  ] as const) {
    const { rows, nodes, bytes } = await measure(path);
    expect([path, rows, rows >= least]).toEqual([path, rows, true]);
    expect([path, nodes, nodes <= 1500]).toEqual([path, nodes, true]);
    expect([path, bytes, bytes <= 60 * KIB]).toEqual([path, bytes, true]);
  }
});

it('an environment adds little to the page of the storage, whatever depends on it', async () => {
  const { html } = await measure('/admin/storage');
  const rows = html.match(/<tr><th scope="row">[^<]*<\/th><td data-label="Storage">.*?<\/tr>/g) ?? [];
  expect(rows).toHaveLength(MANY);
  const asking = rows.filter((row) => row.includes('href="/admin/storage?disable='));
  expect(asking.length).toBeGreaterThan(MANY / 2);
  for (const row of rows) expect([row, row.length <= 600]).toEqual([row, true]);
  expect(html.match(/<dialog/g)).toHaveLength(1);
});

it('the overview is as small', async () => {
  const { nodes, bytes, html } = await measure('/');
  expect([bytes, bytes <= 60 * KIB]).toEqual([bytes, true]);
  expect([nodes, nodes <= 1500]).toEqual([nodes, true]);
  const sent = gzipSync(html, { level: 4 }).byteLength;
  expect([sent, sent <= SENT]).toEqual([sent, true]);
});
