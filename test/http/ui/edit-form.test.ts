import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const SAYS = 'Somebody has changed this since you opened it';
const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';
const seenIn = (html: string) =>
  [...html.matchAll(/name="seen" value="([0-9a-f]{16,18})"/g)].map(([, of = '']) => of);

let pages: Pages;
let one: Visitor;
let two: Visitor;
let environmentId: string;
beforeAll(async () => {
  pages = await openPages();
  one = await pages.signedIn('admin');
  two = await pages.signedIn('admin');
  environmentId = idIn((await one.post('/environments/new', { name: 'prod "ü" <b> 😀' })).location);
});
afterAll(() => pages.close());

/** Both open the form; the first saves `first`, then the second `second`, as its form says, and once more. */
async function race(
  path: string,
  first: Record<string, string>,
  second: Record<string, string>,
  action = path,
) {
  const [seen = ''] = seenIn((await one.get(path)).html);
  expect(seenIn((await two.get(path)).html)).toContain(seen);
  expect((await one.post(action, { ...first, seen })).status).toBe(303);
  const late = await two.post(action, { ...second, seen });
  expect([late.status, late.html.includes(SAYS)]).toEqual([422, true]);
  const [fresh = ''] = seenIn(late.html);
  expect(fresh).not.toBe(seen);
  return { late, again: () => two.post(action, { ...second, seen: fresh }) };
}

describe('a form that somebody else has overtaken', () => {
  it('of a server saves nothing, keeps what was typed, and counts when it is sent once more', async () => {
    const usual = { hostname: 'db.example', sshPort: '22', sshUser: '', publicIp: '', tags: '' };
    const made = await one.post(`/environments/${environmentId}/servers/new`, { ...usual, name: 'db' });
    const path = `/servers/${idIn(made.location)}`;
    const nameOf = async () =>
      (await pages.services.db.selectFrom('servers').select('name').executeTakeFirstOrThrow()).name;
    const { late, again } = await race(path, { ...usual, name: 'one' }, { ...usual, name: 'two <b> "ü"' });
    expect(late.html).toContain('value="two &lt;b&gt; &quot;ü&quot;"');
    expect(await nameOf()).toBe('one');
    expect((await again()).status).toBe(303);
    expect(await nameOf()).toBe('two <b> "ü"');
  });

  it('of a user and of a rule says so, too', async () => {
    const user = await one.post('/admin/users/new', {
      ...{ email: 'someone@example.com', name: '', role: 'viewer', password: 'a-long-password-47' },
    });
    expect(user.status).toBe(303);
    const { id } = await pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', 'someone@example.com')
      .executeTakeFirstOrThrow();
    await race(`/admin/users/${id}`, { name: 'A', role: 'viewer' }, { name: '', role: 'operator' });

    const usual = { cronExpression: '0 2 * * *', enabled: 'true', retries: '2', retryMinutes: '10' };
    await one.post('/schedules/rules/new', { ...usual, name: 'nightly' });
    const rule = /\/schedules\/rules\/(c[0-9a-z]{24})/.exec((await one.get('/schedules')).html)?.[1] ?? '';
    const at = (cronExpression: string) => ({ ...usual, name: 'nightly', cronExpression });
    await race(`/schedules/rules/${rule}`, at('0 3 * * *'), at('0 4 * * *'));
  });

  it('of retention prunes nothing by a policy that was made for another one', async () => {
    const { db } = pages.services;
    const { database_id: databaseId } = await insertBackup(db, new Date(), {
      ...{ status: 'completed', outcome: 'completed' },
    });
    const policyOf = async () =>
      (await db.selectFrom('backup_policies').select('preset').executeTakeFirst())?.preset;
    const path = `/databases/${databaseId}/retention`;
    const { again } = await race(path, { preset: 'long_term' }, { preset: 'lean' });
    expect(await policyOf()).toBe('long_term');
    expect((await again()).status).toBe(303);
    expect(await policyOf()).toBe('lean');
  });

  it('of an environment’s SSH user and of its downloads says so, too', async () => {
    const path = `/environments/${environmentId}/settings`;
    expect((await one.post(`${path}/ssh/make`, {})).status).toBe(303);
    await race(path, { sshUser: 'eins' }, { sshUser: 'zwei' }, `${path}/ssh`);
    const { html } = await one.get(path);
    expect(html).toMatch(/name="sshUser"[^>]* value="eins"/);
    const [, seen = ''] = seenIn(html);
    expect((await one.post(`${path}/data`, { allowBackupDownload: 'true', seen })).status).toBe(303);
    const late = await two.post(`${path}/data`, { seen });
    expect([late.status, late.html.includes(SAYS)]).toEqual([422, true]);
    expect((await one.get(path)).html).toContain('value="true" checked');
    expect((await two.post(`${path}/data`, { seen: seenIn(late.html)[1] ?? '' })).status).toBe(303);
  });

  it('of the mail server says so, too, and asks again for the password', async () => {
    const usual = { port: '1', security: 'none', username: '', sender: 'a@b.example', saveAnyway: 'true' };
    const path = '/notifications/channels';
    const first = { ...usual, host: '127.0.0.1' };
    const { late } = await race(
      path,
      first,
      { ...first, port: '2', password: 'ein-Geheimnis' },
      `${path}/mail`,
    );
    expect(late.html).not.toContain('ein-Geheimnis');
    expect(late.html).toContain('Type it again');
  });

  it('that says nothing of what it showed is taken, as ever', async () => {
    const { db } = pages.services;
    const { id } = await db.selectFrom('servers').select('id').executeTakeFirstOrThrow();
    const usual = { hostname: 'db.example', sshPort: '22', sshUser: '', publicIp: '', tags: '' };
    expect((await one.post(`/servers/${id}`, { ...usual, name: 'three' })).status).toBe(303);
  });
});
