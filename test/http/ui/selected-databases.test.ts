import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordNewest } from '../../../src/backups/newest-backups.ts';
import { createDatabase } from '../../../src/databases/databases.ts';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { newId } from '../../../src/ids.ts';
import { savePolicy } from '../../../src/retention/retention-actions.ts';
import { scheduleInput } from '../../../src/schedules/fields.ts';
import { createRule } from '../../../src/schedules/rules.ts';
import { getSchedule, putSchedule } from '../../../src/schedules/schedules.ts';
import { PRESET_TIERS } from '../../../src/settings/retention-presets.ts';
import { addRun } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ACTOR = { userId: null, address: null };
const DAY_MS = 86_400_000;
const ODD = [
  `Größe + "x" <script>alert(1)</script> 🐘`,
  `${'ä'.repeat(190)}'&amp;`,
  '\u202eגיבוי 100 % a=b&c',
] as const;

let pages: Pages;
let operator: Visitor;
let environmentId: string;
let ids: readonly string[];
beforeAll(async () => {
  pages = await openPages();
  operator = await pages.signedIn('operator');
});
afterAll(() => pages.close());
beforeEach(async () => {
  const { services } = pages;
  environmentId = (await createEnvironment(services, ACTOR, { name: `e ${newId()}` })).id;
  const made: string[] = [];
  for (const name of ODD) {
    const source = { name, type: 'sqlite', filePath: `${services.config.localPaths[0]}/x.db` };
    made.push((await createDatabase(services, ACTOR, environmentId, source)).id);
  }
  ids = made;
});

const at = (action: string) => `/databases/selected/${action}`;
const idsOf = (of: readonly string[]) => of.map((id) => `id=${id}`).join('&');
const form = (of: readonly string[], fields: Readonly<Record<string, string>> = {}) =>
  `${idsOf(of)}&${new URLSearchParams(fields)}`;
const text = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');
const seenIn = (html: string) => /name="seen" value="(\w+)"/.exec(html)?.[1] ?? '';
const scheduleOf = (id = '') => getSchedule(pages.services, id);
const nightly = (more: object = {}) => scheduleInput.parse({ cronExpression: '0 2 * * *', ...more });

/** What was recorded of these databases by a person. */
async function recorded(action: string): Promise<readonly (string | null)[]> {
  const rows = await pages.services.db
    .selectFrom('audit_logs')
    .select(['resource_name', 'action', 'resource_type'])
    .where('environment_id', '=', environmentId)
    .where('user_id', 'is not', null)
    .execute();
  return rows
    .filter((row) => `${row.resource_type}.${row.action}` === action)
    .map((row) => row.resource_name)
    .sort();
}

describe('what is done to the selected databases', () => {
  it('is asked first, for how many and with what they have now, and of no more than a page', async () => {
    const list = (await operator.get('/databases')).html;
    const viewer = await pages.signedIn('viewer');
    const [first = '', second = ''] = ids;
    await putSchedule(pages.services, ACTOR, first, nightly());
    for (const action of ['pause', 'resume', 'schedule', 'retention', 'read']) {
      expect(list).toContain(`formmethod="get" formaction="${at(action)}"`);
      const asked = await operator.get(`${at(action)}?${idsOf([first, second, second, 'nope'])}`);
      expect(asked.status).toBe(200);
      expect(text(asked.html)).toMatch(/2 databases/);
      expect(text(asked.html)).toContain('1 of the selected is no longer registered');
      for (const name of ODD.slice(0, 2)) expect(text(asked.html)).toContain(name);
      expect(asked.html).not.toContain('<script>alert');
      expect((await operator.get(at(action))).location).toBe('/databases');
      expect((await operator.post(at(action), 'times=0 2 * * *&pausedReason=x&preset=lean')).location).toBe(
        '/databases',
      );
      const many = Array.from({ length: 51 }, (_, index) => `id=${index}`).join('&');
      expect((await operator.post(at(action), many)).status).toBe(400);
      expect((await viewer.get(`${at(action)}?${idsOf(ids)}`)).status).toBe(403);
      expect((await viewer.post(at(action), form(ids, { pausedReason: 'x' }))).status).toBe(403);
    }
    const asked = text((await operator.get(`${at('schedule')}?${idsOf([first, second])}`)).html);
    expect(asked).toContain('At 02:00, every day (0 2 * * *), its own');
    expect(asked).toContain('none: nothing begins by itself');
    expect((await viewer.get('/databases')).html).not.toContain('formaction');
  });

  it('pauses each that has a schedule, tells of the others by name, and lets them go on', async () => {
    const [own = '', none = ''] = ids;
    const { services } = pages;
    await putSchedule(services, ACTOR, own, nightly({ retries: 5, timeZone: 'Europe/Berlin' }));
    const paused = await operator.post(at('pause'), form(ids, { pausedReason: 'Umzug "ü" <b>' }));
    expect(paused.status).toBe(422);
    expect(text(paused.html)).toContain('It was done to 1 database.');
    expect(paused.html.match(/there is nothing to pause/g)).toHaveLength(2);
    expect(paused.html).not.toContain(`name="id" value="${own}"`);
    expect(paused.html).toContain(`name="id" value="${none}"`);
    expect(await recorded('backup_schedule.update')).toEqual([ODD[0]]);
    expect((await scheduleOf(own)).own).toMatchObject({
      ...{ pausedReason: 'Umzug "ü" <b>', retries: 5, timeZone: 'Europe/Berlin', nextRunAt: null },
    });
    expect((await scheduleOf(none)).own).toBeNull();
    // The page of one leads to the same, for the one.
    expect((await operator.get(`/databases/${own}`)).html).toContain(
      `href="${at('resume')}?id=${own}&amp;from=page">Resume…`,
    );
    expect((await operator.get(`/databases/${none}`)).html).toContain(
      `href="${at('pause')}?id=${none}&amp;from=page">Pause…`,
    );
    expect((await operator.post(at('pause'), form([own], { pausedReason: 'other' }))).html).toContain(
      'It is paused already: Umzug',
    );
    expect((await operator.post(at('pause'), form(ids, { pausedReason: ' ' }))).status).toBe(422);

    // Back in the list as it was.
    const list = '/databases?q=gr%C3%B6&state=paused&offset=50';
    const query = `back=${encodeURIComponent(list)}`;
    const again = await operator.get(`${at('pause')}?id=${own}&${query}`);
    expect(again.html).toContain('name="back" value="/databases?q=gr%C3%B6&amp;state=paused&amp;offset=50"');
    expect(again.html.match(/href="\/databases\?q=gr%C3%B6&amp;state=paused&amp;offset=50"/g)).toHaveLength(
      2,
    );
    expect((await operator.get(`${at('pause')}?${query}`)).location).toBe(list);
    expect((await operator.post(at('pause'), `pausedReason=x&${query}`)).location).toBe(list);
    expect(
      (await operator.post(at('schedule'), `${form([none], { times: '0 3 * * SUN' })}&${query}`)).location,
    ).toBe(list);

    const resumed = await operator.post(at('resume'), form([own], { from: 'page' }));
    expect([resumed.status, resumed.location]).toEqual([303, `/databases/${own}`]);
    expect((await operator.get(`/databases/${own}`)).html).toContain('1 database goes on.');
    expect((await scheduleOf(own)).own).toMatchObject({ pausedReason: null, retries: 5 });
    expect((await operator.post(at('resume'), form([own]))).html).toContain('It is not paused.');
  });

  it('gives each the times of a preset or of its own, or the rule’s, and leaves the rest', async () => {
    const { services } = pages;
    const [own = '', ...others] = ids;
    await putSchedule(services, ACTOR, own, nightly({ retries: 7, enabled: false, pausedReason: 'why' }));
    const weekly = await operator.post(at('schedule'), form(ids, { times: '0 3 * * SUN' }));
    expect([weekly.status, weekly.location]).toEqual([303, '/databases']);
    expect((await operator.get('/databases')).html).toContain('3 schedules are changed');
    expect((await scheduleOf(own)).own).toMatchObject({
      ...{ cronExpression: '0 3 * * SUN', retries: 7, enabled: false, pausedReason: 'why' },
    });
    expect((await scheduleOf(others[0])).own).toMatchObject({ enabled: true, retries: 2 });
    expect(await recorded('backup_schedule.update')).toEqual([...ODD].sort());

    const each: Readonly<Record<string, string>>[] = [
      { times: 'own', cronExpression: '61 * * * *' },
      { times: 'x' },
      {},
    ];
    for (const wrong of each) {
      const refused = await operator.post(at('schedule'), form(ids, wrong));
      expect([wrong, refused.status]).toEqual([wrong, 422]);
      expect(refused.html).toMatch(/id="field-(times|cronExpression)-error"/);
    }
    // No day like that comes: said of each.
    const never = await operator.post(
      at('schedule'),
      form(ids, { times: 'own', cronExpression: '0 0 30 2 *' }),
    );
    expect(never.html.match(/no such day comes/g)).toHaveLength(3);

    const noRule = await operator.post(at('schedule'), form([own], { times: 'rule' }));
    expect(text(noRule.html)).toContain('No rule fits it');
    expect((await scheduleOf(own)).own).not.toBeNull();
    await createRule(services, ACTOR, { ...nightly({ retries: 4 }), name: 'Regel "ü"', ...scope() });
    expect((await operator.post(at('schedule'), form(ids, { times: 'rule' }))).status).toBe(303);
    expect(await scheduleOf(own)).toMatchObject({ own: null, effective: { rule: { name: 'Regel "ü"' } } });
    // What the rule said beside its times is kept, paused or not.
    await operator.post(at('pause'), form([own], { pausedReason: 'x' }));
    expect((await scheduleOf(own)).own).toMatchObject({ retries: 4, pausedReason: 'x' });
  });

  it('leaves to admins what of a rule is for admins to say', async () => {
    const drill = { drillCron: '0 5 * * SUN', drillFolder: '/var/tmp' };
    const rule = { ...nightly(drill), name: 'with drills', ...scope() };
    await createRule(pages.services, ACTOR, rule);
    const refused = await operator.post(at('pause'), form(ids.slice(0, 1), { pausedReason: 'x' }));
    expect(refused.html).toContain('Only admins say on which server');
    const admin = await pages.signedIn('admin');
    expect((await admin.post(at('pause'), form(ids.slice(0, 1), { pausedReason: 'x' }))).status).toBe(303);
    expect((await scheduleOf(ids[0])).own).toMatchObject(drill);
  });

  it('saves nothing over what somebody else has changed meanwhile, until it is sent again', async () => {
    const { html } = await operator.get(`${at('schedule')}?${idsOf(ids)}`);
    await putSchedule(pages.services, ACTOR, ids[1] ?? '', nightly());
    const sent = { times: '0 * * * *', seen: seenIn(html) };
    const stale = await operator.post(at('schedule'), form(ids, sent));
    expect(stale.status).toBe(422);
    expect(text(stale.html)).toContain('Somebody has changed this');
    expect(text(stale.html)).toContain('At 02:00, every day (0 2 * * *), its own');
    expect((await scheduleOf(ids[0])).own).toBeNull();
    const again = await operator.post(at('schedule'), form(ids, { ...sent, seen: seenIn(stale.html) }));
    expect(again.status).toBe(303);
    expect((await scheduleOf(ids[1])).own?.cronExpression).toBe('0 * * * *');
  });

  it('asks before much goes of all together, and prunes nothing before that is confirmed', async () => {
    const { db } = pages.services;
    const policies = () =>
      db.selectFrom('backup_policies').selectAll().where('database_id', 'in', ids).execute();
    const left = async () =>
      (await db.selectFrom('backups').select('id').where('database_id', 'in', ids).execute()).length;
    const [first = ''] = ids;
    await savePolicy(
      pages.services,
      ACTOR,
      first,
      { preset: 'lean', ...PRESET_TIERS.lean, maxShrinkPercent: 80 },
      AbortSignal.abort(),
    );
    for (const id of ids.slice(0, 2)) await addBackups(id, 6);
    const typed = { preset: 'custom', keepLast: '2', daily: '0', weekly: '0', monthly: '0', yearly: '0' };
    // Four of each alone go without a word.
    const list = '/databases?sort=name';
    const asked = await operator.post(
      at('retention'),
      form(ids, { ...typed, minFloor: '1', maxTotalGib: '1,5', back: list }),
    );
    expect(asked.status).toBe(409);
    expect(text(asked.html)).toContain('Prune 8 backups of 2 databases?');
    expect(text(asked.html)).toContain(`${ODD[0]}: 4 (`);
    expect([await left(), (await policies()).length]).toEqual([12, 1]);

    const dialog = /<dialog.*?<\/dialog>/s.exec(asked.html)?.[0] ?? '';
    const fields = [...dialog.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
    const body = new URLSearchParams(fields.map(([, name = '', value = '']) => [name, value]));
    expect(body.getAll('id')).toEqual(ids);
    expect(dialog).toContain(`&amp;back=${encodeURIComponent(list)}"`);
    const saved = await operator.post(at('retention'), body.toString());
    expect([saved.status, saved.location]).toEqual([303, list]);
    expect((await operator.get('/databases')).html).toContain('3 policies are saved.');
    expect(await policies()).toHaveLength(3);
    expect((await policies()).find((row) => row.database_id === first)).toMatchObject({
      ...{ keep_last: 2, preset: 'custom', max_shrink_percent: 80, max_total_bytes: 1.5 * 2 ** 30 },
    });
    expect(await recorded('backup_retention_policy.update')).toEqual([...ODD].sort());
    await expect.poll(left).toBe(4);

    const wrong = await operator.post(
      at('retention'),
      form(ids, { ...typed, keepLast: '101', minFloor: '1' }),
    );
    expect([wrong.status, wrong.html.includes('field-keepLast-error')]).toEqual([422, true]);
  });

  it('reads the last good backup of each in full, and says which have none or are being read', async () => {
    const [first = '', second = ''] = ids;
    await addBackups(first, 2);
    const read = await operator.post(at('read'), form([first, second, 'nope']));
    expect(read.status).toBe(422);
    expect(text(read.html)).toContain('It was done to 1 database.');
    expect(text(read.html)).toContain('It has no good backup yet.');
    expect(text(read.html)).toContain('1 of the selected is no longer registered.');
    expect(await recorded('backup.verify')).toHaveLength(1);
    const other = await pages.signedIn('operator');
    expect((await other.post(at('read'), form([first]))).html).toContain('being read in full already');
    expect(await recorded('backup.verify')).toHaveLength(1);
  });
});

const scope = () => ({ environmentId, tag: null, engine: null });

/** Good ones of so many nights, the oldest first. */
async function addBackups(databaseId: string, count: number): Promise<void> {
  const { db, config } = pages.services;
  for (let night = count; night > 0; night -= 1) {
    const created = new Date(Date.now() - night * DAY_MS).toISOString();
    const id = newId();
    const key = `${config.localPaths[0]}/${id}.sql`;
    const backup = await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: databaseId, filename: 'x', size: 1000, type: 'scheduled', token: newId() },
        ...{ status: 'completed', outcome: 'completed', storage_type: 'local', storage_path: key },
        ...{ bytes_read: 1000, bytes_stored: 1000, is_pinned: 0 },
        ...{ created_at: created, started_at: created, completed_at: created },
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await addRun(db, backup);
    const place = { endpoint: 'host:local', region: null, bucket: '' };
    await db
      .insertInto('backup_objects')
      .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...place, key, bytes: 1000 })
      .execute();
  }
  await write(db, (trx) => recordNewest(trx, databaseId, new Date()));
}
