import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fill, LOGIN } from '../../../dev/fill/fill.ts';
import { HERE, openPages, type Pages, type Visitor } from './pages.ts';

const KIB = 1024;

let pages: Pages;
let admin: Visitor;
beforeAll(async () => {
  pages = await openPages();
  await fill(pages.services, { environments: 12, servers: 10, databases: 120, backups: 4000 });
  admin = pages.visitor();
  expect((await admin.post('/login', LOGIN, HERE)).status).toBe(303);
}, 60_000);
afterAll(() => pages.close());

/** Elements, and bytes as they are and as they are sent. */
async function measure(path: string) {
  const { status, html } = await admin.get(path);
  expect([path, status]).toEqual([path, 200]);
  const bytes = Buffer.byteLength(html);
  return {
    rows: (html.match(/<tr>/g) ?? []).length - 1,
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
    // Beside it a first load takes the files of ours, which are less than 32 KiB (test/http/node/assets.test.ts).
    const sent = gzipSync(html, { level: 4 }).byteLength;
    expect([path, sent, sent <= 8 * KIB]).toEqual([path, sent, true]);
  }
});

it('every other list is no larger', async () => {
  for (const path of [
    ...[
      '/servers',
      '/schedules',
      '/environments',
      '/notifications/deliveries',
      '/admin/audit',
      '/admin/users',
    ],
    ...['/admin/tokens', '/admin/storage', '/admin/system', '/account'],
  ]) {
    const { nodes, bytes } = await measure(path);
    expect([path, nodes, nodes <= 1500]).toEqual([path, nodes, true]);
    expect([path, bytes, bytes <= 60 * KIB]).toEqual([path, bytes, true]);
  }
});

it('the overview is as small', async () => {
  const { nodes, bytes, html } = await measure('/');
  expect([bytes, bytes <= 60 * KIB]).toEqual([bytes, true]);
  expect([nodes, nodes <= 1500]).toEqual([nodes, true]);
  const sent = gzipSync(html, { level: 4 }).byteLength;
  expect([sent, sent <= 8 * KIB]).toEqual([sent, true]);
});
