import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, LOGIN } from '../../../dev/fill/fill.ts';
import { fillLists, MANY } from './full-lists.ts';
import { type LongTexts, lengthenTexts } from './longest-texts.ts';
import { HERE, openPages, type Pages, type Visitor } from './pages.ts';

const KIB = 1024;
/** Beside it a first load takes the files of ours, which are less than 30.5 KiB (test/http/node/assets.test.ts): 40 together. */
const SENT = 9.5 * KIB;

let pages: Pages;
let admin: Visitor;
let serverId: string;
let userId: string;
beforeAll(async () => {
  pages = await openPages();
  const owner = await fill(pages.services, { environments: 50, servers: 60, databases: 120, backups: 4000 });
  userId = owner.id;
  ({ serverId } = await fillLists(pages.services, owner.id));
  admin = pages.visitor();
  expect((await admin.post('/login', LOGIN, HERE)).status).toBe(303);
  const rule = { name: 'nightly', cronExpression: '0 2 * * *', enabled: 'true', retries: '2' };
  expect((await admin.post('/schedules/rules/new', { ...rule, retryMinutes: '10' }, HERE)).status).toBe(303);
});
afterAll(() => pages.close());

/** Elements, and bytes as they are and as they are sent. */
async function measure(path: string) {
  const { status, html } = await admin.get(path);
  expect([path, status]).toEqual([path, 200]);
  const bytes = Buffer.byteLength(html);
  return {
    rows: Math.max(0, (html.match(/<tr[ >]/g) ?? []).length - 1),
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

it('the list of databases has what days are drawn with once, and a strip in each row', async () => {
  const { rows, html } = await measure('/databases');
  const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0;
  expect([count(/ id="strip-failed"/g), count(/ id="strip-half"/g)]).toEqual([1, 1]);
  expect(count(/<svg class="strip"/g)).toBe(rows);
  expect(count(/<path class="failed" d="M\d/g)).toBeGreaterThan(0);
  expect(count(/<p class="chart-note">A strip has a mark for each day by UTC, oldest first/g)).toBe(1);
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

describe('with the longest texts that others can have said', () => {
  let texts: LongTexts;
  beforeAll(async () => {
    texts = await lengthenTexts(pages.services, userId);
  });

  it('every page and list is as small', async () => {
    const { databaseId, backupId, talkativeId, notificationId, drillId } = texts;
    const database = `/databases/${databaseId}`;
    const shown = `${backupId},${talkativeId},${texts.others.slice(0, 3).join()}`;
    for (const path of [
      ...['/', '/runs', '/runs?state=failed', '/drills', '/drills?state=failed', '/databases'],
      ...['/notifications', '/notifications/deliveries', '/admin/audit', '/admin/storage'],
      ...['/notifications/webhooks', '/notifications/channels'],
      ...[`${database}`, `${database}?result=failed&each=1`, `${database}/drills`, `${database}/schedule`],
      ...[`${database}/runs?shown=${shown}`, `/runs/running?shown=${shown}`],
      ...[`/backups/${backupId}`, `/backups/${talkativeId}`, `/backups/${texts.quotingId}`],
      ...[`/restores/${drillId}`, `/runs/${texts.quotingId}/log`],
      ...[`/runs/${backupId}/log`, `/runs/${talkativeId}/log`, `/notifications/${notificationId}`],
    ]) {
      const { nodes, bytes } = await measure(path);
      expect([path, nodes, nodes <= 1500]).toEqual([path, nodes, true]);
      expect([path, bytes, bytes <= 60 * KIB]).toEqual([path, bytes, true]);
    }
  });

  it('says once what is to be checked, however many failed for it', async () => {
    const { html } = await admin.get(`/databases/${texts.databaseId}?result=failed&each=1`);
    expect(html.match(/class="failure-row"/g)).toHaveLength(25);
    expect(html.match(/Check that:/g)).toHaveLength(1);
  });

  it('leads from each that was cut to all of it', async () => {
    const { databaseId, backupId, talkativeId, notificationId } = texts;
    const html = async (path: string) => (await admin.get(path)).html;
    expect(await html(`/databases/${databaseId}?result=failed&each=1`)).toContain(
      `<a href="/backups/${backupId}">All of it</a>`,
    );
    const backup = await html(`/backups/${backupId}`);
    expect(backup).toContain(escaped(texts.stderr));
    expect(backup).toContain(`<a href="/runs/${backupId}/log">All of it</a>`);
    const quoting = await html(`/backups/${texts.quotingId}`);
    expect(quoting).toContain(`<a href="/runs/${texts.quotingId}/log.txt">All of it, as text</a>`);
    expect(quoting).toMatch(/Its \d+ lines are left out here/);
    expect(await html('/runs')).toMatch(/<a href="\/runs\/\w+\/log">All of it<\/a>/);
    expect(await html(`/runs/${backupId}/log`)).toContain(escaped(texts.message));
    const log = await html(`/runs/${talkativeId}/log`);
    expect(log).toContain(`<a href="/runs/${talkativeId}/log.txt">All of it, as text</a>`);
    expect(await html('/notifications')).toContain(
      `<a href="/notifications/${notificationId}">All of it</a>`,
    );
    expect(await html(`/notifications/${notificationId}`)).toContain(escaped(texts.told));
    for (const path of ['/admin/storage', '/notifications/deliveries']) {
      expect(await html(path)).toContain('Long answers are cut here');
    }
  });

  it('has all of a log as text, with what was printed, and nothing that a terminal would do', async () => {
    const { talkativeId, backupId } = texts;
    const { status, headers, html: text } = await admin.get(`/runs/${talkativeId}/log.txt`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="backup-${talkativeId}.log.txt"`);
    expect(text.split('\n').length).toBeGreaterThan(600);
    expect(text).toMatch(/^2026-01-01T00:00:00\.000Z warn {2}0 said "&" bytes=1$/m);
    const { html: whole } = await admin.get(`/runs/${backupId}/log.txt`);
    expect(whole).toContain(texts.stderr);
    expect(whole).toContain(texts.message);
    expect(whole).toContain('\uFFFD[2J');
    expect(whole).not.toMatch(/[^\P{Cc}\n\t]/u);
    expect((await admin.get('/runs/nobody/log.txt')).status).toBe(404);
    expect((await pages.visitor().get(`/runs/${backupId}/log.txt`)).status).toBe(303);
  });
});

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
