import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
let admin: Visitor;
let operator: Visitor;
let viewer: Visitor;
let environmentId: string;
let serverId: string;
beforeAll(async () => {
  pages = await openPages();
  [admin, operator, viewer] = [
    await pages.signedIn('admin'),
    await pages.signedIn('operator'),
    await pages.signedIn('viewer'),
  ];
  environmentId = idIn((await admin.post('/environments/new', { name: 'Prod + "ü" 🌍' })).location);
  serverId = idIn((await admin.post(`/environments/${environmentId}/servers/new`, server())).location);
});
afterAll(() => pages.close());

const idIn = (location: string | null) => /\/(c[0-9a-z]{24})/.exec(location ?? '')?.[1] ?? '';
const server = (change: object = {}) => ({ name: 'db 1', hostname: '10.0.0.5', sshPort: '22', ...change });

function form(change: Readonly<Record<string, string>> = {}) {
  return {
    ...{ name: `kunden ${crypto.randomUUID()}`, serverId, host: 'localhost', port: '5432' },
    ...{ databaseName: 'kunden', username: 'leser', password: 'das-Passwort', backupFormat: 'plain' },
    ...{ backupCompression: 'none', backupCompressionLevel: '6', backupStorageType: 'local' },
    ...{ pgDumpTimeoutMs: '300000', ...change },
  };
}

/** A database whose host an operator changes, the password left blank as the form offers. */
async function redirected() {
  const made = await admin.post(`/environments/${environmentId}/databases/new?type=postgres`, form());
  const path = `/databases/${idIn(made.location)}`;
  const edited = form({ host: 'evil.example', username: '', password: '' });
  expect((await operator.post(`${path}/edit`, edited)).status).toBe(303);
  const { html } = await operator.get(path);
  return { path, html, target: /name="target" value="([^"]*)"/.exec(html)?.[1] ?? '' };
}

it('the page of a database asks for its password at once when it leads elsewhere', async () => {
  const { path, html, target } = await redirected();
  expect(html).toContain('host: evil.example instead of localhost');
  expect(html).toContain('The stored password is not sent');
  expect(html).toMatch(/<input[^>]*name="password"[^>]*type="password"/);
  expect(html).not.toContain('confirm-target');
  expect((await operator.post(`${path}/confirm-target`, { target })).status).toBe(403);
  expect((await viewer.post(`${path}/password`, { target, password: 'x' })).status).toBe(403);
  expect((await viewer.get(path)).html).not.toContain('name="password"');

  const blank = await operator.post(`${path}/password`, { target, password: '' });
  expect([blank.status, blank.html.includes('Please fill this in.')]).toEqual([422, true]);
  const typed = await operator.post(`${path}/password`, { target, password: 'again' });
  expect(typed.status).toBe(303);
  expect((await operator.get(path)).html).not.toContain('The stored password is not sent');
});

it('an admin confirms on that page what is shown there, and nothing else', async () => {
  const { path, target } = await redirected();
  expect((await admin.get(path)).html).toContain(`action="${path}/confirm-target"`);
  await operator.post(`${path}/edit`, form({ host: 'worse.example', username: '', password: '' }));
  for (const [action, more] of [
    ['confirm-target', {}],
    ['password', { password: 'typed for evil.example' }],
  ] as const) {
    const late = await admin.post(`${path}/${action}`, { target, ...more });
    expect([action, late.status]).toEqual([action, 422]);
    expect(late.html).toContain('were changed meanwhile');
    expect(late.html).toContain('worse.example');
    expect(late.html).not.toContain('typed for evil.example');
  }
  await operator.post(`${path}/edit`, form({ host: 'evil.example', username: '', password: '' }));
  expect((await admin.post(`${path}/confirm-target`, { target })).status).toBe(303);
  expect((await admin.get(path)).html).not.toContain('The stored password is not sent');
});

it('the page of a server names the databases that wait for its new address', async () => {
  const made = await admin.post(`/environments/${environmentId}/servers/new`, server({ name: 'db 2' }));
  const other = idIn(made.location);
  const database = form({ serverId: other, name: 'wartet <b>' });
  const { location } = await admin.post(
    `/environments/${environmentId}/databases/new?type=postgres`,
    database,
  );
  expect((await operator.get(`/servers/${other}`)).html).not.toContain('are not sent');
  const saved = await operator.post(`/servers/${other}`, server({ name: 'db 2', hostname: '10.9.9.9' }));
  expect(saved.status).toBe(303);
  const { html } = await operator.get(`/servers/${other}`);
  expect(html).toContain('Stored passwords are not sent');
  expect(html).toContain(`href="/databases/${idIn(location)}">wartet &lt;b&gt;</a>`);
});
