import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { dayAfter, dayOf } from '../../../src/backups/days.ts';
import { recordNewest } from '../../../src/backups/newest-backups.ts';
import { spaceOf } from '../../../src/db/node/disk.ts';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const MESSAGE = 'The storage at "größe" <b>🐘 did not answer.';

let pages: Pages;
let viewer: Visitor;
beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

it('tells above all of a storage out of reach, of whose backup it knows, and where to look', async () => {
  const { db, now } = pages.services;
  const failed = await insertBackup(db, now(), {
    ...{ status: 'failed', outcome: 'failed', started_at: now().toISOString() },
    error: JSON.stringify({ message: MESSAGE, step: 'upload', code: 'storage_unreachable' }),
  });
  await db.updateTable('databases').set({ name: 'a+b "q" <i>', backup_storage_type: 'spaces' }).execute();
  const due = new Date(now().getTime() + 3 * 3_600_000 + 60_000).toISOString();
  await db
    .insertInto('database_schedules')
    .values({
      ...{ database_id: failed.database_id, schedule_id: 's', settled_as: 's', time_zone: 'UTC' },
      ...{ interval_minutes: 60, is_paused: 0, due_at: due, run_at: due, anchored_at: due },
    })
    .execute();
  const { html } = await viewer.get('/');
  const [, trouble = ''] = /(<section[^>]*aria-label="Storage".*?<\/section>)/s.exec(html) ?? [];
  expect(trouble).toContain('The storage is out of reach');
  expect(trouble).toContain('The storage at &quot;größe&quot; &lt;b&gt;🐘 did not answer.');
  expect(trouble).toContain(`href="/backups/${failed.id}"`);
  expect(trouble).not.toContain('/admin/storage');
  expect(html.indexOf('out of reach')).toBeLessThan(html.indexOf('aria-label="Verdict"'));
  expect((await (await pages.signedIn('admin')).get('/')).html).toContain('Look at the storage');

  await db
    .insertInto('spaces_config')
    .values({
      ...{ id: 'c', access_key: 'x', secret_key: 'x', region: 'eu', endpoint: 'https://s', buckets: '[]' },
      ...{ encryption: 'none', created_at: due, updated_at: due },
    })
    .execute();
  const changed = (await viewer.get('/')).html;
  expect(changed).toMatch(/verdict-warning" aria-label="Storage".*The storage was out of reach/s);
  expect(changed).toContain('was before its settings were changed: the deep test, or the next backup, tells');
  const error = JSON.stringify({ message: MESSAGE, step: 'upload', code: 'storage_bad_credentials' });
  await db.updateTable('backups').set({ error }).where('id', '=', failed.id).execute();
  expect((await viewer.get('/')).html).toContain('changed: Test Connection, or the next backup, tells');
  await db.deleteFrom('spaces_config').execute();

  const [, next = ''] = /<h2>Next runs<\/h2>(.*?)<\/ul>/s.exec(html) ?? [];
  expect(next).toContain('a+b &quot;q&quot; &lt;i&gt;');
  expect(next).toMatch(/<time datetime="[^"]+" title="[^"]+">\d\d:\d\d<\/time>/);
});

it('says of what was never backed up that no schedule does it, where nothing failed', async () => {
  const { db, now } = pages.services;
  const { id, database_id: databaseId } = await insertBackup(db, now(), {
    status: 'failed',
    outcome: 'failed',
  });
  await db.updateTable('databases').set({ name: 'lone "ü"' }).where('id', '=', databaseId).execute();
  await db.deleteFrom('backups').where('id', '=', id).execute();
  await write(db, (trx) => recordNewest(trx, databaseId, new Date()));
  const cause = async () =>
    /lone &quot;ü&quot;.*?<\/li>/s.exec((await viewer.get('/')).html)?.[0]?.includes('It has no schedule') ??
    null;
  expect(await cause()).toBe(true);
  const at = now().toISOString();
  await db
    .insertInto('database_schedules')
    .values({
      ...{ database_id: databaseId, schedule_id: 's', settled_as: 's', time_zone: 'UTC' },
      ...{ interval_minutes: 60, is_paused: 0, due_at: at, run_at: at, anchored_at: at },
    })
    .execute();
  expect(await cause()).toBe(false);
  await db.deleteFrom('databases').where('id', '=', databaseId).execute();
});

it('tells what will be stored in a week where two weeks are known, as a guess, and leads admins to the storage', async () => {
  const { db, now } = pages.services;
  const mib = 1024 ** 2;
  const { database_id: databaseId } = await db.selectFrom('backups').selectAll().executeTakeFirstOrThrow();
  const { environment_id } = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const grown = (from: number, until: number) =>
    Array.from({ length: until - from }, (_, at) => ({
      ...{ environment_id, good: 1, failed: 0, added: 3 * mib, freed: 2 * mib },
      day: dayAfter(dayOf(now()), -from - at),
    }));
  const place = { database_id: databaseId, endpoint: 'https://s', bucket: 'b', backups: 9 };
  const stored = (count: number) => ({ ...place, bytes: count * mib });
  await db.insertInto('stored_totals').values(stored(13)).execute();
  await db.insertInto('environment_days').values(grown(0, 13)).execute();
  const guess = async (visitor: Visitor) =>
    /about [\d.]+ MiB a week from now/.exec((await visitor.get('/')).html)?.[0];
  expect(await guess(viewer)).toBeUndefined();
  await db.updateTable('stored_totals').set(stored(16)).execute();
  await db.insertInto('environment_days').values(grown(13, 16)).execute();
  expect(await guess(viewer)).toBe('about 23.0 MiB a week from now');
  const { html } = await viewer.get('/');
  expect(html).toContain(
    'If it goes on as in the last 15 days, about 23.0 MiB in 7 days and 46.0 MiB in 30. That is a guess',
  );
  const tile = '<a class="tile" href="/admin/storage">';
  expect(html).not.toContain(tile);
  expect((await (await pages.signedIn('admin')).get('/')).html).toContain(tile);
  await db.deleteFrom('stored_totals').execute();
});

it('tells of a disk that is nearly full, and of one that has room nothing', async () => {
  const ask = async (free: number) => {
    const app = createApp({ ...pages.services, freeSpace: async () => ({ free, total: 1024 ** 4 }) });
    const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
    const answer = await app.request('http://localhost/', { headers: { cookie: viewer.cookie() } }, peer);
    return answer.text();
  };
  const html = await ask(300 * 1024 ** 2);
  expect(html).toContain('The app&#39;s own disk is nearly full');
  expect(html).toContain('300 MiB are left');
  expect(await ask(900 * 1024 ** 3)).not.toContain('nearly full');
  expect(await spaceOf('/nowhere/at all')).toBeNull();
  const space = await spaceOf('/');
  expect(space?.free).toBeLessThanOrEqual(space?.total ?? 0);
  expect(space?.total).toBeGreaterThan(0);
});

it('is loaded anew when a database becomes late while it stands open and nothing runs', async () => {
  const { db, now } = pages.services;
  const at = now().toISOString();
  const good = await insertBackup(db, now(), {
    ...{
      status: 'completed',
      outcome: 'completed',
      verification: 'stored',
      started_at: at,
      completed_at: at,
    },
  });
  await db
    .updateTable('databases')
    .set({ max_backup_age_hours: 1 })
    .where('id', '=', good.database_id)
    .execute();
  const ask = async (path: string, hours: number) => {
    const later = () => new Date(Date.parse(at) + hours * 3_600_000);
    const app = createApp({ ...pages.services, now: later });
    const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
    const answer = await app.request(
      `http://localhost${path}`,
      { headers: { cookie: viewer.cookie() } },
      peer,
    );
    const html = await answer.text();
    const next = / id="running"[^>]* hx-get="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    return { html, next, said: answer.headers.get('hx-trigger') };
  };
  for (const path of ['/', '/databases']) {
    const open = await ask(path, 0.5);
    expect(open.next).toContain('/runs/running?');
    const same = await ask(open.next, 0.9);
    expect([path, same.said, same.next]).toEqual([path, null, open.next]);
    const late = await ask(same.next, 1.5);
    expect([path, late.said]).toEqual([path, 'backups-changed,runs-ended']);
    expect((await ask(late.next, 1.6)).said).toBeNull();
  }
  await db.deleteFrom('databases').where('id', '=', good.database_id).execute();
});

it('gives the way to copy the master key: the path, or in a container the command, and below what is wrong', async () => {
  const { services } = pages;
  const admin = await pages.signedIn('admin');
  const ask = async (isContainer: boolean, path: string) => {
    const app = createApp({
      ...services,
      isContainer,
      freeSpace: async () => ({ free: 1, total: 1024 ** 4 }),
    });
    const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
    const answer = await app.request(
      `http://localhost${path}`,
      { headers: { cookie: admin.cookie() } },
      peer,
    );
    return answer.text();
  };
  const file = `${services.config.dataDir}/master.key`;
  const shown = (html: string) => /<code id="master-key-copy">([^<]*)</.exec(html)?.[1];
  const isFirst = async () => (await ask(false, '/')).includes('aria-label="Your first backup"');
  const good = await insertBackup(services.db, services.now(), { status: 'failed', outcome: 'failed' });
  expect(await isFirst()).toBe(true);
  for (const isOver of [false, true]) {
    if (isOver) {
      const is = { status: 'completed', outcome: 'completed', verification: 'stored' } as const;
      await services.db.updateTable('backups').set(is).where('id', '=', good.id).execute();
      await write(services.db, (trx) => recordNewest(trx, good.database_id, new Date()));
      expect(await isFirst()).toBe(false);
    }
    expect(shown(await ask(false, '/'))).toBe(file);
    const html = await ask(true, '/');
    expect(shown(html)).toBe(`docker compose cp bridgeport:${file} .`);
    expect(html).toContain('data-copy="master-key-copy"');
    expect(html.indexOf('nearly full')).toBeLessThan(html.indexOf('master-key-copy'));
  }
  await services.db.deleteFrom('databases').where('id', '=', good.database_id).execute();
  // What "this machine" is, likewise.
  const { id } = await createEnvironment(services, { userId: null, address: null }, { name: 'own' });
  const words = 'That is the container itself, not the machine around it';
  const path = `/environments/${id}/servers/new`;
  expect([(await ask(true, path)).includes(words), (await ask(false, path)).includes(words)]).toEqual([
    true,
    false,
  ]);
  expect((await admin.post('/admin/master-key/confirm')).status).toBe(303);
  expect(shown(await ask(true, '/'))).toBeUndefined();
});

describe('after the first good backup', () => {
  const LABEL = 'aria-label="Left alone"';
  const steps = async (visitor: Visitor) =>
    /<section[^>]*aria-label="Left alone".*?<\/section>/s.exec((await visitor.get('/')).html)?.[0] ?? '';
  const drillTile = async () =>
    /<(?:a|div) class="tile"[^>]*>(?:(?!class="tile").)*Last proven restore.*?<\/(?:a|div)>/s.exec(
      (await viewer.get('/')).html,
    )?.[0] ?? '';
  const doneIn = (section: string) => /(\d) of 3 done/.exec(section)?.[1];

  it('says what is left to do, a step less with each that is done, until nothing is', async () => {
    const { db, now } = pages.services;
    const admin = await pages.signedIn('admin');
    expect(await steps(admin)).toBe('');
    const at = now().toISOString();
    const good = await insertBackup(db, now(), {
      ...{
        status: 'completed',
        outcome: 'completed',
        started_at: at,
        completed_at: at,
        verification: 'stored',
      },
    });
    const name = `"ß" <b>🦦`;
    await db.updateTable('databases').set({ name }).where('id', '=', good.database_id).execute();
    const first = await steps(admin);
    expect(doneIn(first)).toBe('0');
    // Whether one is safe comes before everything else.
    const { html } = await admin.get('/');
    expect(html.indexOf('aria-label="Verdict"')).toBeLessThan(html.indexOf(LABEL));
    // That of the failed backup has one.
    expect(first).toContain('1 of 2 databases have no schedule.');
    expect(first).toContain('href="/schedules/rules/new"');
    expect(await steps(await pages.signedIn('operator'))).not.toContain('Hide this');
    expect((await viewer.get('/')).html).not.toContain(LABEL);

    const schedule = {
      schedule_id: 's',
      settled_as: 's',
      time_zone: 'UTC',
      interval_minutes: 60,
      is_paused: 0,
    };
    await db
      .insertInto('database_schedules')
      .values({
        ...schedule,
        database_id: good.database_id,
        due_at: at,
        run_at: at,
        anchored_at: at,
      } as never)
      .execute();
    expect(doneIn(await steps(admin))).toBe('1');
    const mail = { host: 'mail.example.com', port: 587, security: 'starttls', sender: 'a@example.com' };
    await db
      .insertInto('smtp_settings')
      .values({ id: 'smtp', ...mail, created_at: at, updated_at: at } as never)
      .execute();
    await db.updateTable('smtp_settings').set({ failing_since: at }).execute();
    expect(doneIn(await steps(admin))).toBe('1');
    const { environment_id: environmentId } = await db
      .selectFrom('databases')
      .select('environment_id')
      .limit(1)
      .executeTakeFirstOrThrow();
    await db
      .insertInto('webhook_subscriptions')
      .values({
        ...{ id: 'hook', environment_id: environmentId, url: '-', secret: null, enabled: 1 },
        ...{ events: '["backup.completed","plan.failed"]', created_at: at, updated_at: at },
      })
      .execute();
    expect(doneIn(await steps(admin))).toBe('1');
    await db.updateTable('webhook_subscriptions').set({ events: '["backup.failed"]' }).execute();
    expect(doneIn(await steps(admin))).toBe('2');
    await db.deleteFrom('webhook_subscriptions').execute();
    await db.updateTable('smtp_settings').set({ failing_since: null }).execute();
    const last = await steps(admin);
    expect(doneIn(last)).toBe('2');
    expect(last).toContain(`href="/databases/${good.database_id}/drills"`);
    expect(last).toContain('Rehearse a restore of &quot;ß&quot; &lt;b&gt;🦦');
    // Of another one that has no good backup nothing can be restored, though it ended later.
    const failed = await insertBackup(db, new Date(Date.now() + 1000), {
      status: 'failed',
      outcome: 'failed',
    });
    expect(await steps(admin)).toContain(`href="/databases/${good.database_id}/drills"`);
    await db.deleteFrom('databases').where('id', '=', failed.database_id).execute();
    await db
      .insertInto('drill_states')
      .values({ database_id: good.database_id, proven_at: at, restore_ms: 252_000 } as never)
      .execute();
    expect(await steps(admin)).toBe('');
    expect(await drillTile()).toContain('4 min 12 s');
    expect(await drillTile()).toContain(`href="/databases/${good.database_id}/drills"`);
    expect(await drillTile()).toMatch(/to restore &quot;ß&quot; &lt;b&gt;🦦 \(\w+\), <time/);
    await db.deleteFrom('drill_states').execute();
    expect(await drillTile()).toContain('none yet');
    expect(doneIn(await steps(admin))).toBe('2');
  });

  it('lets an admin hide it for everybody', async () => {
    const [admin, operator] = [await pages.signedIn('admin'), await pages.signedIn('operator')];
    expect((await operator.post('/next-steps/hide')).status).toBe(403);
    expect(await steps(operator)).not.toBe('');
    expect((await admin.post('/next-steps/hide')).location).toBe('/');
    expect(await steps(operator)).toBe('');
    const rows = await pages.services.db.selectFrom('audit_logs').selectAll().execute();
    expect(rows.some(({ details }) => details?.includes('nextStepsHidden'))).toBe(true);
  });
});
