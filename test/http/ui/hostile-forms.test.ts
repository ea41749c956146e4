import fc from 'fast-check';
import { Hono } from 'hono';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../../src/db/schema.ts';
import { AppError } from '../../../src/errors.ts';
import { apiGroups } from '../../../src/http/api/routes.ts';
import { createLimits } from '../../../src/http/rate-limit.ts';
import { createReadiness } from '../../../src/http/readiness.ts';
import { requestAgain } from '../../../src/http/ui/kit/lost-form.ts';
import { uiRoutes } from '../../../src/http/ui/routes.ts';
import type { Services } from '../../../src/services-port.ts';
import { openPages, PASSWORD, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
let admin: Visitor;
/** One of each, by the name of its parameter in a path. */
const ids = new Map<string, string>();

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';

beforeAll(async () => {
  pages = await openPages();
  ids.set('routeId', 'post-api-environments');
  POSTS = pages.routes.filter((route) => /^POST (?!\/(login|setup|logout))/.test(route));
  admin = await pages.signedIn('admin');
  const environment = idIn((await admin.post('/environments/new', { name: 'production' })).location);
  const server = idIn(
    (await admin.post(`/environments/${environment}/servers/new`, { ...GOOD, hostname: '10.0.0.5' }))
      .location,
  );
  const database = idIn(
    (
      await admin.post(`/environments/${environment}/databases/new?type=postgres`, {
        ...GOOD,
        serverId: server,
      })
    ).location,
  );
  const other = { email: 'other@example.com', name: '', role: 'viewer', password: PASSWORD };
  await admin.post('/admin/users/new', other);
  const { db } = pages.services;
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('email', '=', other.email)
    .executeTakeFirstOrThrow();
  await admin.post(`/databases/${database}/backups`);
  const backup = await db.selectFrom('backups').select('id').executeTakeFirstOrThrow();
  for (const [name, id] of Object.entries({
    environment,
    server,
    database,
    user: user.id,
    backup: backup.id,
  })) {
    ids.set(`${name}Id`, id);
  }
});
afterAll(() => pages.close());

/** A form of each kind that would be taken. */
const GOOD = {
  ...{
    name: 'appdb',
    hostname: 'db1.example.com',
    sshPort: '22',
    host: 'localhost',
    port: '5432',
    type: 'postgres',
  },
  ...{ databaseName: 'app', backupFormat: 'plain', backupCompression: 'gzip', backupCompressionLevel: '6' },
  ...{ backupStorageType: 'local', pgDumpTimeoutMs: '300000', email: 'a@example.com', role: 'viewer' },
  ...{
    password: 'long enough',
    newPassword: 'long enough',
    enabled: 'true',
    pinned: 'true',
    sshUser: 'root',
  },
  ...{
    allowBackupDownload: 'true',
    access: 'backups',
    where: 'all',
    expiresInDays: '30',
    owner: 'user:unknown',
    defaultCollectionIntervalSec: '300',
    provider: 'minio',
    region: 'us-east-1',
  },
};
const FIELDS = [
  ...Object.keys(GOOD),
  ...['username', 'filePath', 'serverId', 'tags', 'publicIp', 'sshPrivateKey', 'backupLocalPath', 'buckets'],
  ...[
    'backupSpacesBucket',
    'backupSpacesPrefix',
    'currentPassword',
    'setupCode',
    'endpoint',
    'shown',
    'notice',
  ],
  ...[
    'prefix',
    'bucket',
    'page',
    'offset',
    'limit',
    'next',
    '__proto__',
    'constructor',
    'useSsl',
    'redirect',
  ],
];

/** Every form but those of the entrance, which need no session. */
let POSTS: readonly string[] = [];

/** Where a form would lead to another machine, sign in as somebody else, or leave nothing to go on with. */
const LEFT_OUT =
  /test|probe|bucket|\/log(?:in|out)|storage\/edit$|storage\/delete|users\/:userId\/delete|account\/password|:userId\/password|\/setup|databases\/:databaseId\/delete|environments\/:environmentId\/delete|servers\/:serverId\/delete|backups\/:backupId\/delete/;

const pathOf = (route: string, own = ids) =>
  route.replace(/^\w+ /, '').replace(/:(\w+)/g, (_, name) => own.get(name) ?? 'unknown');

/** A form that whoever is signed in now is shown, filled as it was lost. */
async function showAgain(
  app: ReturnType<typeof uiRoutes>,
  path: string,
  form: Readonly<Record<string, string>> = GOOD,
) {
  const entrance = new Hono();
  entrance.post('/', (c) => {
    const fields = new URLSearchParams(form).toString();
    const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
    return app.fetch(requestAgain(c, { path, fields }, admin.cookie()), peer);
  });
  return entrance.request('http://localhost/', {
    method: 'POST',
    headers: { origin: 'http://localhost', host: 'localhost' },
  });
}

/** As the entrance has them, which shows a lost form again. */
function pagesAlone(services: Services) {
  const groups = apiGroups(services);
  return uiRoutes(services, createLimits(services), {
    groups,
    answering: async () => new Response('{}'),
    readiness: createReadiness(services, async () => null),
  });
}

/** All rows but those that time itself changes. */
async function everything(db: Db): Promise<string> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
    db,
  );
  const tables = rows.map(({ name }) => name).filter((name) => !/^sqlite_|sessions|signing_keys/.test(name));
  const all = await Promise.all(
    tables.map(async (name) => [name, (await sql`select * from ${sql.table(name)}`.execute(db)).rows]),
  );
  return JSON.stringify(all);
}

it.each(['name=p%E4ss', 'na%E4me=x', 'name=%F0%9F%92', 'name=%zz'])(
  'refuses the form %s, which would not be read as it was typed',
  async (text) => {
    const { status, html } = await admin.post('/environments/new', text);
    expect(status).toBe(400);
    expect(html).toContain('not in UTF-8');
  },
);

describe('a form of before somebody signed in, shown again', () => {
  it('opens no host, asks no storage and changes nothing, of whatever page', async () => {
    let opened = 0;
    const refused = async () => {
      opened += 1;
      throw new AppError('host_unreachable', 'Opened.');
    };
    const { db, servers } = pages.services;
    const app = pagesAlone({ ...pages.services, servers: { ...servers, open: refused } });
    const done: string[] = [];
    const answered: string[] = [];
    const unsaid: string[] = [];
    let before = await everything(db);
    for (const route of POSTS) {
      const answer = await showAgain(app, pathOf(route), { ...GOOD, ...CHOSEN });
      const after = await everything(db);
      if (opened > 0 || after !== before) done.push(route);
      opened = 0;
      before = after;
      if (answer.status < 400) answered.push(route);
      if (answer.status === 422 && !(await answer.text()).includes(LOST)) unsaid.push(route);
    }
    expect(POSTS.length).toBeGreaterThan(80);
    expect(done).toEqual([]);
    expect(answered.toSorted()).toEqual(HARMLESS);
    expect(unsaid).toEqual([]);
  });

  it.each([
    [
      'POST /notifications/webhooks',
      { url: 'https://hooks.example/a+b?x=%C3%BC', completed: 'true' },
      'a+b?x=%C3%BC',
    ],
    ['POST /databases/:databaseId/delete', { files: 'keep', name: 'appdb' }, 'Nothing has been changed yet'],
    [
      'POST /environments/:environmentId/databases/new?type=mysql',
      { ...GOOD, type: 'mysql' },
      '/databases/new?type=mysql"',
    ],
  ])('comes back with what was typed: %s', async (route, form, shown) => {
    const answer = await showAgain(pagesAlone(pages.services), pathOf(route), form);
    const html = await answer.text();
    expect([answer.status, html.includes(LOST), html.includes(shown)]).toEqual([422, true, true]);
  });
});

/** What may be answered, since it does nothing: it tells what was lost, or how the pages look. */
const HARMLESS: readonly string[] = ['POST /servers/:serverId/find/result', 'POST /theme'];
/** Rows of a list. */
const CHOSEN = { select: 'c1', id: 'c1' };
const LOST = 'You were signed out before this was sent.';

it('answers no page and no form with a 5xx, whatever is sent', async () => {
  const targets = pages.routes.filter((route) => !LEFT_OUT.test(route));
  expect(targets.length).toBeGreaterThan(35);
  const nasty = fc.constantFrom(
    ...[
      '',
      ' ',
      "'",
      '"',
      '$(id)',
      '../../etc/passwd',
      '\u0000',
      '\r\nX: y',
      '\u202e',
      '\ud800',
      '💥',
      'null',
      '%00',
    ],
    ...[
      '-1',
      '0',
      '1e308',
      '99999999999999999999',
      'NaN',
      'http://[',
      '//evil.example',
      'javascript:alert(1)',
    ],
    ...['a'.repeat(5000), '<script>alert(1)</script>', 'on', 'ssh-ed25519 AAAA', '-oProxyCommand=x'],
  );
  const field = fc.constantFrom(...FIELDS);
  const form = fc.dictionary(field, nasty, { maxKeys: 4 });
  const id = fc.oneof(
    { weight: 6, arbitrary: fc.constant('own') },
    fc.constantFrom('unknown', '..', '%2e%2e', "'", '%00', '%F0%9F%92%A5', '%', 'a'.repeat(3000)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...targets),
      id,
      form,
      fc.boolean(),
      async (target, which, bad, isWhole) => {
        const [method, pattern = ''] = target.split(' ');
        const path = pattern.replace(/:(\w+)/g, (_, name) =>
          which === 'own' ? (ids.get(name) ?? '') : which,
        );
        const query = new URLSearchParams(bad).toString();
        const answer =
          method === 'GET'
            ? await admin.get(`${path}?${query}`)
            : await admin.post(`${path}?${query}`, isWhole ? { ...GOOD, ...bad } : bad);
        expect(answer.status, `${target} ${which} ${JSON.stringify(bad)}`).toBeLessThan(500);
        // A redirect stays here, and nothing that was typed becomes markup.
        if (answer.location !== null) expect(answer.location).toMatch(/^\/(?!\/)/);
        const isPage = answer.headers.get('content-type')?.startsWith('text/html') ?? true;
        if (isPage) expect(answer.html).not.toContain('<script>alert');
        else expect(answer.headers.get('content-disposition') ?? 'attachment').toMatch(/^attachment/);
      },
    ),
    {
      numRuns: 600,
      // What is no id of anything leads to an address that a header can hold.
      examples: ['%00', '%F0%9F%92%A5'].map((which) => [
        'POST /databases/:databaseId/backups/pin',
        which,
        {},
        false,
      ]),
    },
  );
});
