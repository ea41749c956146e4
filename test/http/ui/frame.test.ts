import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ACTOR = { userId: null, address: null };
const ODD = 'Größe + "x" <b>🐘</b>';

let pages: Pages;
let viewer: Visitor;
let first: string;
let second: string;

beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
  first = (await createEnvironment(pages.services, ACTOR, { name: ODD })).id;
  second = (await createEnvironment(pages.services, ACTOR, { name: 'zweite' })).id;
  await addDatabase(first, 'in-first', 'completed');
  await addDatabase(second, 'in-second', 'failed');
});
afterAll(() => pages.close());

async function addDatabase(environmentId: string, name: string, outcome: 'completed' | 'failed') {
  const at = new Date();
  const row = await insertBackup(pages.services.db, at, {
    ...{ status: outcome, outcome, started_at: at.toISOString() },
  });
  const { environment_id: made } = await pages.services.db
    .updateTable('databases')
    .set({ name, environment_id: environmentId })
    .where('id', '=', row.database_id)
    .returning(['environment_id'])
    .executeTakeFirstOrThrow();
  // The environment that came with the row.
  await pages.services.db.deleteFrom('environments').where('id', 'not in', [first, second, made]).execute();
}

/** What the list of environments stands at: the first entry where none is selected. */
const chosen = (html: string) => {
  const [list = ''] = /<select name="environment".*?<\/select>/s.exec(html) ?? [];
  return (/ selected="">([^<]*)</.exec(list) ?? /<option[^>]*>([^<]*)</.exec(list))?.[1];
};
const countAt = (id: string, html: string) =>
  new RegExp(`id="news-${id}">(?:(?!</span>).)*menu-count">(\\d+)`).exec(html)?.[1];
const count = (html: string) => countAt('databases', html);

describe('the count beside Runs', () => {
  it('says that there may be more where no more are counted', async () => {
    const { db, now } = pages.services;
    const at = now().toISOString();
    const run = (index: number) => ({
      ...({
        id: `unsure-${index}`,
        kind: 'verification',
        lane: `unsure-${index}`,
        state: 'uncertain',
      } as const),
      ...({
        subject_id: null,
        server_id: null,
        progress: 0,
        attempts: 1,
        in_repair: 0,
        created_at: at,
      } as const),
    });
    const counted = async () =>
      /id="news-runs"><span class="menu-count">([^<]*)</.exec((await viewer.get('/account')).html)?.[1];
    const add = (from: number, to: number) =>
      db
        .insertInto('runs')
        .values(Array.from({ length: to - from }, (_, index) => run(from + index)))
        .execute();
    await add(0, 24);
    expect(await counted()).toBe('24');
    await add(24, 40);
    expect(await counted()).toBe('24+');
    await db.deleteFrom('runs').where('id', 'like', 'unsure-%').execute();
  });

  it('is of those of which nobody knows how they ended, of the chosen environment', async () => {
    const { db } = pages.services;
    const counted = async () => countAt('runs', (await viewer.get('/account')).html);
    expect(await counted()).toBeUndefined();
    const row = await db.selectFrom('backups').select(['id', 'database_id']).executeTakeFirstOrThrow();
    const run = db.updateTable('runs').where('id', '=', row.id);
    const before = await db
      .selectFrom('runs')
      .select('state')
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    await run.set({ state: 'uncertain' }).execute();
    expect(await counted()).toBe('1');
    const of = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', row.database_id)
      .executeTakeFirstOrThrow();
    for (const [environment, expected] of [
      [of.environment_id, '1'],
      [of.environment_id === first ? second : first, undefined],
    ] as const) {
      await viewer.get(`/?environment=${environment}`);
      expect(await counted()).toBe(expected);
    }
    await viewer.get('/?environment=all');
    // The list has a way to them, with that count.
    const chip = async (path: string) =>
      /<a class="chip" href="([^"]*state=uncertain[^"]*)"[^>]*>(.*?)<\/a>/
        .exec((await viewer.get(path)).html)
        ?.slice(1);
    const [href, words] = (await chip('/runs')) ?? [];
    expect([href, words]).toEqual(['/runs?state=uncertain', 'Uncertain<span class="chip-count"> 1</span>']);
    const listed = (await viewer.get(href ?? '')).html;
    expect(
      [...listed.matchAll(/<td class="state"><a href="\/runs\/([^"]*)\/log">/g)].map(([, id]) => id),
    ).toEqual([row.id]);
    expect(await chip('/runs?kind=restore')).toEqual(['/runs?kind=restore&amp;state=uncertain', 'Uncertain']);
    await run.set(before).execute();
    expect(await chip('/runs')).toEqual(['/runs?state=uncertain', 'Uncertain']);
  });
});

describe('a live part', () => {
  it('has the page loaded again where what it tells of is gone or no longer to be seen, and other parts nothing', async () => {
    const ask = async (path: string, headers = {}) => {
      const { status, headers: answered, html } = await viewer.get(path, headers);
      return [status, answered.get('hx-refresh'), html === ''];
    };
    const asks = { 'hx-request': 'true' };
    for (const path of [
      '/databases/gone/runs',
      '/backups/gone/run',
      '/backups/gone/reading',
      '/restores/gone/run',
    ]) {
      expect([path, ...(await ask(path, asks))]).toEqual([path, 404, 'true', true]);
      expect([path, ...(await ask(path))]).toEqual([path, 404, null, false]);
    }
    expect(await ask('/admin/storage/deep-test/card', asks)).toEqual([403, 'true', true]);
    expect(await ask('/databases/gone/figures', asks)).toEqual([404, null, false]);
  });
});

describe('the environment', () => {
  it('keeps what a list is searched, filtered and sorted by, and nothing else of its address', async () => {
    const kept = async (path: string) => {
      const { html } = await viewer.get(path);
      const [, action, span = ''] =
        /<form class="environment-filter" method="get" action="([^"]*)"><span id="environment-keeps">(.*?)<\/span>/.exec(
          html,
        ) ?? [];
      const pairs = [...span.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g)];
      return [action, ...pairs.map(([, name, value]) => `${name}=${value}`)];
    };
    const search = encodeURIComponent('größe + "x" <b> 🐘');
    expect(
      await kept(`/databases?q=${search}&state=late&engine=sqlite&sort=-size&environment=all&offset=50`),
    ).toEqual([
      ...['/databases', 'q=größe + &quot;x&quot; &lt;b&gt; 🐘', 'state=late', 'engine=sqlite', 'sort=-size'],
    ]);
    expect(await kept('/runs?kind=backup&day=2026-11-28&offset=50')).toEqual([
      ...['/runs', 'kind=backup', 'day=2026-11-28'],
    ]);
    for (const path of ['/databases', '/databases?q=&state=', '/databases?environment=all&back=x']) {
      expect([path, await kept(path)]).toEqual([path, ['/databases']]);
    }
    // From a page that no environment filters it leads to the overview, which is not searched.
    expect(await kept('/notifications?state=failed&q=x')).toEqual(['/']);
    // A list that is filtered in place takes them along.
    expect((await viewer.get('/databases')).html).toMatch(
      /hx-select-oob="#environment-keeps,#chosen-environment"/,
    );
  });

  it('filters every list, is kept, and is taken away again', async () => {
    const all = (await viewer.get('/databases')).html;
    expect(chosen(all)).toBe('All environments');
    expect(all).toContain('>in-first<');
    expect(all).toContain('>in-second<');

    const narrowed = (await viewer.get(`/databases?environment=${first}`)).html;
    expect(chosen(narrowed)).toBe('Größe + &quot;x&quot; &lt;b&gt;🐘&lt;/b&gt;');
    expect(narrowed).not.toContain('>in-second<');
    // Without the parameter too, on every page.
    expect((await viewer.get('/databases')).html).not.toContain('>in-second<');
    const other = (await viewer.get('/account')).html;
    expect([count(other), countAt('elsewhere', other)]).toEqual([undefined, '1']);
    // Green for what it shows, and no word that could be taken for all.
    const overview = (await viewer.get('/')).html;
    expect(overview).toContain(
      'The database of Größe + &quot;x&quot; &lt;b&gt;🐘&lt;/b&gt; is backed up</h2>',
    );
    expect(overview).toMatch(/Elsewhere 1 database is not safe\. <a href="\/\?environment=all">/);

    const unfiltered = (await viewer.get('/?environment=all')).html;
    expect(unfiltered).toContain('in-second');
    expect(unfiltered).not.toContain('Elsewhere');
    expect((await viewer.get('/databases')).html).toContain('>in-second<');
    expect(count((await viewer.get('/account')).html)).toBe('1');
  });

  it('is named on each list that it narrows, beside the way to all of it, which keeps the filters', async () => {
    const named = async (path: string) => {
      const { html } = await viewer.get(path);
      return /<p id="chosen-environment">(.*?)<\/p>/.exec(html)?.[1] ?? null;
    };
    await viewer.get(`/?environment=${first}`);
    const name = '<strong>Größe + &quot;x&quot; &lt;b&gt;🐘&lt;/b&gt;</strong> only';
    const elsewhere = '<a href="/databases?environment=all&amp;state=unsafe">1 not safe elsewhere</a>';
    for (const path of ['/databases', '/runs', '/drills', '/schedules', '/servers']) {
      expect(await named(path)).toBe(
        `${name} · <a href="${path}?environment=all">All environments</a> · ${elsewhere}`,
      );
    }
    expect(await named('/databases?q=a%20%22b%22&state=late&offset=50')).toContain(
      'href="/databases?environment=all&amp;q=a+%22b%22&amp;state=late"',
    );
    // Its verdict names it; and pages of one thing are narrowed by nothing.
    for (const path of ['/', '/account', '/admin/users', '/servers/new-host']) {
      expect([path, await named(path)]).toEqual([path, null]);
    }
    expect((await viewer.post('/account/password', {})).html).not.toContain('chosen-environment');
    expect(await named('/databases?environment=all')).toBeNull();
  });

  it('is all of them again where the chosen one is gone, or the parameter or the cookie is nonsense', async () => {
    const { id } = await createEnvironment(pages.services, ACTOR, { name: 'kurz' });
    expect((await viewer.get(`/databases?environment=${id}`)).html).toContain('No databases in kurz yet');
    expect((await viewer.get('/')).html).toContain('Elsewhere 1 database is not safe.');
    await pages.services.db.deleteFrom('environments').where('id', '=', id).execute();
    expect((await viewer.get('/databases')).html).toContain('>in-first<');
    for (const nonsense of ['x', '%00', encodeURIComponent(ODD), 'a'.repeat(5000), '__proto__', '']) {
      const { status, html } = await viewer.get(`/databases?environment=${nonsense}`);
      expect([nonsense, status, chosen(html)]).toEqual([nonsense, 200, 'All environments']);
    }
    const odd = await viewer.get('/databases', {
      cookie: `${viewer.cookie()}; bridgeport_environment=%E0%A4%A; bridgeport_flash=constructor:9; bridgeport_theme=no`,
    });
    expect(odd.status).toBe(200);
    expect(odd.html).toContain('<div id="flash"></div>');
    expect(odd.html).not.toContain('data-theme');
  });

  it('was a place once: those addresses lead to the lists, filtered', async () => {
    for (const list of ['databases', 'servers']) {
      const { status, location } = await viewer.get(`/environments/${second}/${list}`);
      expect([status, location]).toEqual([303, `/${list}?environment=${second}`]);
      expect((await viewer.get(`/environments/unknown/${list}`)).status).toBe(404);
    }
  });

  it('is asked for before something is added, where there are several', async () => {
    const operator = await pages.signedIn('operator');
    for (const list of ['databases', 'servers']) {
      const asked = await operator.get(`/${list}/new`);
      expect(asked.html).toContain(`href="/environments/${first}/${list}/new"`);
      await operator.get(`/${list}?environment=${second}`);
      expect((await operator.get(`/${list}/new`)).location).toBe(`/environments/${second}/${list}/new`);
      await operator.get(`/${list}?environment=all`);
      expect((await viewer.get(`/${list}/new`)).status).toBe(403);
    }
  });
});

describe('a cookie of another version', () => {
  const NONSENSE = [
    ...['', '%', '%E0%A4%A', 'null', '{"v":2}', '__proto__', '1.2.3', 's%3Aabc.def', 'x'.repeat(4000)],
    ...['server-saved:9:9:9', 'server-saved:-1:1e9', encodeURIComponent(ODD), 'eyJhbGciOiJub25lIn0.e30.'],
  ];

  it('of a choice or a word is as if it were not there', async () => {
    for (const name of ['environment', 'flash', 'theme', 'zone', 'browser', 'halfway', 'said', 'oidc_x']) {
      for (const value of NONSENSE) {
        const cookie = `${viewer.cookie()}; bridgeport_${name}=${value}`;
        const { status, html } = await viewer.get('/account', { cookie });
        expect([name, value, status]).toEqual([name, value, 200]);
        expect([name, value, /undefined|NaN|Invalid Date/.exec(html)]).toEqual([name, value, null]);
      }
    }
  });

  it('of a session leads to the sign-in, which works, and one beside it is in nobody’s way', async () => {
    for (const value of NONSENSE) {
      for (const name of ['bridgeport_session', '__Host-bridgeport_session']) {
        const { status, location } = await pages.visitor().get('/runs', { cookie: `${name}=${value}` });
        expect([name, value, status, location]).toEqual([name, value, 303, '/login?next=%2Fruns']);
      }
      const other = { cookie: `__Host-bridgeport_session=${value}; ${viewer.cookie()}` };
      expect([value, (await viewer.get('/runs', other)).status]).toEqual([value, 200]);
    }
  });
});

describe('what a form has done', () => {
  it('is said once, on the page that it leads to, and stands in no address', async () => {
    const operator = await pages.signedIn('operator');
    const form = { name: 'flüchtig', hostname: '10.0.0.9', sshPort: '22', tags: '' };
    const { location } = await operator.post(`/environments/${first}/servers/new`, form);
    expect(location).toMatch(/^\/servers\/c[0-9a-z]{24}$/);
    const page = await operator.get(location ?? '');
    expect(page.html).toContain('The server is created.');
    expect(page.headers.getSetCookie().join()).toMatch(/bridgeport_flash=;.*Max-Age=0/);
    expect((await operator.get(location ?? '')).html).not.toContain('The server is created.');
  });
});

describe('the sidebar', () => {
  it('shows what is built, the entries of admins to admins alone, version, help and the API', async () => {
    const { html } = await viewer.get('/');
    for (const href of [
      '/',
      '/databases',
      '/drills',
      '/servers',
      '/environments',
      '/notifications',
      '/account',
      '/help',
      '/docs',
    ]) {
      expect(html).toContain(`href="${href}"`);
    }
    expect(html).toContain('0.0.0-test');
    expect(html).not.toContain('/admin/');
    expect((await (await pages.signedIn('admin')).get('/')).html).toContain('href="/admin/users"');
  });

  it('tells times in the zone of the browser, else of the installation, and says in which', async () => {
    const footer = async (zone: string) => {
      const cookie = `${viewer.cookie()}; bridgeport_zone=${zone}`;
      const { html } = await viewer.get('/account', { cookie });
      return / class="zone">([^<]*)</.exec(html)?.[1];
    };
    expect(await footer('America/New_York')).toBe('Times in America/New York');
    expect(await footer('europe/BERLIN')).toBe('Times in Europe/Berlin');
    for (const odd of ['', 'Mars/Olympus', '%22%3E<script>', '+02:00', 'UTC'.repeat(3000), '%E0%A4%A'])
      expect([odd.slice(0, 20), await footer(odd)]).toEqual([odd.slice(0, 20), 'Times in UTC']);
    expect(/ class="zone">([^<]*)</.exec((await viewer.get('/account')).html)?.[1]).toBe('Times in UTC');
    const { html } = await viewer.get('/databases', {
      cookie: `${viewer.cookie()}; bridgeport_zone=Asia/Kathmandu`,
    });
    expect(html).toMatch(/title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Asia\/Kat[a-z]+"/);
  });

  it('tells times in the zone that somebody has chosen under Account, in every browser of theirs', async () => {
    const person = await pages.signedIn('viewer');
    const zoneIn = (html: string) => / class="zone">([^<]*)</.exec(html)?.[1];
    const inBrowser = async (path: string) => {
      const cookie = `${person.cookie()}; bridgeport_zone=America/New_York`;
      return (await person.get(path, { cookie })).html;
    };
    const form = await inBrowser('/account');
    expect(form).toMatch(/<input[^>]* name="timeZone"[^>]* value=""/);
    expect(form).toMatch(/<input[^>]* name="theme"[^>]* value="auto"[^>]* checked/);
    const saved = await person.post('/account/display', { timeZone: 'asia/tokyo', theme: 'dark' });
    expect([saved.status, saved.location]).toEqual([303, '/account']);
    const after = await inBrowser('/account');
    expect(zoneIn(after)).toBe('Times in Asia/Tokyo');
    expect(after).toMatch(/name="timeZone"[^>]* value="Asia\/Tokyo"/);
    expect(after).toContain('data-theme="dark"');
    expect(after).toMatch(/<time [^>]*title="[^"]* Asia\/Tokyo"/);
    for (const timeZone of ['Mars/Olympus', '+02:00', '<script>', 'UTC'.repeat(300)]) {
      const refused = await person.post('/account/display', { timeZone, theme: 'light' });
      expect([refused.status, refused.html.includes('field-timeZone-error')]).toEqual([422, true]);
      expect(refused.html).not.toContain('<script>');
    }
    expect((await person.post('/account/display', { timeZone: '', theme: 'pink' })).status).toBe(422);
    expect(zoneIn(await inBrowser('/'))).toBe('Times in Asia/Tokyo');
    expect(zoneIn((await viewer.get('/account')).html)).toBe('Times in UTC');
    expect((await person.post('/account/display', { timeZone: ' ', theme: 'auto' })).status).toBe(303);
    expect(zoneIn(await inBrowser('/'))).toBe('Times in America/New York');
  });

  it('keeps the theme that is chosen, and leads back to the page', async () => {
    const person = await pages.signedIn('viewer');
    const back = /name="back" value="([^"]*)"/.exec((await person.get('/databases?state=late')).html)?.[1];
    expect(back).toBe('/databases?state=late');
    const chose = await person.post('/theme', { theme: 'dark', back: back ?? '' });
    expect(chose.location).toBe('/databases?state=late');
    expect((await person.get('/account')).html).toMatch(/^<!doctype html><html lang="en" data-theme="dark">/);
    expect((await person.post('/theme', { theme: '"><script>', back: '//evil.example' })).location).toBe('/');
    expect((await person.get('/account')).html).not.toContain('data-theme');
  });
});

describe('a page on its way', () => {
  it('is compressed for who takes that, but what answers a form is not', async () => {
    const admin = await pages.signedIn('admin');
    const zipped = { 'accept-encoding': 'br, gzip' };
    const answer = await pages.app.request('http://localhost/databases', {
      headers: { ...zipped, cookie: admin.cookie() },
    });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('vary')).toBe('Accept-Encoding');
    const html = gunzipSync(await answer.arrayBuffer()).toString();
    expect(html).toMatch(/^<!doctype html>.*<\/html>$/s);
    expect((await admin.get('/databases')).html).toBe(html);

    const refused = await admin.get('/databases', { 'accept-encoding': 'gzip;q=0' });
    expect(refused.headers.get('content-encoding')).toBeNull();
    const posted = await admin.post('/environments/new', { name: '' }, zipped);
    expect([posted.status, posted.headers.get('content-encoding')]).toEqual([422, null]);
  });

  it('loads what it needs under names that change with it', async () => {
    const { html } = await viewer.get('/');
    for (const name of ['pico', 'app', 'htmx', 'ui', 'icon']) {
      expect(html).toMatch(new RegExp(`"/assets/${name}\\.[0-9a-f]{12}\\.(css|js|svg)"`));
    }
  });
});
