import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = `Größe + "x" <script>alert(1)</script> 🐘`;
const NONSENSE = [
  '%00',
  '%E0%A4%A',
  '__proto__',
  'constructor',
  '-1',
  '1e9',
  '9'.repeat(300),
  '🐘',
  "'--",
  '',
];

let pages: Pages;
let operator: Visitor;
const ids: string[] = [];

beforeAll(async () => {
  pages = await openPages();
  operator = await pages.signedIn('operator');
  const { db } = pages.services;
  for (const [index, outcome] of (['completed', 'failed', 'completed'] as const).entries()) {
    const at = new Date(Date.now() - (index + 1) * 3_600_000);
    const error = JSON.stringify({ message: `${ODD}\nmore`, step: 'dump' });
    const row = await insertBackup(db, at, {
      ...{ status: outcome, outcome, started_at: at.toISOString(), size: 1000 * (index + 1) },
      ...(outcome === 'failed' ? { error } : {}),
    });
    await db
      .updateTable('runs')
      .set({ error })
      .where('id', '=', row.id)
      .where('state', '=', 'failed')
      .execute();
    await db
      .updateTable('databases')
      .set({ name: `${index} ${ODD}` })
      .where('id', '=', row.database_id)
      .execute();
    ids.push(row.database_id);
  }
});
afterAll(() => pages.close());

const shown = (html: string) =>
  [...html.matchAll(/value="(c[0-9a-z]{24})" aria-label="Back up/g)].map(([, id]) => id);
const waiting = async () => {
  const rows = await pages.services.db
    .selectFrom('backups')
    .select('database_id')
    .where('status', '=', 'pending')
    .execute();
  return rows.map(({ database_id: id }) => id).sort();
};

describe('the list of databases', () => {
  it('begins with the worst, and is sorted, searched and filtered by its address', async () => {
    const [first = '', second = '', third = ''] = ids;
    const list = async (query: string) => shown((await operator.get(`/databases${query}`)).html);
    expect((await list(''))[0]).toBe(second);
    expect(await list('?sort=name')).toEqual([first, second, third]);
    expect(await list('?sort=-name')).toEqual([third, second, first]);
    expect(await list('?sort=-size')).toEqual([third, first, second]);
    expect(await list('?state=never')).toEqual([second]);
    const unsafe = (await operator.get('/databases?state=unsafe')).html;
    expect(shown(unsafe)).toEqual([second]);
    expect(unsafe).toMatch(/class="chip" href="\/databases\?state=unsafe" aria-current="true">Not safe/);
    expect(unsafe).toContain('<span class="chip-count"> 1</span>');
    expect(await list('?state=unsafe&q=1')).toEqual([second]);
    expect(await list('?state=unsafe&q=0+Gr')).toEqual([]);
    expect((await operator.get('/databases')).html).not.toContain('Not safe');
    expect(await list(`?q=${encodeURIComponent('1 GRÖSSE')}`)).toEqual([]);
    expect(await list(`?q=${encodeURIComponent('1 größe + "X"')}`)).toEqual([second]);
    expect(await list('?engine=postgres')).toEqual([]);
    expect(await list('?offset=50')).toEqual([]);
    const { html } = await operator.get('/databases?state=never&q=gr%C3%B6%C3%9Fe&sort=name');
    expect(html).toContain('name="state" value="never"');
    expect(html).toMatch(/aria-sort="ascending"><a href="[^"]*sort=-name"/);
    expect(html).toMatch(/class="chip"[^>]*aria-current="true">Never/);
  });

  it('has its chips and its columns in one order, whatever there is of each', async () => {
    const { html } = await operator.get('/databases');
    const textsOf = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, text = '']) => text.trim());
    expect(textsOf(/class="chip"[^>]*>([^<]+)</g)).toEqual([
      ...['All', 'Failing', 'Late', 'Never', 'Paused', 'Protected'],
    ]);
    const head = /<thead>(.*?)<\/thead>/s.exec(html)?.[1] ?? '';
    expect(
      head
        .replaceAll(/<[^>]+>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ).toBe('Select State Database Engine Last 26 days Last good Size Next run Actions');
    const row = /<th scope="row">.*?<\/tr>/s.exec(html)?.[0] ?? '';
    expect([...row.matchAll(/<td(?: class="([\w-]+)")?/g)].map(([, name]) => name)).toEqual([
      ...['engine', undefined, 'last-good', 'figure', 'next-run', 'row-action'],
    ]);
  });

  it('offers each bucket that there is, the server and storage that is off, and keeps what is chosen', async () => {
    const { db } = pages.services;
    const [first = '', second = '', third = ''] = ids;
    const list = async (query: string) => (await operator.get(`/databases${query}`)).html;
    const choices = (html: string) =>
      [...html.matchAll(/<option value="(local|spaces|off|bucket:[^"]*)"/g)].map(([, value]) => value);
    const put = (id: string, bucket: string | null) =>
      db
        .updateTable('databases')
        .set({ backup_storage_type: bucket === null ? 'local' : 'spaces', backup_spaces_bucket: bucket })
        .where('id', '=', id)
        .execute();
    for (const id of ids) await put(id, null);
    expect(choices(await list(''))).toEqual([]);
    await put(first, 'one-bucket');
    expect(choices(await list(''))).toEqual(['local', 'bucket:one-bucket', 'off']);
    await put(second, 'other.bucket');
    expect(choices(await list(''))).toEqual([
      ...['local', 'spaces', 'bucket:one-bucket', 'bucket:other.bucket', 'off'],
    ]);
    const html = await list('?storage=bucket:one-bucket&sort=name');
    expect(shown(html)).toEqual([first]);
    expect(html).toMatch(/<option value="bucket:one-bucket" selected/);
    expect(html).toContain('storage=bucket%3Aone-bucket');
    expect(shown(await list('?storage=local'))).toEqual([third]);
    expect(shown(await list('?storage=off&sort=name'))).toEqual([first, second]);
    // One that no database has any more stays chosen.
    const gone = await list('?storage=bucket:gone-bucket');
    expect(gone).toMatch(/<option value="bucket:gone-bucket" selected/);
    expect(gone).toContain('None of the databases is like that');
    for (const odd of ['bucket:', 'bucket:%22%3E%3Cscript%3E', `bucket:${'x'.repeat(999)}`, 'bucket:%00'])
      expect(shown(await list(`?storage=${odd}`))).toHaveLength(3);
    for (const id of ids) await put(id, null);
  });

  it('tells by the clock when the next run begins, and how long that is', async () => {
    const [first = ''] = ids;
    const form = { cronExpression: '30 3 * * *', enabled: 'true', retries: '0' };
    expect((await operator.post(`/databases/${first}/schedule`, form)).status).toBe(303);
    const { html } = await operator.get('/databases');
    expect(html).toMatch(/class="next-run"><time [^>]* 03:30:00 UTC">03:30 · in [^<]+<\/time>/);
    for (const table of ['database_schedules', 'schedules'] as const)
      await pages.services.db.deleteFrom(table).execute();
  });

  it('takes whatever an address says', async () => {
    for (const name of ['q', 'state', 'engine', 'storage', 'sort', 'offset', 'environment']) {
      for (const value of NONSENSE) {
        const { status, html } = await operator.get(`/databases?${name}=${value}&${name}=x`);
        expect([name, value, status]).toEqual([name, value, 200]);
        expect(html).not.toContain('<script>alert');
      }
    }
  });

  it('backs up what is ticked, or the row whose button was pressed and nothing else', async () => {
    const [first = '', second = '', third = ''] = ids;
    const none = await operator.post('/databases/back-up', '');
    expect(none.location).toBe('/databases');
    expect((await operator.get('/databases')).html).toContain('Nothing was selected');
    expect(await waiting()).toEqual([]);

    const list = '/databases?q=gr%C3%B6%C3%9Fe&sort=-size&offset=50';
    const { html } = await operator.get('/databases?q=größe&sort=-size');
    expect(html).toContain('name="back" value="/databases?q=gr%C3%B6%C3%9Fe&amp;sort=-size"');
    const back = `back=${encodeURIComponent(list)}`;
    const asked = await operator.post('/databases/back-up', `id=${first}&id=${second}&only=${third}&${back}`);
    expect(await waiting()).toEqual([third]);
    expect(asked.location).toBe(list);
    expect((await operator.get(list)).html).toContain('The backup has been asked for.');
    await operator.post('/databases/back-up', `only=${third}`);
    expect((await operator.get('/databases')).html).toContain('One waits already: it begins when');
    for (const odd of ['//evil.example', '/databasesx', '/runs', '/databases/x', 'x', '']) {
      const { location } = await operator.post('/databases/back-up', `back=${encodeURIComponent(odd)}`);
      expect([odd, location]).toEqual([odd, '/databases']);
    }
    await operator.post('/databases/back-up', `id=${first}&id=${third}`);
    expect((await operator.get('/databases')).html).toContain(
      'A backup has been asked for. Of 1 more database one waits already.',
    );
    await operator.post('/databases/back-up', `id=${first}&id=${third}`);
    expect((await operator.get('/databases')).html).toMatch(
      /notice-info.*Of each of these 2 databases one waits/s,
    );
    // Twice the same, one that is gone, and one that waits already.
    const other = await pages.signedIn('operator');
    await Promise.all([
      operator.post('/databases/back-up', `id=${first}&id=${first}&id=unknown&id=${third}`),
      other.post('/databases/back-up', `id=${first}&id=${second}`),
    ]);
    expect(await waiting()).toEqual([...ids].sort());
    expect((await (await pages.signedIn('viewer')).post('/databases/back-up', `id=${first}`)).status).toBe(
      403,
    );
    const many = Array.from({ length: 1001 }, (_, index) => `id=${index}`).join('&');
    expect((await operator.post('/databases/back-up', many)).status).toBe(400);
  });
});

describe('the address of a run that somebody types', () => {
  it('leads to the page of that run, or to its log where it has none, and is a 404 for no run', async () => {
    const { db } = pages.services;
    const backup = await db
      .selectFrom('backups')
      .select('id')
      .where('status', '=', 'completed')
      .executeTakeFirstOrThrow();
    const at = new Date().toISOString();
    const kinds = ['restore', 'drill', 'verification', 'prune', 'deep_test'] as const;
    await db
      .insertInto('runs')
      .values(
        kinds.map((kind) => ({
          ...{ id: `typed-${kind}`, kind, subject_id: kind === 'verification' ? backup.id : null },
          ...({
            lane: `typed:${kind}`,
            state: 'completed',
            server_id: null,
            progress: 100,
            attempts: 1,
          } as const),
          ...({ in_repair: 0, created_at: at, started_at: at, ended_at: at } as const),
        })),
      )
      .execute();
    const viewer = await pages.signedIn('viewer');
    for (const [id, page] of [
      [backup.id, `/backups/${backup.id}`],
      ['typed-restore', '/restores/typed-restore'],
      ['typed-drill', '/restores/typed-drill'],
      ['typed-verification', `/backups/${backup.id}`],
      ['typed-prune', '/runs/typed-prune/log'],
      ['typed-deep_test', '/runs/typed-deep_test/log'],
    ] as const) {
      const { status, location } = await viewer.get(`/runs/${id}`);
      expect([id, status, location]).toEqual([id, 302, page]);
      if (!id.startsWith('typed-restore') && !id.startsWith('typed-drill'))
        expect([page, (await viewer.get(page)).status]).toEqual([page, 200]);
    }
    for (const none of ['none', encodeURIComponent(ODD), '%E0%A4%A', '9'.repeat(300)]) {
      const { status, html } = await viewer.get(`/runs/${none}`);
      expect([none, status]).toEqual([none, 404]);
      expect(html).toContain('There is no such run (any more).');
    }
    expect((await pages.visitor().get(`/runs/${backup.id}`)).location).toMatch(/^\/login/);
    await db.deleteFrom('runs').where('id', 'like', 'typed-%').execute();
  });
});

describe('what runs, above the list of databases', () => {
  it('is shown while it goes on, then what became of it, and the list is to load itself again', async () => {
    const { db } = pages.services;
    const list = (await operator.get('/databases?sort=name')).html;
    expect(list).toMatch(
      /id="databases" hx-get="\/databases\?sort=name" hx-trigger="backups-changed from:body" hx-select="#databases"/,
    );
    const urlIn = (html: string) =>
      /id="running"[^>]* hx-get="([^"]+)"/.exec(html)?.[1]?.replace('&amp;', '&') ?? '';
    const same = await operator.get(urlIn(list));
    expect([same.headers.get('hx-trigger'), urlIn(same.html)]).toEqual([null, urlIn(list)]);
    const [done = ''] = decodeURIComponent(urlIn(list)).replace('/runs/running?shown=', '').split(',');
    await db
      .updateTable('backups')
      .set({ status: 'completed', outcome: 'completed', size: 2048, bytes_read: 4096, duration: 4 })
      .where('id', '=', done)
      .execute();
    await db.updateTable('runs').set({ state: 'completed' }).where('id', '=', done).execute();
    const over = await operator.get(urlIn(list));
    expect(over.headers.get('hx-trigger')).toBe('backups-changed,runs-ended');
    expect(over.html).toContain('<div id="flash" hx-swap-oob="delete">');
    expect(over.html).toMatch(
      /Größe \+ &quot;x&quot;[^<]*: Backed up and read back: 2\.0 KiB \(4\.0 KiB before compression\) in 4 s\./,
    );
    // Told on, and no news any more.
    const later = await operator.get(urlIn(over.html));
    expect(later.headers.get('hx-trigger')).toBeNull();
    expect(later.html).toContain('Backed up and read back: 2.0 KiB');
    // What nobody knows the end of may stay so for days.
    await db.updateTable('runs').set({ state: 'uncertain' }).where('id', '=', done).execute();
    expect(urlIn((await operator.get('/databases')).html)).not.toContain(done);
    expect((await operator.get('/runs')).html).toContain(`id="running-${done}"`);
    for (const odd of NONSENSE) {
      expect((await operator.get(`/runs/running?shown=${odd}&ended=${odd},x`)).status).toBe(200);
    }
    await db
      .updateTable('backups')
      .set({ status: 'pending', outcome: null, size: 0, duration: null })
      .where('id', '=', done)
      .execute();
    await db.updateTable('runs').set({ state: 'pending' }).where('id', '=', done).execute();
  });
});

describe('the list of runs', () => {
  it('has what waits on top, and what went wrong in one line', async () => {
    const { html } = await operator.get('/runs');
    expect(html).toMatch(/id="running"[^>]* hx-trigger="every 1s"/);
    expect(html).toContain('>waiting</span>');
    expect(html).toMatch(/badge-error">failed at dump<.*Größe \+ &quot;x&quot; &lt;script&gt;/s);
    expect(html).not.toContain('\nmore');
    const part = await operator.get('/runs/running');
    expect(part.html).toMatch(/^<div id="running"/);
  });

  const pendingRun = async (): Promise<string> => {
    const ofRuns = pages.services.db.selectFrom('runs').select('id').where('state', '=', 'pending');
    return (await ofRuns.executeTakeFirstOrThrow()).id;
  };

  it('is to load itself again when one of them begins, goes on or ends, as the overview is at an end', async () => {
    const { db } = pages.services;
    const id = await pendingRun();
    const { html } = await operator.get('/runs?state=failed');
    expect(html).toMatch(
      /id="runs" hx-get="\/runs\?state=failed" hx-trigger="backups-changed from:body" hx-select="#runs"/,
    );
    expect((await operator.get('/')).html).toMatch(
      /id="overview" hx-get="\/" hx-trigger="runs-ended from:body throttle:5s"/,
    );
    const next = async (page: string) => {
      const url = /id="running"[^>]* hx-get="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const { headers, html: part } = await operator.get(url);
      return { said: headers.get('hx-trigger'), part };
    };
    const set = (state: 'running' | 'uncertain' | 'pending') =>
      db.updateTable('runs').set({ state }).where('id', '=', id).execute();
    const same = await next(html);
    expect(same.said).toBeNull();
    await set('running');
    const begun = await next(same.part);
    expect(begun.said).toBe('backups-changed');
    expect((await next(begun.part)).said).toBeNull();
    await set('uncertain');
    expect((await next(begun.part)).said).toBe('backups-changed');
    await db.updateTable('runs').set({ state: 'completed' }).where('id', '=', id).execute();
    const ended = await next(begun.part);
    expect(ended.said).toBe('backups-changed,runs-ended');
    await set('pending');
  });

  it('has a log whose page follows it to its end, and asks no more then', async () => {
    const { db } = pages.services;
    const id = await pendingRun();
    const page = (await operator.get(`/runs/${id}/log`)).html;
    const asks = `hx-get="/runs/${id}/log/state?shown=pending"`;
    expect(page).toContain(asks);
    const state = `/runs/${id}/log/state?shown=pending`;
    const same = await operator.get(state);
    expect([same.headers.get('hx-trigger'), same.html.includes(asks)]).toEqual([null, true]);
    await db.updateTable('runs').set({ state: 'cancelled' }).where('id', '=', id).execute();
    const ended = await operator.get(state);
    expect(ended.headers.get('hx-trigger')).toBe('backups-changed');
    expect(ended.html).toContain('It has ended: cancelled.');
    expect(ended.html).not.toContain('hx-get');
    expect((await operator.get(`/runs/${id}/log`)).html).not.toContain('/log/state');
    for (const odd of NONSENSE) {
      expect((await operator.get(`/runs/${id}/log/state?shown=${odd}`)).status).toBe(200);
      expect((await operator.get(`/drills/running?shown=${odd}&database=${odd}`)).status).toBe(200);
      expect((await operator.get(`/runs/running?place=${odd}&shown=${odd}`)).status).toBe(200);
    }
    await db.updateTable('runs').set({ state: 'pending' }).where('id', '=', id).execute();
  });

  it('leads to each backup that it tells of', async () => {
    const backups = await pages.services.db.selectFrom('backups').select('id').execute();
    const { html } = await operator.get('/runs');
    const links = [...html.matchAll(/href="\/backups\/(\w+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(3);
    expect(backups.map(({ id }) => id)).toEqual(expect.arrayContaining(links));
    expect((await operator.get(`/backups/${links[0]}`)).status).toBe(200);
  });

  it('is filtered by kind, result and day', async () => {
    const count = async (query: string) =>
      ((await operator.get(`/runs${query}`)).html.match(/class="when"/g) ?? []).length;
    expect(await count('')).toBe(6);
    expect(await count('?kind=deep_test')).toBe(0);
    expect(await count('?state=failed')).toBe(1);
    expect(await count('?day=2001-01-01')).toBe(0);
    // By keyboard a day is chosen in a field, which keeps it.
    const { html } = await operator.get('/runs?day=2001-01-01&state=failed');
    expect(html).toMatch(/<input type="date" name="day" value="2001-01-01"/);
    const days = [Date.now(), Date.now() - 86_400_000].map((at) => new Date(at).toISOString().slice(0, 10));
    expect((await count(`?day=${days[0]}`)) + (await count(`?day=${days[1]}`))).toBe(6);
  });

  it('is filtered by who asked for them: me, a person, a token, a schedule, or one that a row names', async () => {
    const { db } = pages.services;
    const count = (html: string) => (html.match(/class="when"/g) ?? []).length;
    const mine = await operator.get('/runs?by=person');
    const asked = count(mine.html);
    expect(asked).toBeGreaterThan(0);
    const [, me = ''] = /<option value="(person:\w+)">By me/.exec(mine.html) ?? [];
    const own = await operator.get(`/runs?by=${me}`);
    const { rows } = await db
      .selectFrom('backups')
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .where('triggered_by_id', '=', me.replace('person:', ''))
      .executeTakeFirstOrThrow();
    expect([count(own.html), rows > 0, asked >= rows]).toEqual([rows, true, true]);
    expect(mine.html).toContain(`href="/runs?by=${encodeURIComponent(me)}"`);
    expect(count((await operator.get('/runs?by=token')).html)).toBe(0);
    const other = await pages.signedIn('viewer');
    const theirs = await other.get(`/runs?by=${me}&state=failed`);
    expect(theirs.html).toMatch(new RegExp(`<option value="${me}" selected="">By [^<]+@`));
    expect(theirs.html).not.toContain('among the newest');
    await db.updateTable('users').set({ name: ODD }).execute();
    const odd = (await other.get(`/runs?by=${me}`)).html;
    expect(odd).toContain('>By Größe + &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt; 🐘</option>');
    const { id, created_at } = await db
      .updateTable('backups')
      .set({ type: 'scheduled' })
      .where('status', '=', 'failed')
      .returning(['id', 'created_at'])
      .executeTakeFirstOrThrow();
    await db.insertInto('run_askers').values({ asker: 'schedule', created_at, run_id: id }).execute();
    const scheduled = await other.get('/runs?by=schedule');
    expect(count(scheduled.html)).toBe(1);
    expect(scheduled.html).toContain('<a href="/runs?by=schedule">schedule</a>');
    // A full read, too, is whoever's that asked for it.
    const { id: whole } = await db
      .updateTable('backups')
      .set({ verification: 'drill' })
      .where('status', '=', 'completed')
      .returning('id')
      .executeTakeFirstOrThrow();
    const place = { endpoint: 'https://s3.example.com', region: 'x', bucket: 'b', key: whole, bytes: 1 };
    const object = { id: whole, backup_id: whole, kind: 'dump', number: 0, ...place } as const;
    await db.insertInto('backup_objects').values(object).execute();
    expect((await operator.post(`/backups/${whole}/verify`, {})).status).toBe(303);
    const reads = async (by: string) => (await operator.get(`/runs?kind=verification&by=${by}`)).html;
    expect([count(await reads(me)), count(await reads('person')), count(await reads('schedule'))]).toEqual([
      1, 1, 0,
    ]);
    const [read = ''] = /<tr[^>]*>(?:(?!<tr).)*Full read.*?<\/tr>/s.exec(await reads(me)) ?? [];
    expect(read).toContain(`by=${encodeURIComponent(me)}">Größe + &quot;x&quot;`);
    await db.updateTable('runs').set({ state: 'completed' }).where('kind', '=', 'verification').execute();
    // What a restore has proven of the backup, this has not.
    expect(await reads(me)).toContain('badge-success">read in full<');
    await db.deleteFrom('runs').where('kind', '=', 'verification').execute();
    // One that is no more is nobody.
    expect(count((await other.get('/runs?by=person:gone')).html)).toBe(6);
  });

  it('takes whatever an address says', async () => {
    for (const name of ['kind', 'state', 'by', 'day', 'offset', 'environment']) {
      for (const value of [...NONSENSE, '2026-02-31', '2026-2-3', 'pending']) {
        const { status } = await operator.get(`/runs?${name}=${value}`);
        expect([name, value, status]).toEqual([name, value, 200]);
      }
    }
  });
});
