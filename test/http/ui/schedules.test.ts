import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestPublicKey } from '../../../src/backups/manifest.ts';
import { createScheduler } from '../../../src/schedules/scheduler.ts';
import { readSettings } from '../../../src/settings/settings.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const HOSTILE = `"><script>alert(1)</script>' ü 😀`;
const ESCAPED = '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;';

let pages: Pages;
let admin: Visitor;
let operator: Visitor;
let viewer: Visitor;
let environmentId: string;
let databaseId: string;

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';
const formOf = (html: string, action: string) =>
  html.slice(html.indexOf(`<form method="post" action="${action}"`)).split('</form>')[0] ?? '';
const usual = { cronExpression: '0 2 * * *', enabled: 'true', retries: '2', retryMinutes: '10' };

beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  operator = await pages.signedIn('operator');
  viewer = await pages.signedIn('viewer');
  environmentId = idIn((await admin.post('/environments/new', { name: HOSTILE })).location);
  const database = { name: HOSTILE, type: 'sqlite', filePath: `${pages.services.config.localPaths[0]}/a.db` };
  const made = await admin.post(`/environments/${environmentId}/databases/new?type=sqlite`, {
    ...{
      ...database,
      serverId: '',
      backupFormat: 'plain',
      backupCompression: 'none',
      backupCompressionLevel: '6',
    },
    ...{
      backupStorageType: 'local',
      backupSpacesBucket: '',
      backupSpacesPrefix: '',
      pgDumpTimeoutMs: '300000',
    },
    backupLocalPath: pages.services.config.localPaths[0] ?? '',
  });
  databaseId = idIn(made.location);
  expect(databaseId).not.toBe('');
});
afterAll(() => pages.close());

describe('the dead man’s switch of a database', () => {
  const path = () => `/databases/${databaseId}/ping`;
  const page = async (visitor = operator) => (await visitor.get(`/databases/${databaseId}/schedule`)).html;

  it('is saved by its form, which never gives its address back, tested and removed', async () => {
    const saved = await operator.post(path(), { url: 'https://hc-ping.com/a-secret-token', protocol: '' });
    expect([saved.status, saved.location]).toEqual([303, `/databases/${databaseId}/schedule`]);
    const html = await page();
    expect(html).toContain('<strong>hc-ping.com</strong> is told of the start and the end of each backup.');
    expect(html).toContain('Nothing was sent yet.');
    expect(html).not.toContain('a-secret-token');
    const asViewer = await page(viewer);
    expect(asViewer).toContain('<strong>hc-ping.com</strong>');
    expect(asViewer).not.toContain('name="url"');
    // Left blank, the stored one stays.
    expect((await operator.post(path(), { url: '', protocol: 'plain' })).status).toBe(303);
    expect(await page()).toContain('is told of each backup that ended well.');
    expect((await operator.post(`${path()}/delete`)).status).toBe(303);
    expect(await page(viewer)).not.toContain('Dead man');
  });

  it.each([
    ['', 'Enter the address'],
    [HOSTILE, 'Must be an http or https URL'],
    ['http://127.0.0.1/a-secret-token', 'is a private one'],
  ])('with the address %j says beside it what is wrong, and does not send it back', async (url, words) => {
    const { status, html } = await operator.post(path(), { url, protocol: 'plain' });
    expect(status).toBe(422);
    expect(html).toContain(words);
    for (const secret of ['a-secret-token', ESCAPED, '<script>alert(1)']) {
      const form = html.slice(html.indexOf('id="ping"'), html.indexOf('Times that came'));
      expect(form).not.toContain(secret);
    }
  });

  it('tells beside its address why a test did not arrive', async () => {
    await operator.post(path(), { url: 'http://ping.invalid/a-secret-token', protocol: 'plain' });
    const sent = await operator.post(`${path()}/test`);
    expect([sent.status, sent.location]).toEqual([303, `/databases/${databaseId}/schedule`]);
    const html = await page();
    expect(html).toContain('It did not take a test');
    expect(html).toMatch(/The name of ping\.invalid (is not known to DNS|could not be looked up)/);
    expect(html).not.toContain('a-secret-token');
    await operator.post(`${path()}/delete`);
  });
});

describe('the blackouts of a server', () => {
  const nights = { day1: 'true', day0: 'true', from: '22:00', until: '04:00', reason: HOSTILE };
  let path: string;
  beforeAll(async () => {
    const server = {
      name: HOSTILE,
      hostname: 'db1.example.com',
      sshPort: '22',
      sshUser: '',
      publicIp: '',
      tags: '',
    };
    const made = await operator.post(`/environments/${environmentId}/servers/new`, server);
    path = `${made.location}/blackouts`;
  });

  it('are none at first, and are added and removed one by one, in the API’s words too', async () => {
    expect((await viewer.get(path)).html).toContain('Backups may begin at any time.');
    expect((await viewer.get(path.replace('/blackouts', ''))).html).toContain(`href="${path}"`);
    expect((await operator.post(path, nights)).status).toBe(303);
    await operator.post(path, { day6: 'true', from: '06:00', until: '07:30', reason: '' });
    const { html } = await viewer.get(path);
    expect(html).toContain('<td>Monday, Sunday</td>');
    expect(html).toContain('the next day');
    expect(html).toContain(ESCAPED);
    expect(html).not.toContain('<script>alert(1)');
    expect(html).not.toContain('<form method="post" action="/servers');
    expect(html).not.toContain('?remove=');
    const ids = [...(await operator.get(path)).html.matchAll(/href="[^"]*\?remove=(c\w{24})"/g)].map(
      ([, id]) => id,
    );
    expect(ids).toHaveLength(2);
    const asked = (await operator.get(`${path}?remove=${ids[0]}`)).html;
    expect(asked).toContain('Remove this blackout?');
    expect(asked).toContain(`<input type="hidden" name="id" value="${ids[0]}"/>`);
    expect(asked).toContain(`Saturday, 06:00 to 07:30: backups of ${ESCAPED}`);
    expect((await viewer.get(`${path}?remove=${ids[0]}`)).html).not.toContain('Remove this blackout?');
    // By the time at which they begin; twice is once.
    for (const _ of [1, 2]) {
      expect((await operator.post(`${path}/delete`, { id: ids[0] ?? '' })).status).toBe(303);
    }
    const left = (await viewer.get(path)).html;
    expect([left.includes('Saturday'), left.includes('Monday, Sunday')]).toEqual([false, true]);
    expect((await viewer.post(path, nights)).status).toBe(403);
    expect((await operator.get('/servers/nothing/blackouts')).status).toBe(404);
  });

  it.each([
    [{ ...nights, day0: '', day1: '' }, 'Choose at least one day'],
    [{ ...nights, from: '24:00' }, 'Must be a time such as 22:30'],
    [{ ...nights, until: HOSTILE }, 'Must be a time such as 22:30'],
    [{ ...nights, reason: 'x'.repeat(201) }, 'Enter at most 200 characters.'],
  ])('are refused with %j', async (form, words) => {
    const { status, html } = await operator.post(path, form);
    expect(status).toBe(422);
    expect(html).toContain(words);
    expect(html).not.toContain('<script>alert(1)');
  });
});

describe('the schedule of a database', () => {
  const path = () => `/databases/${databaseId}/schedule`;

  it('is none at first, with usual times to choose from', async () => {
    const { html } = await operator.get(path());
    expect(html).toContain('Nothing backs this database up by itself.');
    expect(html).toContain('href="/databases/');
    expect(html).toContain(`value="0 3 * * SUN" formaction="${path()}?do=times"`);
    expect((await viewer.get(path())).html).not.toContain('<form method="post" action="/databases');
  });

  it.each([
    ['of a database', () => path()],
    ['of a new rule', () => '/schedules/rules/new'],
  ])('keeps what was typed %s where usual times are chosen, and saves nothing', async (_, at) => {
    const shown = (await operator.get(at())).html;
    // What Enter presses saves.
    expect(/<button[^>]*>/.exec(formOf(shown, at()))?.[0]).toBe('<button type="submit" tabindex="-1">');
    const typed = {
      name: HOSTILE,
      pausedReason: HOSTILE,
      drillCron: '0 5 * * SUN',
      retries: '7',
      tag: 'a+b ü',
    };
    const seen = /name="seen" value="([^"]+)"/.exec(formOf(shown, at()))?.[1] ?? '';
    const sent = { ...typed, seen, cronExpression: '1 1 1 1 1', preset: '0 3 * * SUN' };
    const { status, html } = await operator.post(`${at()}?do=times`, sent);
    expect(status).toBe(200);
    const form = formOf(html, at());
    expect(form).toMatch(/name="cronExpression"[^>]*value="0 3 \* \* SUN"/);
    for (const kept of [ESCAPED, 'value="0 5 * * SUN"', 'value="7"', `value="${seen}"`])
      expect(form).toContain(kept);
    // Nobody ticked it.
    expect(/<input[^>]*name="enabled"[^>]*>/.exec(form)?.[0]).not.toContain('checked');
    expect((await viewer.post(`${at()}?do=times`, sent)).status).toBe(403);
    expect((await operator.get(path())).html).toContain('Nothing backs this database up by itself.');
  });

  it('is saved by its form, told in words with its next five times, and removed', async () => {
    const saved = await operator.post(path(), {
      ...usual,
      cronExpression: '30 1 * * MON-FRI',
      timeZone: 'Asia/Tokyo',
    });
    expect([saved.status, saved.location]).toEqual([303, path()]);
    const { html } = await operator.get(path());
    expect(html).toContain('<strong>At 01:30, Monday through Friday</strong>, Asia/Tokyo');
    expect(html.match(/<li><time[^>]*>[^<]*, 01:30</g)).toHaveLength(5);
    expect((await admin.get('/databases')).html).toMatch(/class="next-run"><time/);
    const removed = await operator.post(`${path()}/delete`);
    expect([removed.status, (await operator.get(path())).html.includes('Nothing backs')]).toEqual([
      303,
      true,
    ]);
  });

  it.each([
    ['cronExpression', 'every day', 'must have five fields'],
    ['cronExpression', '0 0 30 2 *', 'Has no run within the next five years'],
    ['cronExpression', HOSTILE, 'five fields'],
    ['timeZone', 'Mars', 'Must be a time zone'],
    ['retries', '99', 'Enter at most 10'],
    ['jitterMinutes', 'x', 'fill this in'],
  ])('with %s %j says beside it what is wrong, and keeps what was typed', async (name, value, words) => {
    const { status, html } = await operator.post(path(), { ...usual, [name]: value });
    expect(status).toBe(422);
    expect(html.toLowerCase()).toContain(words.toLowerCase());
    expect(html).not.toContain('<script>alert(1)');
    expect(html).toContain(value === HOSTILE ? ESCAPED : `value="${value}"`);
  });

  it('tells why a time did not run', async () => {
    await operator.post(path(), { ...usual, cronExpression: '* * * * *', pausedReason: HOSTILE });
    const { db, log, runs } = pages.services;
    const later = () => new Date(Date.now() + 180_000);
    await createScheduler({ db, log, runs, now: later })();
    const { html } = await viewer.get(path());
    expect(html).toContain('skipped');
    expect(html).toContain(`The schedule was paused: ${ESCAPED}`);
    await operator.post(`${path()}/delete`);
  });
});

describe('the schedules', () => {
  it('are rules, a week and what is to come, each escaped', async () => {
    expect((await viewer.get('/schedules')).html).toContain('No rules yet');
    const form = { ...usual, name: HOSTILE, environmentId: '', engine: 'sqlite', tag: '' };
    expect((await operator.post('/schedules/rules/new', form)).location).toBe('/schedules');
    const { html } = await operator.get('/schedules');
    expect(html).toContain(`${ESCAPED}`);
    expect(html).not.toContain('<script>alert(1)');
    expect(html).toContain('<svg');
    expect(html.match(/<rect/g)).toHaveLength(7 * 24);
    expect(html).toMatch(/[67] runs begin in these seven days, at most 1 in one hour \(UTC\)/);
    const rule = /\/schedules\/rules\/(c[0-9a-z]{24})/.exec(html)?.[1] ?? '';
    expect((await viewer.get('/schedules')).html).not.toContain(`/schedules/rules/${rule}`);
    const page = (await operator.get(`/schedules/rules/${rule}`)).html;
    expect(page).toContain('one database');
    expect((await operator.post('/schedules/rules/new', form)).html).toContain('already exists');
    expect(
      (await operator.post(`/schedules/rules/${rule}`, { ...form, cronExpression: '*/90 * * * *' })).status,
    ).toBe(422);
    expect((await operator.post(`/schedules/rules/${rule}/delete`)).location).toBe('/schedules');
    expect((await operator.get(`/schedules/rules/${rule}`)).status).toBe(404);
  });

  it('name the first servers that have too much to do at once, and how many there are besides', async () => {
    const { db } = pages.services;
    const model = await db.selectFrom('databases').selectAll().executeTakeFirstOrThrow();
    const at = pages.services.now().toISOString();
    const ids: string[] = [];
    for (let number = 0; number < 27; number += 1) {
      const server = `crowd-${number}`;
      const own = { id: server, environment_id: environmentId, name: `${HOSTILE} ${number}` };
      const rest = { hostname: 'localhost', ssh_port: 22, tags: '[]', created_at: at, updated_at: at };
      const none = { public_ip: null, ssh_user: null, host_key: null, last_checked_at: null };
      await db
        .insertInto('servers')
        .values({ ...own, ...rest, ...none, status: 'unknown' })
        .execute();
      for (const part of ['a', 'b', 'c']) {
        const id = `${server}-${part}`;
        ids.push(id);
        await db
          .insertInto('databases')
          .values({ ...model, id, name: id, server_id: server })
          .execute();
      }
    }
    await operator.post('/schedules/rules/new', { ...usual, name: 'crowd', engine: 'sqlite' });
    const { html } = await operator.get('/schedules');
    const crowds = html.slice(html.indexOf('Too much at once'), html.indexOf('Next 24 hours'));
    expect(crowds.match(/3 begin, 2 may run/g)).toHaveLength(25);
    expect(crowds).toContain('And 2 more.');
    expect(crowds).not.toContain('looked for');
    expect(html).not.toContain('<script>alert(1)');
    const rule = /\/schedules\/rules\/(c[0-9a-z]{24})/.exec(html)?.[1] ?? '';
    // More begins in a day than is looked at.
    await operator.post(`/schedules/rules/${rule}`, { ...usual, name: 'crowd', cronExpression: '* * * * *' });
    expect((await operator.get('/schedules')).html).toMatch(
      /So many backups begin that this was looked for up to <time datetime="[^"]+">[^<]+<\/time> only/,
    );
    await db.deleteFrom('databases').where('id', 'in', ids).execute();
    await db.deleteFrom('servers').where('id', 'like', 'crowd-%').execute();
    await operator.post(`/schedules/rules/${rule}/delete`);
  });

  it('are changed by operators alone', async () => {
    for (const to of ['/schedules/rules/new', `/databases/${databaseId}/schedule`]) {
      expect((await viewer.post(to, usual)).status).toBe(403);
    }
    expect((await viewer.get('/schedules/rules/new')).status).toBe(403);
  });
});

describe('the system page', () => {
  const valuesOf = (html: string) =>
    Object.fromEntries([
      // A box that is not ticked is not sent.
      ...[...html.matchAll(/<input[^>]*name="(\w+)"[^>]*value="([^"]*)"/g)]
        .filter(([input]) => !input.includes('type="checkbox"'))
        .map(([, name = '', value = '']) => [name, value]),
      ['backupRetentionPreset', 'balanced'],
    ]);

  it('is the admins’', async () => {
    expect((await operator.get('/admin/system')).status).toBe(403);
    expect((await operator.post('/admin/system', {})).status).toBe(403);
    const { html } = await admin.get('/admin/system');
    expect(html).toContain('0.0.0-test');
    expect(html).toContain(await manifestPublicKey(pages.services));
  });

  it('saves the settings as they are shown, and what is changed', async () => {
    const values = valuesOf((await admin.get('/admin/system')).html);
    const changed = {
      ...values,
      timezone: 'Europe/Berlin',
      sshReadySeconds: '20',
      publicUrl: 'https://b.example.com',
      maxTotalGib: '1,5',
    };
    expect((await admin.post('/admin/system', changed)).location).toBe('/admin/system');
    const { html } = await admin.get('/admin/system');
    expect(valuesOf(html)).toMatchObject({
      timezone: 'Europe/Berlin',
      sshReadySeconds: '20',
      publicUrl: 'https://b.example.com',
      maxTotalGib: '1.5',
    });
    const { backupRetentionMaxTotalBytes } = await readSettings(pages.services.db);
    expect(backupRetentionMaxTotalBytes).toBe(1.5 * 2 ** 30);
    expect((await admin.post('/admin/system/reset')).location).toBe('/admin/system');
    expect(valuesOf((await admin.get('/admin/system')).html)).toEqual(values);
  });

  it.each([
    ['timezone', HOSTILE],
    ['publicUrl', 'javascript:alert(1)'],
    ['backupRetentionDaily', '367'],
    ['backupRetentionDaily', ''],
    ['sshReadySeconds', '0'],
    ['maxTotalGib', '10 TB'],
    ['backupRetentionPreset', 'none'],
  ])('refuses %s %j beside its field', async (name, value) => {
    const values = valuesOf((await admin.get('/admin/system')).html);
    const { status, html } = await admin.post('/admin/system', { ...values, [name]: value });
    expect(status).toBe(422);
    expect(html).toContain(`id="field-${name}-error"`);
    expect(html).not.toContain('<script>alert(1)');
  });
});
