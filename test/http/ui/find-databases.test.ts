import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = `sh'op "1" +ü🙂 <script>.db`;

let folder: string;
let pages: Pages;
let operator: Visitor;
let server: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'find-pages-'));
  mkdirSync(join(folder, 'other'));
  for (const path of [ODD, 'other/app.db', 'app.db']) {
    new Sqlite(join(folder, path)).exec('CREATE TABLE t (a)').close();
  }
  pages = await openPages({ LOCAL_PATHS: folder });
  const admin = await pages.signedIn('admin');
  const settings = (await admin.post('/environments/new', { name: 'production' })).location ?? '';
  operator = await pages.signedIn('operator');
  const list = settings.replace('settings', 'servers');
  const added = await operator.get(`${list}/new`);
  expect(added.html).toContain('Add this machine');
  const form = { name: 'this machine', hostname: 'localhost', sshPort: '22' };
  server = (await operator.post(`${list}/new`, form)).location ?? '';
});
afterAll(async () => {
  await pages.close();
  rmSync(folder, { recursive: true });
});

const values = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, 'g'))].map(([, value = '']) =>
    value.replaceAll('&#39;', "'"),
  );

const ticked = (html: string) =>
  [...html.matchAll(/<input[^>]*name="found"[^>]*>/g)].flatMap(([box]) =>
    / checked/.test(box) ? values(box, 'found') : [],
  );

describe('this machine as a server', () => {
  it('has nothing of SSH on its page, and a test that says so', async () => {
    const { html } = await operator.get(server);
    expect(html).toContain('Runs commands here, without SSH');
    expect(html).not.toMatch(/Test SSH|SSH port|SSH user|Host key|authorized_keys/);
    const tested = await operator.post(`${server}/test/result`);
    expect(tested.html).toContain('Runs commands here, without SSH');
    expect(tested.html).not.toContain('Connected');
    expect((await operator.get('/servers')).html).toContain('no SSH');
    const saved = { name: 'this + machine', hostname: 'localhost', sshPort: '22', tags: '' };
    expect((await operator.post(server, saved)).status).toBe(303);
  });
});

describe('databases found on a server', () => {
  it('are listed to be ticked, and registered together', async () => {
    const search = { type: 'sqlite', folders: `${folder}\r\n${folder}/none` };
    const found = await operator.post(`${server}/find`, search);
    expect(found.status).toBe(200);
    expect(found.html).toContain(`There is no folder ${folder}/none that may be looked into.`);
    expect(found.html).toContain('3 databases found');
    expect(found.html).not.toContain('<script>.db');
    const offered = values(found.html, 'found');
    expect(offered.map(decodeURIComponent)).toEqual(
      ['app.db', 'other/app.db', ODD].map((path) => join(folder, path)),
    );
    // Storage is not configured: nothing is proposed, and local is only ever chosen.
    expect(found.html).toContain('No storage is configured yet');
    const body = (more: readonly (readonly [string, string])[]) =>
      new URLSearchParams([
        ...Object.entries(search),
        ...offered.map((value) => ['offered', value]),
        ...more.map((pair) => [...pair]),
      ]).toString();
    expect(ticked(found.html)).toEqual([]);
    const tick = (index: number) => ['found', offered[index] ?? ''] as const;
    const register = (...more: (readonly [string, string])[]) =>
      operator.post(`${server}/find/register`, body(more));
    const none = await register(['destination', 'local']);
    expect([none.status, none.html]).toEqual([200, expect.stringContaining('Tick the databases')]);
    expect(values(none.html, 'found')).toEqual(offered);
    const unplaced = (await register(tick(0))).html;
    expect(unplaced).toContain('Choose where the backups go.');
    expect(ticked(unplaced)).toEqual([offered[0]]);
    const done = await register(tick(0), tick(2), ['destination', 'local']);
    expect([done.status, done.location]).toEqual([303, '/databases']);
    expect((await operator.get('/databases')).html).toContain('2 databases are registered.');
    const rows = await pages.services.db.selectFrom('databases').selectAll().orderBy('name').execute();
    expect(rows.map(({ name }) => name)).toEqual(['app.db', ODD]);
    expect(rows.map(({ options }) => JSON.parse(options).backupCompression)).toEqual(['zstd', 'zstd']);

    const again = await register(tick(0), tick(1), ['destination', 'local']);
    expect(again.html).toContain('Registered: app.db (2).');
    expect(again.html).toContain('It is registered already, as &quot;app.db&quot;.');
    expect(values(again.html, 'found')).toEqual([]);
  });

  it('are ticked already where there is but one to choose', async () => {
    const search = { type: 'sqlite', folders: `${folder}/lone` };
    mkdirSync(search.folders);
    new Sqlite(join(search.folders, ODD)).exec('CREATE TABLE t (a)').close();
    const { html } = await operator.post(`${server}/find`, search);
    expect(ticked(html).map(decodeURIComponent)).toEqual([join(search.folders, ODD)]);
    // Taken off, it stays off.
    const body = { ...search, offered: ticked(html)[0] ?? '', destination: 'local' };
    expect(ticked((await operator.post(`${server}/find/register`, body)).html)).toEqual([]);
  });

  it('are as many at once as a page holds, whatever they are called, and those that are registered make room', async () => {
    const root = join(folder, 'many');
    // Of 1,000 characters, some of which are five in HTML and others nine in a form.
    const deep = join(root, ...Array.from({ length: 4 }, () => `${"'<ü".repeat(60)}`));
    mkdirSync(deep, { recursive: true });
    for (let file = 0; file < 130; file += 1) linkSync(join(folder, 'app.db'), join(root, `${file} &.db`));
    for (let file = 0; file < 30; file += 1) linkSync(join(folder, 'app.db'), join(deep, `${file}.db`));
    const search = { type: 'sqlite', folders: root };
    const found = await operator.post(`${server}/find`, search);
    const nodes = found.html.match(/<[a-z]/g)?.length ?? 0;
    const bytes = Buffer.byteLength(found.html);
    expect([bytes, bytes <= 60 * 1024, nodes, nodes <= 1500]).toEqual([bytes, true, nodes, true]);
    const offered = values(found.html, 'found');
    expect(found.html).toContain(`${160 - offered.length} more were found; register these first`);
    const body = new URLSearchParams([
      ...Object.entries({ ...search, destination: 'local' }),
      ...offered.flatMap((value) => [
        ['found', value],
        ['offered', value],
      ]),
    ]);
    expect((await operator.post(`${server}/find/register`, body.toString())).status).toBe(303);
    const others = values((await operator.post(`${server}/find`, search)).html, 'found');
    expect(others.length).toBeGreaterThan(0);
    expect(others.filter((value) => offered.includes(value))).toEqual([]);
    const long = values((await operator.post(`${server}/find`, { ...search, folders: deep })).html, 'found');
    expect([long.length > 0, long.length < 30]).toEqual([true, true]);
  });

  it('are not looked for by a form that asks for nothing, or by nobody', async () => {
    const empty = await operator.post(`${server}/find`, { type: 'sqlite', folders: ' ' });
    expect([empty.status, empty.html]).toEqual([422, expect.stringContaining('at least one folder')]);
    expect(empty.html).toMatch(/<a href="#field-folders">Folders<\/a>: /);
    const elsewhere = await operator.post(`${server}/find/result`, { type: 'sqlite', folders: '/etc' });
    expect([elsewhere.status, elsewhere.html]).toEqual([200, expect.stringContaining('LOCAL_PATHS')]);
    expect((await operator.post(`${server}/find`, { type: 'constructor' })).status).toBe(400);
    const closed = { type: 'postgres', host: '127.0.0.1', port: '1', username: 'a', password: 'pass-w+rd' };
    const refused = await operator.post(`${server}/find`, closed);
    expect(refused.html).toMatch(/No PostgreSQL server answered|was not found on the host/);
    expect(refused.html).toContain('Type it again');
    expect(refused.html).not.toContain('pass-w+rd');
    expect((await (await pages.signedIn('viewer')).get(`${server}/find`)).status).toBe(403);
  });
});
