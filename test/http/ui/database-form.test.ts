import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_BUCKET } from '../../../src/backups/destination.ts';
import { ADVISED_CODES, adviceFor } from '../../../src/backups/failure-advice.ts';
import { engines } from '../../../src/engines/engines.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const NAME = `sh'op "1" +ü <script>`;

let folder: string;
let pages: Pages;
let admin: Visitor;
let form: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'form-pages-'));
  new Sqlite(join(folder, 'app.db')).exec('CREATE TABLE t (a)').close();
  pages = await openPages({ LOCAL_PATHS: folder });
  admin = await pages.signedIn('admin');
  const made = await admin.post('/environments/new', { name: 'production' });
  form = made.location?.replace('settings', 'databases/new') ?? '';
});
afterAll(async () => {
  await pages.close();
  rmSync(folder, { recursive: true });
});

const sqlite = (change: Readonly<Record<string, string>> = {}) => ({
  name: NAME,
  serverId: 'this-machine',
  filePath: join(folder, 'app.db'),
  backupFormat: 'plain',
  backupCompression: 'zstd',
  backupCompressionLevel: '6',
  backupStorageType: 'local',
  giveUpMinutes: '5',
  ...change,
});
const databases = () => pages.services.db.selectFrom('databases').selectAll().execute();
const configureStorage = () =>
  pages.services.db
    .insertInto('spaces_config')
    .values({
      ...{ id: 's', access_key: 'v1.x', secret_key: 'v1.x', region: 'fra1', endpoint: 's3.example.com' },
      ...{ buckets: '[]', encryption: 'none', encryption_key_id: null, session_token: null },
      ...{
        endpoint_typed: null,
        created_at: '2026-01-01T00:00:00.000Z',
        updated_at: '2026-01-01T00:00:00.000Z',
      },
    })
    .execute();

describe('the form of a new database', () => {
  it('proposes the archive and zstd for PostgreSQL, and no place for the backups while storage is off', async () => {
    const { html } = await admin.get(`${form}?type=postgres`);
    expect(html).toMatch(/<option value="custom" selected/);
    expect(html).toMatch(/<option value="zstd" selected/);
    expect(html).not.toMatch(/name="backupStorageType"[^>]*checked/);
    expect(html).toContain('lies on the machine that it is to protect');
    expect(html).toMatch(/<summary>Options of the dump: [^<]*zstd[^<]*gives up after 5 minutes/);
    expect(html).not.toContain('milliseconds');
  });

  it('asks for eight things of PostgreSQL, and has the rest behind lines that say how it stands', async () => {
    const { html } = await admin.get(`${form}?type=postgres`);
    const inSight = html
      .slice(html.indexOf('<form method="post" action="/environments/'), html.indexOf('<h2>When'))
      .replaceAll(/<details.*?<\/details>/gs, '');
    expect([...inSight.matchAll(/<label for="field-(\w+)"/g)].map(([, name]) => name)).toEqual([
      ...['serverId', 'name', 'host', 'databaseName', 'username', 'password'],
      ...['backupSpacesBucket', 'backupLocalPath'],
    ]);
    expect(html).toMatch(/<summary>Port: 5432</);
    expect(html).toMatch(/<summary>Late after 26 hours/);
    expect(html).toContain(', key prefix production/&lt;database name&gt;/<');
    expect(html).not.toMatch(/<details[^>]* open/);
  });

  it.each([
    ['port', { port: '70000' }, 'Port: 70000'],
    ['prefix', { backupSpacesPrefix: '../<b>' }, 'Late after'],
    ['age', { maxBackupAgeHours: '0' }, 'Late after 0 hours'],
    ['time limit', { giveUpMinutes: '99' }, 'Options of the dump'],
  ])('opens what a wrong %s lies behind, and nothing else', async (_, wrong, summary) => {
    const { status, html } = await admin.post(`${form}?type=postgres`, {
      ...{ name: NAME, serverId: 'this-machine', databaseName: 'x', backupStorageType: 'local' },
      ...{ port: '5432', maxBackupAgeHours: '26', giveUpMinutes: '5', backupFormat: 'custom' },
      ...wrong,
    });
    expect(status).toBe(422);
    const open = [...html.matchAll(/<details[^>]* open[^>]*><summary>([^<]*)/g)].map(([, text]) => text);
    expect(open).toEqual([expect.stringContaining(summary)]);
    expect(html).toMatch(/<details[^>]* open(?:(?!<\/details>).)*class="field-error"/s);
    expect(html).not.toContain('<b>');
  });

  it('has each field that the advice for a failure leads to, whatever the engine', async () => {
    for (const engine of engines) {
      const { html } = await admin.get(`${form}?type=${engine.type}`);
      for (const code of [...ADVISED_CODES, 'invalid']) {
        for (const step of ['connect', 'upload'] as const) {
          const advice = adviceFor({ code, message: code === 'invalid' ? NO_BUCKET : 'x', step }, engine);
          if (advice?.mend.on !== 'database-form') continue;
          const id = `field-${advice.mend.field}`;
          expect([engine.type, code, id, html.includes(`id="${id}"`)]).toEqual([engine.type, code, id, true]);
        }
      }
    }
  });

  it('keeps what was typed where another type is chosen, and begins anew what is that one’s own', async () => {
    const typed = sqlite({ giveUpMinutes: '77', backupLocalPath: '/srv/größe "1"', password: 'ge"heim' });
    const { status, html } = await admin.post(`${form}?type=mysql&do=type`, typed);
    expect(html).toContain('value="sh&#39;op &quot;1&quot; +ü &lt;script&gt;"');
    expect(html).toContain('value="/srv/größe &quot;1&quot;"');
    expect(html).toMatch(/name="giveUpMinutes"[^>]*value="77"/);
    expect(html).toMatch(/name="port"[^>]*value="3306"/);
    expect(html).toContain(`action="${form}?type=mysql"`);
    // What is secret is asked for again.
    expect([status, html.includes('ge&quot;heim')]).toEqual([422, false]);
    expect(html).toContain('<span class="chip" aria-current="true">MySQL / MariaDB</span>');
    const back = await admin.post(`${form}?type=sqlite&do=type`, { ...typed, port: '3306' });
    expect([back.status, back.html.includes('name="port"')]).toEqual([200, false]);
    expect(back.html).toMatch(/name="giveUpMinutes"[^>]*value="77"/);
    const chosen = await admin.post(`${form}?type=postgres&do=type`, {
      ...typed,
      password: '',
      port: '3306',
    });
    expect(chosen.status).toBe(200);
    expect(chosen.html).toMatch(/name="port"[^>]*value="5432"/);
    expect(chosen.html).toMatch(/<option value="custom" selected/);
    expect(await databases()).toEqual([]);
  });

  it('tests what was typed without saving it, and is sent back filled but for secrets', async () => {
    const tested = await admin.post(`${form}?type=sqlite&do=test`, sqlite());
    expect([tested.status, tested.html]).toEqual([200, expect.stringContaining('The database can be read')]);
    expect(tested.html).toContain('Nothing is saved yet.');
    expect(tested.html).toContain('value="sh&#39;op &quot;1&quot; +ü &lt;script&gt;"');
    const missing = await admin.post(
      `${form}?type=sqlite&do=test`,
      sqlite({ filePath: join(folder, 'no.db') }),
    );
    expect(missing.html).toContain('There is no file');
    const outside = await admin.post(`${form}?type=sqlite&do=test`, sqlite({ filePath: '/etc/passwd' }));
    expect(outside.html).toContain('LOCAL_PATHS');
    const postgres = { name: 'x', serverId: 'this-machine', host: '127.0.0.1', port: '1', databaseName: 'x' };
    const login = { username: 'the-us+er', password: 'the-pass+word', backupStorageType: 'local' };
    const refused = await admin.post(`${form}?type=postgres&do=test`, {
      ...postgres,
      ...login,
      backupFormat: 'custom',
      backupCompression: 'zstd',
      backupCompressionLevel: '6',
    });
    expect(refused.html).toMatch(/No PostgreSQL server answered|was not found on the host/);
    expect(refused.html).toContain('Type it again');
    expect(refused.html).not.toContain('the-pass+word');
    const fetched = await admin.post(`${form}?type=sqlite&do=test`, sqlite({ name: ' ' }), {
      'hx-request': 'true',
    });
    expect([fetched.status, fetched.html]).toEqual([
      200,
      expect.stringMatching(
        /id="test-result"[^>]*><div[^>]*><p>Must not be empty|id="test-result"[^>]*><div[^>]*><p>Please fill/,
      ),
    ]);
    expect(await databases()).toEqual([]);
  });

  it('finds databases on the chosen server instead, and gives back what was typed', async () => {
    const typed = { ...sqlite({ giveUpMinutes: '7', username: 'the-us+er', password: 'the-pass+word' }) };
    const find = `${form}?type=sqlite&do=find`;
    // Nothing to look on yet.
    expect((await admin.get(`${form}?type=sqlite`)).html).not.toContain('do=find');
    const here = await admin.post(find, typed);
    expect([here.status, here.html]).toEqual([422, expect.stringContaining('Add this machine as a server')]);
    const server = await admin.post(form.replace('databases', 'servers'), {
      ...{ name: NAME, hostname: 'localhost', sshPort: '22' },
    });
    const serverId = server.location?.split('/').at(-1) ?? '';
    const offered = (await admin.get(`${form}?type=sqlite`)).html;
    expect(offered).toMatch(/id="field-serverId".*do=find.*id="field-name"/s);
    // What Enter presses in a field is to save it.
    const [, first = ''] =
      /<form method="post" action="\/environments.*?(<button[^>]*>)/s.exec(offered) ?? [];
    expect([first.includes('submit'), first.includes('formaction')]).toEqual([true, false]);
    for (const [chosen, words] of [
      ['', 'Choose the server'],
      ['nobody', 'Choose one of the list.'],
    ] as const) {
      const refused = await admin.post(find, { ...typed, serverId: chosen });
      expect([refused.status, refused.html]).toEqual([422, expect.stringContaining(words)]);
      expect(refused.html).toContain('value="7"');
    }

    const found = await admin.post(find, { ...typed, serverId });
    expect([found.status, found.html]).toEqual([
      200,
      expect.stringContaining(`action="/servers/${serverId}/find"`),
    ]);
    expect(found.html).toMatch(/<option value="sqlite" selected/);
    expect(found.html).not.toMatch(/the-us\+er|the-pass\+word|the-us%2Ber|the-pass%2Bword/);
    const keptIn = (html: string) =>
      /name="typed" value="([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    // Through a search that finds nothing, too.
    const searched = await admin.post(`/servers/${serverId}/find`, {
      ...{ type: 'sqlite', folders: '/nowhere', typed: keptIn(found.html) },
    });
    expect(keptIn(searched.html)).toBe(keptIn(found.html));
    const [, back = ''] = /formaction="([^"]*do=back)"/.exec(searched.html) ?? [];
    const again = await admin.post(back.replaceAll('&amp;', '&'), { typed: keptIn(searched.html) });
    expect([again.status, again.html]).toEqual([
      200,
      expect.stringContaining('value="sh&#39;op &quot;1&quot; +ü &lt;script&gt;"'),
    ]);
    expect(again.html).toMatch(new RegExp(`<option value="${serverId}" selected`));
    expect(again.html).toContain('value="7"');
    expect(again.html).not.toContain('class="field-error"');
    for (const odd of ['', '%', 'type=constructor', 'type=postgres&from=../..&do=test']) {
      const { status, html } = await admin.post(`/servers/${serverId}/find`, { type: 'sqlite', typed: odd });
      expect(status).toBe(422);
      if (!odd.startsWith('type=postgres')) expect(html).not.toContain('do=back');
    }
    await pages.services.db.deleteFrom('servers').execute();
  });

  it('enables the storage by its button and stays filled, for admins alone', async () => {
    await configureStorage();
    const operator = await pages.signedIn('operator');
    const refused = await operator.post(`${form}?type=sqlite&do=enable-storage`, sqlite());
    expect(refused.status).toBe(403);
    const enabled = await admin.post(`${form}?type=sqlite&do=enable-storage`, sqlite());
    expect(enabled.status).toBe(200);
    expect(enabled.html).toContain('value="sh&#39;op &quot;1&quot; +ü &lt;script&gt;"');
    expect(enabled.html).toMatch(/value="spaces"[^>]*checked/);
    expect(enabled.html).not.toContain('Enable storage for');
    expect((await admin.get(`${form}?type=sqlite`)).html).toMatch(/value="spaces"[^>]*checked/);
  });

  it.each([
    ['1,5', 90_000],
    ['0.5', 30_000],
    ['60', 3_600_000],
  ])('takes a time limit of %s minutes', async (giveUpMinutes, expected) => {
    const name = `db ${giveUpMinutes}`;
    expect((await admin.post(`${form}?type=sqlite`, sqlite({ name, giveUpMinutes }))).status).toBe(303);
    const row = (await databases()).find((database) => database.name === name);
    expect(row?.pg_dump_timeout_ms).toBe(expected);
    const { html } = await admin.get(`/databases/${row?.id}/edit`);
    expect(html).toContain(
      `name="giveUpMinutes" required="" aria-describedby="field-giveUpMinutes-help" type="number" value="${expected / 60_000}"`,
    );
  });

  it.each(['0.4', '61', 'x', '-1', '1e3', '5 minutes'])(
    'refuses a time limit of %j minutes beside its field',
    async (giveUpMinutes) => {
      const { status, html } = await admin.post(`${form}?type=sqlite`, sqlite({ name: 'y', giveUpMinutes }));
      expect([status, html]).toEqual([
        422,
        expect.stringMatching(/field-giveUpMinutes-error"[^>]*>Enter minutes/),
      ]);
    },
  );
});

describe('the form of a registered database', () => {
  it('fills that of a new one by Duplicate, but for secrets, name and prefix', async () => {
    const name = `${'🐘'.repeat(48)} "ü`;
    const original = {
      ...{ name, serverId: 'this-machine', host: '127.0.0.1', port: '5433', databaseName: `Größe "+"` },
      ...{ backupStorageType: 'local', backupLocalPath: folder, giveUpMinutes: '7', maxBackupAgeHours: '13' },
      ...{ backupFormat: 'plain', backupCompression: 'gzip', backupCompressionLevel: '3' },
      ...{ username: 'the-user', password: 'the-password' },
    };
    const { location } = await admin.post(`${form}?type=postgres`, original);
    expect((await admin.get(location ?? '')).html).toContain(`href="${location}/duplicate"`);
    const led = await admin.get(`${location}/duplicate`);
    expect(led.status).toBe(303);
    const { html, status } = await admin.get(led.location ?? '');
    expect(status).toBe(200);
    expect(html).toContain('Filled with the settings of 🐘');
    for (const value of ['127.0.0.1', '5433', 'Größe &quot;+&quot;', '7', '13'])
      expect(html).toContain(`value="${value}"`);
    expect(html).toMatch(/name="name"[^>]* value="Copy of (🐘){45}[^"🐘]?…"/u);
    expect(html).not.toMatch(/the-user|the-password/);
    // As it is, it is registered: the name is within its length.
    const proposed = /name="name"[^>]* value="([^"]*)"/.exec(html)?.[1] ?? '';
    const made = await admin.post(`${form}?type=postgres`, { ...original, name: proposed });
    expect(made.status).toBe(303);
    expect((await databases()).some((row) => row.name === proposed)).toBe(true);

    expect(html).toContain('the addresses that it pings are not copied');
    // Deleted while somebody fills in its copy: what was typed stays.
    const gone = `${form}?type=postgres&from=nope`;
    const typed = { ...original, name: 'typed <ü>', port: 'x' };
    for (const answer of [await admin.get(gone), await admin.post(gone, typed)]) {
      expect(answer.html).toContain('this was to be a copy of is there no more');
      expect(answer.html).not.toContain('Filled with');
    }
    const refused = await admin.post(gone, typed);
    expect([refused.status, refused.html]).toEqual([422, expect.stringContaining('value="typed &lt;ü&gt;"')]);
    expect((await admin.post(gone, { ...original, name: 'of none' })).status).toBe(303);
    expect((await admin.get(`${form}?type=sqlite&from=${location?.split('/').at(-1)}`)).html).not.toContain(
      'Filled with',
    );
    const viewer = await pages.signedIn('viewer');
    expect((await viewer.get(`${location}/duplicate`)).status).toBe(403);
    expect((await viewer.get(location ?? '')).html).not.toContain('/duplicate');
  });

  it('tests the change without making it, and holds a password back that was given for another target', async () => {
    const [row] = await databases();
    const edit = `/databases/${row?.id}/edit`;
    const tested = await admin.post(`${edit}?do=test`, sqlite({ filePath: join(folder, 'other.db') }));
    expect(tested.html).toContain('There is no file');
    expect((await databases())[0]).toEqual(row);
    const postgres = {
      name: 'held',
      serverId: 'this-machine',
      host: '127.0.0.1',
      port: '1',
      databaseName: 'x',
    };
    const options = {
      backupStorageType: 'local',
      backupFormat: 'custom',
      backupCompression: 'zstd',
      backupCompressionLevel: '6',
    };
    const made = await admin.post(`${form}?type=postgres`, {
      ...postgres,
      ...options,
      username: 'u',
      password: 'p+w',
    });
    const moved = await admin.post(`${made.location}/edit?do=test`, { ...postgres, ...options, port: '2' });
    expect(moved.html).toContain('it was given for another target (port: 2 instead of 1)');
  });
});
