import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = `sh'op "1" +ü🙂 <script>`;

let folder: string;
let pages: Pages;
let admin: Visitor;
let operator: Visitor;
let environment: string;
let form: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'first-schedule-'));
  for (const name of ['app.db', `${ODD}.db`])
    new Sqlite(join(folder, name)).exec('CREATE TABLE t (a)').close();
  pages = await openPages({ LOCAL_PATHS: folder });
  admin = await pages.signedIn('admin');
  operator = await pages.signedIn('operator');
  const settings = (await admin.post('/environments/new', { name: 'production' })).location ?? '';
  environment = settings.replace('/settings', '');
  form = `${environment}/databases/new?type=sqlite`;
});
afterAll(async () => {
  await pages.close();
  rmSync(folder, { recursive: true });
});

const add = (name: string, choice: Readonly<Record<string, string>>, to = form) =>
  operator.post(to, {
    ...{ name, serverId: 'this-machine', filePath: join(folder, 'app.db'), backupStorageType: 'local' },
    ...{ backupFormat: 'plain', backupCompression: 'zstd', backupCompressionLevel: '6', giveUpMinutes: '5' },
    ...choice,
  });
const ownOf = (name: string) =>
  pages.services.db
    .selectFrom('databases')
    .leftJoin('schedules', 'schedules.database_id', 'databases.id')
    .select([
      'databases.id',
      'cron_expression',
      'enabled',
      'retries',
      'time_zone',
      'drill_cron',
      'drill_folder',
    ])
    .where('databases.name', '=', name)
    .executeTakeFirst();
const checked = (html: string) => /<input[^>]* name="when"[^>]* value="(\w+)"[^>]* checked/.exec(html)?.[1];

describe('the schedule in the form of a new database', () => {
  it('is proposed for each night where no rule says one, and saved with the database', async () => {
    const { html } = await operator.get(form);
    expect(checked(html)).toBe('daily');
    expect(html).toMatch(/<input[^>]* name="dailyAt"[^>]* type="time"[^>]* value="02:00"/);
    expect(html).toContain('Not until a rule says so');
    expect(html).not.toContain('As rules say');
    const { status, location } = await add(ODD, { when: 'daily', dailyAt: '04:30' });
    expect(status).toBe(303);
    expect(await ownOf(ODD)).toMatchObject({ cron_expression: '30 4 * * *', enabled: 1, retries: 2 });
    const page = (await operator.get(`${location}/schedule`)).html;
    expect(page).toContain('At 04:30, every day');
    // It counts at once, without waiting for anybody to look.
    expect(page).toContain('Next times');
  });

  it('is refused with the database, and the database with it', async () => {
    const wrong = [
      [{ when: 'daily', dailyAt: '24:00' }, 'Enter a time of the day, such as 02:00.'],
      [{ when: 'daily' }, 'Enter a time of the day'],
      [{ when: 'cron', cronExpression: '' }, 'field-cronExpression-error'],
      [{ when: 'cron', cronExpression: 'every night' }, 'field-cronExpression-error'],
      // Only what is written finds out that no such day comes.
      [{ when: 'cron', cronExpression: '0 2 30 2 *' }, 'Has no run within the next five years'],
      [{ when: 'sometimes' }, 'Choose when backups begin by themselves.'],
    ] as const;
    for (const [choice, words] of wrong) {
      const { status, html } = await add('refused', choice);
      expect([choice, status, html.includes(words)]).toEqual([choice, 422, true]);
      if (choice.when !== 'sometimes') expect(checked(html)).toBe(choice.when);
    }
    expect(await ownOf('refused')).toBeUndefined();
    const both = await add(' ', { when: 'daily', dailyAt: 'noon' });
    expect(both.html).toMatch(/field-name-error.*field-dailyAt-error/s);
    const taken = await add(ODD, { when: 'cron', cronExpression: '0 5 * * *' });
    expect([taken.status, taken.html.includes('already exists')]).toEqual([422, true]);
    const { db } = pages.services;
    expect(await db.selectFrom('schedules').select('id').execute()).toHaveLength(1);
  });

  it('is a rule’s where one fits, and may be none all the same', async () => {
    // As a form of before has it.
    expect((await add('as before', {})).status).toBe(303);
    expect(await ownOf('as before')).toMatchObject({ cron_expression: null });
    const rule = { name: `<b>${ODD}`, cronExpression: '0 3 * * *', enabled: 'true', engine: 'sqlite' };
    const tagged = { ...rule, name: 'tagged', cronExpression: '0 1 * * *', tag: 'big' };
    expect((await admin.post('/schedules/rules/new', tagged)).status).toBe(303);
    // One of some servers alone may leave it without any.
    const unsure = (await operator.get(form)).html;
    expect(checked(unsure)).toBe('daily');
    expect(unsure).toContain('tagged (At 01:00, every day) on servers with the tag big; else not at all');
    expect((await admin.post('/schedules/rules/new', rule)).status).toBe(303);
    const { html } = await operator.get(form);
    expect(checked(html)).toBe('rule');
    expect(html).toContain(
      'As rules say: tagged (At 01:00, every day) on servers with the tag big; else &lt;b&gt;sh',
    );
    expect((await operator.get(form.replace('sqlite', 'mysql'))).html).not.toContain('As rules say');
    expect((await add('ruled', { when: 'rule' })).status).toBe(303);
    expect(await ownOf('ruled')).toMatchObject({ cron_expression: null });
    const none = await add('none', { when: 'none', cronExpression: 'is not read' });
    expect(await ownOf('none')).toMatchObject({ enabled: 0 });
    expect((await operator.get(`${none.location}/schedule`)).html).toContain('It is switched off');
  });
});

describe('a copy of a database', () => {
  const duplicate = async (id: string | undefined) => {
    const { location } = await operator.get(`/databases/${id}/duplicate`);
    const { html } = await operator.get(location ?? '');
    const [, action = ''] = /<form method="post" action="([^"]*databases\/new[^"]*)"/.exec(html) ?? [];
    return { html, action: action.replaceAll('&amp;', '&') };
  };

  it('takes its schedule along: the times to see, and what stands beside them', async () => {
    const original = await add('original', { when: 'daily', dailyAt: '06:05' });
    const schedule = {
      ...{ cronExpression: '5 6 * * *', enabled: 'true', timeZone: 'Asia/Tokyo', jitterMinutes: '7' },
      ...{ retries: '4', retryMinutes: '9', drillCron: '0 5 * * SUN', pausedReason: 'a move' },
    };
    expect((await operator.post(`${original.location}/schedule`, schedule)).status).toBe(303);
    const { html, action } = await duplicate((await ownOf('original'))?.id);
    expect(checked(html)).toBe('daily');
    expect(html).toMatch(/name="dailyAt"[^>]* value="06:05"/);
    expect(html).toContain('In the zone Asia/Tokyo.');
    expect((await add('copied', { when: 'daily', dailyAt: '06:10' }, action)).status).toBe(303);
    const { db } = pages.services;
    const copied = await ownOf('copied');
    expect(copied).toMatchObject({
      ...{ cron_expression: '10 6 * * *', time_zone: 'Asia/Tokyo', retries: 4, drill_cron: '0 5 * * SUN' },
    });
    const row = db
      .selectFrom('schedules')
      .selectAll()
      .where('database_id', '=', copied?.id ?? '');
    // Somebody who copies a paused one means to have it backed up.
    expect(await row.executeTakeFirst()).toMatchObject({ jitter_minutes: 7, paused_reason: null });
    // What came back refused is a copy still.
    const refused = await add('copied', { when: 'daily', dailyAt: '06:10' }, action);
    expect(refused.html).toContain('Filled with the settings of original');
  });

  it('makes no drills elsewhere than the original does, but for admins', async () => {
    const { db } = pages.services;
    const id = (await ownOf('original'))?.id ?? '';
    await db
      .updateTable('schedules')
      .set({ drill_folder: '/srv/drills' })
      .where('database_id', '=', id)
      .execute();
    const { action } = await duplicate(id);
    expect((await add('by operator', { when: 'daily', dailyAt: '06:10' }, action)).status).toBe(303);
    expect(await ownOf('by operator')).toMatchObject({ drill_cron: null, drill_folder: null });
    const sent = { name: 'by admin', serverId: 'this-machine', filePath: join(folder, 'app.db') };
    const options = { backupStorageType: 'local', backupCompression: 'none', giveUpMinutes: '5' };
    const made = await admin.post(action, { ...sent, ...options, when: 'daily', dailyAt: '06:10' });
    expect(made.status).toBe(303);
    expect(await ownOf('by admin')).toMatchObject({ drill_cron: '0 5 * * SUN', drill_folder: '/srv/drills' });
  });

  it('shows other times as they are, and a schedule that is switched off as none', async () => {
    await add('odd times', { when: 'cron', cronExpression: '*/30 * * * MON-FRI' });
    const odd = await duplicate((await ownOf('odd times'))?.id);
    expect(checked(odd.html)).toBe('cron');
    expect(odd.html).toMatch(/name="cronExpression"[^>]* value="\*\/30 \* \* \* MON-FRI"/);
    expect(checked((await duplicate((await ownOf('none'))?.id)).html)).toBe('none');
    expect(checked((await duplicate((await ownOf('ruled'))?.id)).html)).toBe('rule');
  });
});

it('databases that were found are registered with one choice for all of them', async () => {
  const server = (
    await operator.post(`${environment}/servers/new`, { name: 'here', hostname: 'localhost', sshPort: '22' })
  ).location;
  const search = { type: 'sqlite', folders: folder };
  const found = (await operator.post(`${server}/find/result`, search)).html;
  // Of this server the tags are known.
  expect(found).toMatch(/As rules say: &lt;b&gt;sh[^<]*\(At 03:00, every day\)</);
  const offered = [...found.matchAll(/name="offered" value="([^"]*)"/g)].map(([, value = '']) =>
    value.replaceAll('&#39;', "'"),
  );
  const body = (choice: Readonly<Record<string, string>>) =>
    new URLSearchParams([
      ...Object.entries({ ...search, destination: 'local', ...choice }),
      ...offered.flatMap((value) => [
        ['offered', value],
        ['found', value],
      ]),
    ]).toString();
  const refused = await operator.post(`${server}/find/register`, body({ when: 'daily', dailyAt: 'x' }));
  expect(refused.html).toContain('Enter a time of the day');
  expect(checked(refused.html)).toBe('daily');
  const done = await operator.post(
    `${server}/find/register`,
    body({ when: 'cron', cronExpression: '0 23 * * *' }),
  );
  expect(done.status).toBe(303);
  expect(await ownOf(`${ODD}.db`)).toMatchObject({ cron_expression: '0 23 * * *' });
});
