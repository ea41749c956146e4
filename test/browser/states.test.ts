import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginSecondFactor, confirmSecondFactor } from '../../src/auth/change-second-factor.ts';
import type { Role } from '../../src/auth/roles.ts';
import { createUser } from '../../src/auth/users.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import type { BackupRow } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { putRestoreLogin } from '../../src/restores/restore-logins.ts';
import { createServer } from '../../src/servers/servers.ts';
import { insertBackup } from '../support/backup-row.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { codeOf } from '../support/second-factor.ts';
import { AXE, faultsInBothColours, NAVIGATION, PHONE, widthOnPhone } from './axe.ts';
import { deadControls } from './dead-controls.ts';
import { ADMIN, complaintsOf, type Site, setUp, startSite } from './site.ts';
import { stopClock } from './stopped-clock.ts';

/** States of pages that a filled installation does not have. */
const PASSWORD = 'correct horse battery';
const NOBODY = { userId: null, address: null };
const MIB = 1024 ** 2;

let site: Site;
let browser: TestBrowser;
let page: Page;
/** The same without JavaScript. */
let plain: Page;
let complaints: readonly string[];

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
  // What runs here is another's: nobody repairs it.
  await site.services.worker.stop(1000);
  page = await (await browser.open()).newPage();
  // Once for all pages: to send it to each takes as long as its rules do.
  await page.addInitScript(AXE);
  complaints = complaintsOf(page, site);
  plain = await (await browser.open({ javaScriptEnabled: false })).newPage();
});
afterAll(async () => {
  expect(complaints).toEqual([]);
  await browser.close();
  await site.close();
});

async function lookAt(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(site.url + path);
    await look(path);
  }
}

/** At the same pages where nothing runs in them. */
async function lookAtPlain(paths: readonly string[]): Promise<void> {
  await plain.context().clearCookies();
  await plain.context().addCookies(await page.context().cookies());
  for (const path of paths) {
    await plain.goto(site.url + path);
    const hasHeading = await plain.getByRole('heading', { level: 1 }).first().isVisible();
    expect([path, hasHeading, await deadControls(plain)]).toEqual([path, true, []]);
  }
}

/** At what stands on the page now. */
async function look(what: string): Promise<void> {
  expect([what, await faultsInBothColours(page, NAVIGATION)]).toEqual([what, []]);
  expect([what, await widthOnPhone(page)]).toEqual([what, PHONE.width]);
}

const people = new Set<Role>();

/** From now on the pages are those of somebody of that role, who has signed in without one. */
async function become(role: Role): Promise<void> {
  const login = { email: `${role}@example.com`, password: PASSWORD };
  if (!people.has(role)) await createUser(site.services, NOBODY, { ...login, role });
  people.add(role);
  const response = await fetch(`${site.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: site.url },
    body: new URLSearchParams(login),
  });
  expect(response.status).toBe(303);
  const cookies = response.headers.getSetCookie().map((line) => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    return { name, value, url: site.url };
  });
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
}

/** Gives the secret of the second factor of a new user. */
async function withSecondFactor(email: string): Promise<string> {
  const { services } = site;
  const { id } = await createUser(services, NOBODY, { email, password: PASSWORD, role: 'viewer' });
  const actor = { userId: id, address: null, role: 'viewer' } as const;
  const { secret } = await beginSecondFactor(services, actor, { userId: id, currentPassword: PASSWORD });
  const code = codeOf(secret, services.now());
  await confirmSecondFactor(services, actor, { userId: id, code, sessionId: '' });
  return secret;
}

/** A backup that another process has, with a database of its own, and what ends it. */
async function begunBackup(name: string) {
  const { db } = site.services;
  const at = new Date(Date.now() - 60_000);
  const backup = await insertBackup(db, at, {
    ...{ status: 'in_progress', outcome: null, claimed_by: 'another process', step: 'dump', token: newId() },
    ...{ filename: 'shop-2026-03-04T05-06-07-890Z.sql', bytes_read: 25 * MIB, started_at: at.toISOString() },
    lease_until: new Date(at.getTime() + 3_600_000).toISOString(),
  });
  await db.updateTable('databases').set({ name }).where('id', '=', backup.database_id).execute();
  return { backup, claim: { runId: backup.id, claimedBy: 'another process' } };
}

/** Ends as that. */
async function endedBackup(
  outcome: 'failed' | 'uncertain' | 'cancelled' | 'interrupted',
): Promise<BackupRow> {
  const { backup, claim } = await begunBackup(`${outcome} "ü" <b> 🐘`);
  const error = {
    ...({ step: 'upload', code: 'storage_unreachable', exitCode: 1 } as const),
    message: 'The storage did not answer within 30 s: prod-backups at s3.example.com. Look whether it is up.',
    stderr: 'pg_dump: error: aborting because of server version mismatch\n'.repeat(3),
  };
  const isSettled = await settleFailed(
    site.services.db,
    claim,
    { error, outcome, askAgainAt: new Date(Date.now() + 60_000) },
    new Date(),
  );
  expect([outcome, isSettled]).toEqual([outcome, true]);
  return backup;
}

/** Of an installation that was just begun: what has nothing to list, and forms that no other test opens. */
const BEGUN = [
  ...['/databases', '/runs', '/drills', '/schedules', '/servers', '/environments', '/notifications'],
  ...['deliveries', 'channels', 'webhooks'].map((tab) => `/notifications/${tab}`),
  ...['/admin/storage', '/admin/audit', '/admin/users', '/admin/tokens', '/admin/service-accounts'],
  ...['/admin/users/new', '/environments/new'],
];

describe('Axe finds nothing wrong, light and dark', () => {
  it('with the entrance, refused and asking for one more code', async () => {
    await page.goto(site.url);
    await page.waitForURL(`${site.url}/setup`);
    await look('an installation without users');
    await page.getByLabel('Setup code').fill('not the one');
    await page.getByLabel('Email').fill(ADMIN.email);
    await page.getByLabel('Password').fill('1qaz2wsx3edc');
    await page.getByRole('button', { name: 'Create admin' }).click();
    await page.locator('.field-error').first().waitFor();
    await look('a first admin who is refused');
    await setUp(page, site);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/login/);
    await lookAt(['/login']);
    const secret = await withSecondFactor('two@example.com');
    await page.goto(`${site.url}/login`);
    for (const password of ['not the one', PASSWORD]) {
      await page.getByLabel('Email').fill('two@example.com');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      if (password === PASSWORD) continue;
      await page.getByText('E-mail or password is wrong.').waitFor();
      await look('a login that is refused');
    }
    await page.getByRole('heading', { name: 'One more code' }).waitFor();
    await look('a second factor');
    await page.getByLabel('Code').fill(codeOf(secret, new Date(0)));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#field-code-error').waitFor();
    await look('a second factor that is refused');
  });

  it('with lists that are empty', async () => {
    await become('admin');
    await lookAt(BEGUN);
  });

  it('with the first steps of who may not take them all', async () => {
    for (const role of ['viewer', 'operator'] as const) {
      await become(role);
      await lookAt(['/']);
      await lookAtPlain(['/']);
    }
  });

  it('with backups that wait, run, or ended otherwise than well', async () => {
    await become('admin');
    const { backup: running } = await begunBackup('running "ü" <b> 🐘');
    const ended: BackupRow[] = [];
    for (const outcome of ['failed', 'uncertain', 'cancelled', 'interrupted'] as const) {
      ended.push(await endedBackup(outcome));
    }
    const paths = [
      ...[running, ...ended].map(({ id }) => `/backups/${id}`),
      ...ended.slice(0, 1).map(({ database_id: id }) => `/databases/${id}`),
      ...['/runs', '/databases?q=nothing'],
    ];
    await lookAt(paths);
    await lookAtPlain(paths);
  });

  it('with the logins for restores of a server, and the question before one is forgotten', async () => {
    const { services } = site;
    const environment = await services.db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
    const server = await createServer(services, NOBODY, environment.id, {
      ...{ name: 'db1 "ü"', hostname: '127.0.0.2', sshPort: 9 },
    });
    const path = `/servers/${server.id}/restore-logins`;
    await lookAt([path]);
    await putRestoreLogin(
      services,
      NOBODY,
      { serverId: server.id, engine: 'postgres' },
      { username: 'restorer "ü"', password: 'pä ss"wörd', tlsMode: 'off', tlsCa: null },
    );
    await lookAt([`${path}?forget=postgres`, '/servers/new']);
    await lookAtPlain([`${path}?forget=postgres`]);
  });

  it('with the main pages of who may only look, and of who may not do all', async () => {
    const { db } = site.services;
    const { backup, claim } = await begunBackup('shop "ü" <b> 🐘');
    const good = {
      bytes: 50 * MIB,
      bytesRead: 100 * MIB,
      sha256: 'ab'.repeat(32),
      versionId: null,
      seconds: 11,
    };
    expect(await settleCompleted(db, claim, good, new Date())).toBe(true);
    const environment = await db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
    const server = await db.selectFrom('servers').select('id').executeTakeFirstOrThrow();
    const ofOne = [`/databases/${backup.database_id}`, `/servers/${server.id}`];
    await become('viewer');
    await lookAt([
      ...['/', '/databases', '/schedules', ...ofOne, `/backups/${backup.id}`],
      ...[`/environments/${environment.id}/settings`, '/admin/storage'],
    ]);
    await become('operator');
    await lookAt([...ofOne, `/backups/${backup.id}/restore`]);
  });
});

it('A button that copies says what came of it, to who hears the page too, and can be pressed again meanwhile', async () => {
  await become('admin');
  await page.clock.install();
  await stopClock(page);
  await page.goto(`${site.url}/admin/master-key`);
  const copy = page.locator('button[data-copy]');
  const says = async () => [await copy.textContent(), await copy.getAttribute('aria-label')];
  const before = await says();
  expect(before).toEqual(['Copy', expect.stringMatching(/^Copy: /)]);
  for (let times = 0; times < 2; times += 1) {
    await copy.click();
    await expect.poll(async () => (await says())[0]).toMatch(/^(Copied|Not allowed)$/);
    const [text, name] = await says();
    expect(name).toBe(before[1]?.replace('Copy', text ?? ''));
  }
  await page.clock.runFor(3000);
  expect(await says()).toEqual(before);
});
