import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayAfter, dayOf } from '../../../src/backups/days.ts';
import { recordNewest } from '../../../src/backups/newest-backups.ts';
import type { BackupRow } from '../../../src/db/schema.ts';
import { write } from '../../../src/db/write.ts';
import { followDrills } from '../../../src/drills/follow.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { newId } from '../../../src/ids.ts';
import { scheduleInput } from '../../../src/schedules/fields.ts';
import { putSchedule } from '../../../src/schedules/schedules.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;
const ODD = `Größe + "x" <b>🐘</b> ${'l'.repeat(160)}`;
const ODD_HTML = `Größe + &quot;x&quot; &lt;b&gt;🐘&lt;/b&gt; ${'l'.repeat(160)}`;

let pages: Pages;
let viewer: Visitor;
beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

const textOf = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
const hoursAgo = (hours: number) => new Date(pages.services.now().getTime() - hours * HOUR_MS);

/** A backup of a database of its own, of that name. */
async function backedUp(
  name: string,
  hours: number,
  values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow> & { readonly step?: string },
) {
  const { db } = pages.services;
  const at = hoursAgo(hours).toISOString();
  const row = await insertBackup(db, hoursAgo(hours), { started_at: at, completed_at: at, ...values });
  await db.updateTable('databases').set({ name }).where('id', '=', row.database_id).execute();
  return row;
}

const GOOD = { status: 'completed', outcome: 'completed', verification: 'stored' } as const;

describe('what runs now', () => {
  const shareIn = (html: string) => /<progress[^>]*max="100"(?: value="(\d+)")?/.exec(html)?.[1];

  it('is told in the numbers of its own page, on the overview and under Runs', async () => {
    const { db } = pages.services;
    const good = await backedUp(ODD, 30, { ...GOOD, bytes_read: 100 * MIB, size: 9 * MIB });
    const values = { status: 'in_progress', outcome: null, estimated_bytes: 316 * MIB } as const;
    const live = await backedUp('other', 0, {
      ...{ ...values, bytes_read: 64 * MIB, bytes_stored: 6 * MIB, completed_at: null, step: 'dump' },
    });
    // Of the same database, whose estimate of its size is another.
    await db
      .updateTable('backups')
      .set({ database_id: good.database_id })
      .where('id', '=', live.id)
      .execute();
    const own = await viewer.get(`/databases/${good.database_id}/runs`);
    const [, numbers = ''] = /class="progress-numbers"[^>]*>([^<]+)</.exec(own.html) ?? [];
    expect(numbers).toBe('64.0 MiB of about 100 MiB');
    expect(shareIn(own.html)).toBe('64');
    for (const path of ['/', '/runs', '/runs/running']) {
      const { html } = await viewer.get(path);
      const [, part = ''] = new RegExp(`id="running-${live.id}">(.*?)</li>`, 's').exec(html) ?? [];
      expect([path, textOf(part).includes(`running dumping Log : ${ODD_HTML} ${numbers}`)]).toEqual([
        path,
        true,
      ]);
      expect([path, shareIn(part)]).toEqual([path, '64']);
      expect(html).toContain(`data-title="64 % · ${ODD_HTML}"`);
    }
    expect((await viewer.get('/runs/running')).html).toContain(`href="/runs/${live.id}/log"`);
    // A dump that says nothing yet: how long ago it began, or nothing where the clock was set back.
    await db
      .updateTable('backups')
      .set({ bytes_read: 0, bytes_stored: 0 })
      .where('id', '=', live.id)
      .execute();
    for (const [ago, words] of [
      [13_400, /began 1[345] s ago, 0 B so far/],
      [3_725_000, /began 1 h 2 min ago, 0 B so far/],
      [-60_000, /^(?!.*(began|so far))/],
    ] as const) {
      const started_at = new Date(pages.services.now().getTime() - ago).toISOString();
      await db.updateTable('runs').set({ started_at }).where('id', '=', live.id).execute();
      expect(textOf((await viewer.get('/runs/running')).html)).toMatch(words);
    }
    await db
      .updateTable('backups')
      .set({ bytes_read: 64 * MIB, bytes_stored: 6 * MIB })
      .where('id', '=', live.id)
      .execute();
    for (const [step, words] of [
      ['upload', 'storing'],
      ['verify', 'reading back'],
    ] as const) {
      await db.updateTable('runs').set({ step }).where('id', '=', live.id).execute();
      const { html } = await viewer.get('/runs/running');
      expect([step, html.includes('<progress'), shareIn(html)]).toEqual([step, true, undefined]);
      expect(textOf(html)).toMatch(new RegExp(`${words} Log : .* 64\\.0 MiB dumped · 6\\.0 MiB stored`));
      expect(html).toContain(`data-title="${words} · Größe`);
    }
    await db.deleteFrom('runs').where('id', '=', live.id).execute();
    await db.deleteFrom('backups').where('id', '=', live.id).execute();
  });

  it('is told of a restore by what it has read, and of a full read by its step', async () => {
    const { db, now } = pages.services;
    const at = now().toISOString();
    const of = await backedUp('restored', 9, GOOD);
    const id = newId();
    const run = {
      ...{ server_id: null, progress: 0, attempts: 1, created_at: at, started_at: at },
      ...({ state: 'running', subject_id: null, in_repair: 0 } as const),
    };
    await db
      .insertInto('runs')
      .values([
        { id: newId(), kind: 'verification', lane: 'y', step: 'reading', ...run },
        {
          ...{ ...run, id, kind: 'restore', lane: 'z', step: 'load', subject_id: of.id },
          detail: JSON.stringify({ bytes: 30 * MIB, total: 60 * MIB }),
        },
      ])
      .execute();
    const { environment_id } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', of.database_id)
      .executeTakeFirstOrThrow();
    await db
      .insertInto('restores')
      .values({
        ...{ id, backup_id: of.id, database_id: of.database_id, environment_id, engine: 'sqlite' },
        ...{ options: '{}', new_name: 'n', token: id, state: 'loading', removal_tries: 0, created_at: at },
        ...{ in_place: 0, end_sessions: 0, is_name_ours: 0 },
      })
      .execute();
    const { html } = await viewer.get('/runs/running');
    const text = textOf(html);
    expect(text).toMatch(
      /of restored \w+ running loading Log : of restored 30\.0 MiB of 60\.0 MiB · \d+ s left/,
    );
    expect(shareIn(html.slice(html.indexOf(`running-${id}`)))).toBe('50');
    expect((await viewer.get(`/restores/${id}/run`)).html).toContain('30.0 MiB of 60.0 MiB');
    expect(text).toMatch(/running reading in full Log : of what is gone began (&lt;1|\d+) s ago/);
    await db.deleteFrom('runs').where('started_at', '=', at).execute();
    await db.deleteFrom('restores').execute();
  });
});

describe('what needs attention', () => {
  const ACTOR = { userId: null, address: null };
  /** The line of that database, as it is read, and its HTML. */
  const lineOf = (html: string, name: string) => {
    const [, list = ''] = /<ul class="attention">(.*?)<\/ul>/s.exec(html) ?? [];
    const line = list.split(/<li[^>]*>/).find((one) => one.includes(`>${name}</a>`)) ?? '';
    return { html: line, text: textOf(line) };
  };
  const hourly = (more: object = {}) => scheduleInput.parse({ cronExpression: '0 * * * *', ...more });
  const slot = (
    databaseId: string,
    hours: number,
    reason: 'storage_off' | 'blackout',
    detail: string | null,
  ) => {
    const at = hoursAgo(hours).toISOString();
    return pages.services.db
      .insertInto('schedule_slots')
      .values({
        ...{ id: newId(), database_id: databaseId, due_at: at, last_due_at: at, slots: 1, decided_at: at },
        ...{ outcome: 'skipped', reason, detail, backup_id: null, tries: 1, is_watched: 0 },
      })
      .execute();
  };
  beforeAll(async () => {
    await pages.services.db.deleteFrom('databases').execute();
  });

  it('is told with its cause, whatever it is, and with the one thing to do', async () => {
    const { services } = pages;
    const failed = { status: 'failed', outcome: 'failed', step: 'dump' } as const;
    const error = JSON.stringify({
      message: `pg_dump: "${ODD}" <script>\nmore`,
      step: 'dump',
      code: 'dump_failed',
    });
    const good = await backedUp('failing', 3, GOOD);
    const later = await backedUp('gone', 1, { ...failed, error });
    await services.db
      .updateTable('backups')
      .set({ database_id: good.database_id })
      .where('id', '=', later.id)
      .execute();
    await write(services.db, (trx) => recordNewest(trx, good.database_id, new Date()));
    await services.db.deleteFrom('databases').where('id', '=', later.database_id).execute();
    const damaged = await backedUp('damaged', 3, { ...GOOD, verification: 'failed' });
    const paused = await backedUp('paused', 90, GOOD);
    await putSchedule(services, ACTOR, paused.database_id, hourly({ pausedReason: 'Umzug "ü" <b>' }));
    const stood = await backedUp('stood still', 80, GOOD);
    const off = await backedUp('off', 70, GOOD);
    const alone = await backedUp('alone', 60, GOOD);
    for (const { database_id: id } of [stood, off]) await putSchedule(services, ACTOR, id, hourly());
    // Before the last good one, and since.
    await slot(stood.database_id, 90, 'storage_off', null);
    await slot(off.database_id, 3, 'storage_off', null);
    await slot(off.database_id, 2, 'blackout', 'db2 "ü"');

    const operator = await pages.signedIn('operator');
    const { html } = await operator.get('/');
    const { html: read } = await viewer.get('/');
    for (const [name, state, cause, toDo] of [
      ['failing', 'failing', 'pg_dump: &quot;Größe + &quot;x&quot;', 'Retry'],
      ['damaged', 'never', 'Its newest backup was found damaged after it was made.', 'Back up now'],
      ['paused', 'paused', 'Its schedule is paused: Umzug &quot;ü&quot; &lt;b&gt;', 'Resume…'],
      ['stood still', 'late', 'No backup began since then.', 'Back up now'],
      [
        'off',
        'late',
        'Nothing began at its last time. Nothing may begin on the server at that time: db2',
        'Back up now',
      ],
      ['alone', 'late', 'It has no schedule: nothing backs it up by itself.', 'Back up now'],
    ] as const) {
      const line = lineOf(html, name);
      expect([name, line.text.includes(cause), line.text]).toEqual([name, true, line.text]);
      expect([name, line.text.startsWith(state), line.text.endsWith(toDo)]).toEqual([name, true, true]);
      expect(lineOf(read, name).html).not.toMatch(/<form|Resume/);
    }
    expect(html).not.toContain('more</p>');
    const { database_id: id } = paused;
    expect(lineOf(html, 'paused').html).toContain(`href="/databases/selected/resume?id=${id}&amp;from=page"`);
    expect(lineOf(html, 'failing').html).toContain(`action="/databases/${good.database_id}/backups"`);
    expect(damaged.id).not.toBe(alone.id);
  });
});

describe('the tiles and the chart of what is stored', () => {
  it('tell how many are protected, the oldest last good one with its target, and the bytes of each day', async () => {
    const { db, now } = pages.services;
    await db.deleteFrom('databases').execute();
    await db.deleteFrom('environment_days').execute();
    const first = await backedUp('first', 2, GOOD);
    const second = await backedUp(ODD, 20, GOOD);
    const late = await backedUp('late', 50, GOOD);
    await db
      .updateTable('databases')
      .set({ max_backup_age_hours: 72 })
      .where('id', '=', second.database_id)
      .execute();
    await backedUp('never', 1, { status: 'failed', outcome: 'failed' });
    const { environment_id } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', first.database_id)
      .executeTakeFirstOrThrow();
    const stored = { database_id: first.database_id, endpoint: 'https://s', bucket: 'b', backups: 3 };
    await db
      .insertInto('stored_totals')
      .values({ ...stored, bytes: 300 * MIB })
      .execute();
    await db
      .insertInto('environment_days')
      .values({ environment_id, day: dayOf(now()), good: 1, failed: 0, added: 200 * MIB, freed: 0 })
      .execute();
    const { html } = await viewer.get('/');
    const tiles = html
      .split('class="tile"')
      .slice(1)
      .map((one) => one.split('</div></div>')[0] ?? '');
    const tile = (label: string) => tiles.find((one) => one.includes(`>${label}<`)) ?? '';
    expect(tile('Protected')).toMatch(/^ href="\/databases\?state=protected">.*>2 \/ 4</s);
    const oldest = tile('Oldest last good backup');
    expect(oldest).toMatch(/^ href="\/databases\?sort=last-good">/);
    expect(oldest).toContain('late (');
    expect(oldest).toContain('target 26 h');
    await db.deleteFrom('databases').where('id', '=', late.database_id).execute();
    expect((await viewer.get('/')).html).toContain(`${ODD_HTML} (`);
    expect(tile('Stored')).toContain('300 MiB');
    const [, chart = ''] = /<h2>Stored, last 60 days<\/h2>(.*?)<\/figure>/s.exec(html) ?? [];
    expect(chart).toMatch(/aria-label="Stored from [^"]*: between 100 MiB and 300 MiB, at last 300 MiB\."/);
    expect(chart).toContain('<path class="area"');
    await db.deleteFrom('databases').execute();
  });
});

describe('what ended last', () => {
  const lines = (html: string) => {
    const [, list = ''] = /<h2>Latest<\/h2>(.*?)<\/ul>/s.exec(html) ?? [];
    return list
      .split(/<li[^>]*>/)
      .slice(1)
      .map((one) => `${textOf(one).replace(/ \d+ h ago.*/, '')} ${/href="([^"]+)"/.exec(one)?.[1]}`);
  };

  it('is told of every kind but pruning, of backups with what is proven, also of one environment', async () => {
    const { db } = pages.services;
    await db.deleteFrom('databases').execute();
    await db.deleteFrom('runs').execute();
    await db.deleteFrom('environments').execute();
    const good = await backedUp('good', 9, { ...GOOD, verification: 'drill' });
    const error = JSON.stringify({ message: 'x', step: 'dump', code: 'dump_failed' });
    const bad = await backedUp('bad', 8, { status: 'failed', outcome: 'failed', error });
    const cut = await backedUp('cut', 7, { status: 'failed', outcome: 'interrupted' });
    const other = await backedUp('other', 6, { ...GOOD, verification: 'failed' });
    await backedUp('gone', 5, { ...GOOD, deleted_at: hoursAgo(5).toISOString() });
    const run = (
      kind: 'restore' | 'verification' | 'deep_test' | 'prune' | 'drill',
      hours: number,
      of: string | null,
    ) => {
      const at = hoursAgo(hours).toISOString();
      const id = newId();
      return {
        ...{
          id,
          kind,
          subject_id: of,
          lane: id,
          state: 'completed' as const,
          server_id: null,
          progress: 100,
        },
        ...({ attempts: 1, in_repair: 0, created_at: at, started_at: at, ended_at: at } as const),
      };
    };
    const restore = run('restore', 4, good.id);
    const read = run('verification', 3, other.id);
    const whole = run('verification', 3.5, good.id);
    const stopped = { ...run('verification', 3.7, good.id), state: 'cancelled' as const };
    await db
      .insertInto('runs')
      .values([restore, read, whole, stopped, run('deep_test', 2, null), run('prune', 1, null)])
      .execute();
    const all = [
      'completed Deep test of the storage /admin/storage#capabilities',
      `not readable Full read of other /backups/${other.id}`,
      `read in full Full read of good /backups/${good.id}`,
      `cancelled Full read of good /backups/${good.id}`,
      `completed Restore of good /restores/${restore.id}`,
      `not readable other /backups/${other.id}`,
      `interrupted cut /backups/${cut.id}`,
      `failed at dump bad /backups/${bad.id}`,
      `restored good /backups/${good.id}`,
    ];
    const shown = (await viewer.get('/')).html;
    const names = (await db.selectFrom('environments').select('name').execute()).map(({ name }) => name);
    const withoutNames = (html: string) =>
      lines(names.reduce((text, name) => text.replaceAll(` ${name}<`, '<'), html));
    expect(withoutNames(shown)).toEqual(all.slice(0, 6));
    const { environment_id: of } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', good.database_id)
      .executeTakeFirstOrThrow();
    expect(lines((await viewer.get(`/?environment=${of}`)).html)).toEqual([all[2], all[3], all[4], all[8]]);
    await viewer.get('/?environment=all');
    await db.deleteFrom('runs').execute();
    await db.deleteFrom('databases').execute();
  });
});

describe('a database that has the name of another', () => {
  it('is told with its environment wherever it is named, where there is more than one', async () => {
    const { db, now } = pages.services;
    await db.deleteFrom('databases').execute();
    await db.deleteFrom('environments').execute();
    const row = await backedUp(ODD, 5, GOOD);
    const of = db.updateTable('environments').set({ name: 'staging "ü"' });
    await of.execute();
    const at = now().toISOString();
    await db
      .insertInto('database_schedules')
      .values({
        ...{
          database_id: row.database_id,
          schedule_id: 's',
          settled_as: 's',
          time_zone: 'UTC',
          is_paused: 0,
        },
        ...{ interval_minutes: 600, due_at: at, run_at: at, anchored_at: at },
      })
      .execute();
    await db
      .insertInto('drill_states')
      .values({ database_id: row.database_id, proven_at: at, restore_ms: 2000 } as never)
      .execute();
    const parts = async () => {
      const { html } = await viewer.get('/');
      const panel = (title: string) => new RegExp(`<h2>${title}</h2>.*?</ul>`, 's').exec(html)?.[0] ?? '';
      const tile = (label: string) =>
        html
          .split('class="tile"')
          .find((one) => one.includes(label))
          ?.split('class="panel')[0] ?? '';
      return [panel('Next runs'), panel('Latest'), tile('Oldest last good'), tile('Last proven restore')];
    };
    for (const part of await parts()) {
      expect(part).toContain(ODD_HTML);
      expect(part).not.toContain('staging');
    }
    await createEnvironment(pages.services, { userId: null, address: null }, { name: 'production' });
    for (const part of await parts()) expect(part).toContain('staging &quot;ü&quot;');
    await db.deleteFrom('databases').execute();
  });
});

describe('what begins next', () => {
  const next = async (visitor: Visitor) =>
    textOf(/<h2>Next runs<\/h2>(.*?)<\/ul>/s.exec((await visitor.get('/')).html)?.[1] ?? '');

  it('is told by its rule where it is more than one; drills and the deep test are among it', async () => {
    const { services } = pages;
    const { db, now } = services;
    for (const name of ['one', 'two', 'three']) await backedUp(name, 3, GOOD);
    const operator = await pages.signedIn('operator');
    const inHours = (hours: number) => new Date(now().getTime() + hours * HOUR_MS);
    const hour = inHours(2).getUTCHours();
    const rule = {
      name: 'nightly "ü" <b>🐘',
      cronExpression: `0 ${hour} * * *`,
      drillCron: `30 ${hour} * * *`,
    };
    const times = { ...rule, timeZone: 'UTC', enabled: 'true', retries: '0', retryMinutes: '10' };
    expect((await operator.post('/schedules/rules/new', times)).status).toBe(303);
    await followDrills(services);
    const clock = `${String(hour).padStart(2, '0')}`;
    const name = 'nightly &quot;ü&quot; &lt;b&gt;🐘';
    expect(await next(viewer)).toBe(
      `${clock}:00 3 databases · ${name} ${clock}:30 drills of 3 databases · ${name}`,
    );
    expect((await viewer.get('/')).html).not.toContain('href="/schedules/rules/c');
    expect((await operator.get('/')).html).toMatch(/3 databases · <a href="\/schedules\/rules\/c\w+">/);

    const [first, ...others] = await db.selectFrom('databases').select('id').orderBy('name').execute();
    await db
      .deleteFrom('databases')
      .where(
        'id',
        'in',
        others.map(({ id }) => id),
      )
      .execute();
    // With its environment, of which there are others.
    expect(await next(viewer)).toMatch(new RegExp(`^${clock}:00 one c\\w+ ${clock}:30 drill of one c\\w+$`));
    expect((await viewer.get('/')).html).toContain(`drill of <a href="/databases/${first?.id}/drills">`);

    const at = hoursAgo(48).toISOString();
    const spaces = { id: 'c', access_key: 'x', secret_key: 'x', region: 'eu', endpoint: 'https://s' };
    const stored = { ...spaces, buckets: '[]', encryption: 'none', created_at: at, updated_at: at } as const;
    await db.insertInto('spaces_config').values(stored).execute();
    const result = { endpoint: 'https://s', provider: 'x', source: 'configured', buckets: [] };
    const tested = {
      id: 'p',
      endpoint: 'https://s',
      cause: 'asked',
      started_at: at,
      finished_at: at,
    } as const;
    await db
      .insertInto('storage_probes')
      .values({ ...tested, result: JSON.stringify({ ...result, problems: [], lost: [] }) })
      .execute();
    expect(await next(viewer)).toMatch(/ (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d deep test of the storage$/);
    expect((await viewer.get('/')).html).not.toContain('/admin/storage#capabilities');
    const admin = await pages.signedIn('admin');
    expect((await admin.get('/')).html).toContain('<a href="/admin/storage#capabilities">the storage</a>');
    // Once it is due, it is begun within the hour.
    const longAgo = hoursAgo(24 * 9).toISOString();
    await db.updateTable('storage_probes').set({ finished_at: longAgo }).execute();
    expect(await next(viewer)).toMatch(/^\d\d:\d\d deep test of the storage /);
    await db.updateTable('spaces_config').set({ endpoint: 'https://other' }).execute();
    expect(await next(viewer)).not.toContain('deep test');
    for (const table of ['storage_probes', 'spaces_config', 'databases', 'schedules'] as const) {
      await db.deleteFrom(table).execute();
    }
  });
});

describe('drills that failed, among what needs attention', () => {
  it('stand by how bad they are, with a drill to retry, and no more than eight lines in all', async () => {
    const { db } = pages.services;
    await db.deleteFrom('databases').execute();
    await Promise.all(['n1', 'n2'].map((name) => backedUp(name, 3, { status: 'failed', outcome: 'failed' })));
    const drill = async (name: string, failure: 'damaged' | 'role', hours: number) => {
      const row = await backedUp(name, 3, GOOD);
      await db
        .insertInto('drill_states')
        .values({
          database_id: row.database_id,
          failed_at: hoursAgo(hours).toISOString(),
          failure,
          says: ODD,
        } as never)
        .execute();
      return row;
    };
    const server = await drill('no server', 'role', 1);
    const damaged = await drill('does not come back', 'damaged', 9);
    const operator = await pages.signedIn('operator');
    const names = (html: string) => {
      const [, list = ''] = /<ul class="attention">(.*?)<\/ul>/s.exec(html) ?? [];
      return [...list.matchAll(/attention-words"><a [^>]*>([^<]+)</g)].map(([, name]) => name);
    };
    const { html } = await operator.get('/');
    expect(names(html).toSorted()).toEqual(['does not come back', 'n1', 'n2', 'no server']);
    expect(names(html).slice(2)).toEqual(['does not come back', 'no server']);
    for (const { id } of [server, damaged]) {
      expect(html).toContain(`action="/backups/${id}/drill"`);
      expect((await viewer.get('/')).html).not.toContain(`action="/backups/${id}/drill"`);
    }
    expect(html).toContain('All drills that failed');
    for (let index = 0; index < 6; index += 1) {
      await backedUp(`m${index}`, 3, { status: 'failed', outcome: 'failed' });
    }
    const full = (await operator.get('/')).html;
    expect([names(full).length, names(full).includes('does not come back')]).toEqual([8, false]);
    await backedUp('m9', 3, { status: 'failed', outcome: 'failed' });
    expect((await operator.get('/')).html).toContain('All 9 databases that need attention');
    await db.deleteFrom('databases').execute();
  });
});

describe('every backup, day by day', () => {
  const statesIn = (html: string) => {
    const [, chart = ''] = /<figure class="calendar">.*?<svg[^>]*aria-label="([^"]*)"/s.exec(html) ?? [];
    return chart;
  };
  const schedule = (databaseId: string, intervalMinutes: number, isPaused: 0 | 1 = 0) => {
    const at = pages.services.now().toISOString();
    return pages.services.db
      .insertInto('database_schedules')
      .values({
        ...{
          database_id: databaseId,
          schedule_id: 's',
          settled_as: 's',
          time_zone: 'UTC',
          is_paused: isPaused,
        },
        ...{ interval_minutes: intervalMinutes, due_at: at, run_at: at, anchored_at: at },
      })
      .execute();
  };

  it('tells late where none came though one was due, links what there is to the runs of the day', async () => {
    const { db, now } = pages.services;
    await db.deleteFrom('databases').execute();
    await db.deleteFrom('environment_days').execute();
    const weekly = await backedUp('weekly', 40 * 24, GOOD);
    const { environment_id } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', weekly.database_id)
      .executeTakeFirstOrThrow();
    const today = dayOf(now());
    const days = [34, 30].map((ago) => dayAfter(today, -ago));
    await db
      .insertInto('environment_days')
      .values(
        days.map((day, index) => ({
          environment_id,
          day,
          good: index + 1,
          failed: index,
          added: 0,
          freed: 0,
        })),
      )
      .execute();
    await schedule(weekly.database_id, 7 * 24 * 60);
    const calendar = async () => {
      const { html } = await viewer.get('/');
      for (const day of days) expect(html).toContain(`<a href="/runs?day=${day}" tabindex="-1"`);
      return statesIn(html);
    };
    const lateIn = (words: string) => Number(/(\d+) without one that was due/.exec(words)?.[1] ?? 0);
    // Seven days and two hours after the noon of the last good day.
    const slow = lateIn(await calendar());
    expect(slow).toBe(30 - 1 - 6);
    const nightly = await backedUp('nightly', 5 * 24, GOOD);
    await schedule(nightly.database_id, 24 * 60);
    expect(lateIn(await calendar())).toBe(slow);
    await db
      .updateTable('databases')
      .set({ created_at: hoursAgo(33 * 24).toISOString() })
      .execute();
    expect(lateIn(await calendar())).toBe(3 + 29);
    await db.updateTable('database_schedules').set({ is_paused: 1 }).execute();
    expect(lateIn(await calendar())).toBe(0);
  });
});
