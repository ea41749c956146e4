import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUser } from '../../src/auth/users.ts';
import { settleCompleted } from '../../src/backups/settle.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { insertRun } from '../../src/runs/claim.ts';
import { insertVerification } from '../../src/verifications/ask-verification.ts';
import { insertBackup } from '../support/backup-row.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { restoreRow } from '../support/restore-row.ts';
import { faultsInBothColours } from './axe.ts';
import { complaintsOf, type Session, type Site, signInOnce, startSite } from './site.ts';
import { stopClock } from './stopped-clock.ts';

const LOGIN = { email: 'live@example.com', password: 'correct horse battery' };
const NAME = `shop "ü" <b> 🐘`;
const MIB = 1024 ** 2;

let site: Site;
let browser: TestBrowser;
let session: Session;
let good: { readonly id: string; readonly database_id: string };

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
  const { db } = site.services;
  // What runs here is another's: nobody repairs it.
  await site.services.worker.stop(1000);
  await createUser(site.services, { userId: null, address: null }, { ...LOGIN, role: 'admin' });
  good = await insertBackup(db, new Date(Date.now() - 3_600_000), {
    ...{ status: 'completed', outcome: 'completed', size: 50 * MIB, bytes_read: 100 * MIB, duration: 11 },
    ...{ verification: 'stored', sha256: 'ab'.repeat(32), token: newId() },
    filename: 'shop-2026-03-04T05-06-07-890Z.sql',
  });
  await db.updateTable('databases').set({ name: NAME }).where('id', '=', good.database_id).execute();
  session = await signInOnce(browser, site, LOGIN);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

async function openPage(): Promise<Page> {
  return (await browser.open({ storageState: session })).newPage();
}

/** A backup that another process has: the worker of this one leaves it alone. */
async function runningBackup(databaseId = good.database_id): Promise<string> {
  const at = new Date();
  const { id } = await insertBackup(site.services.db, at, {
    ...{ status: 'in_progress', outcome: null, claimed_by: 'another process', step: 'dump', token: newId() },
    ...{ database_id: databaseId, bytes_read: 25 * MIB, started_at: at.toISOString() },
    lease_until: new Date(at.getTime() + 3_600_000).toISOString(),
  });
  return id;
}

/** As whoever had it would say. */
async function settle(id: string): Promise<void> {
  const done = { bytes: 61_089_068, sha256: null, versionId: null, seconds: 4 };
  const claim = { runId: id, claimedBy: 'another process' };
  expect(await settleCompleted(site.services.db, claim, done, new Date())).toBe(true);
}

const ticked = (page: Page) =>
  page.locator('main input:checked').evaluateAll((boxes) => boxes.map((box) => box.getAttribute('value')));

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim());

describe('a database whose backup runs', () => {
  it('keeps the focus and what is ticked while the numbers change, and tells the result', async () => {
    const { db } = site.services;
    const id = await runningBackup();
    const page = await openPage();
    const complaints = complaintsOf(page, site);
    await page.clock.install();
    await page.goto(`${site.url}/databases/${good.database_id}`);
    const tick = () =>
      Promise.all([page.waitForResponse(/\/runs\?shown=/), page.clock.runFor(1100)]).then(() => {});
    const bar = page.getByRole('progressbar', { name: 'Progress of dumping' });
    expect(await bar.getAttribute('value')).toBe('25');
    expect(await page.title()).toMatch(/^25 % · shop/);

    const cancel = page.getByRole('button', { name: 'Cancel' });
    const ofTicked = page.getByRole('button', { name: 'Delete the selected' });
    expect(await ofTicked.isVisible()).toBe(false);
    await page.getByRole('checkbox').first().check();
    expect(await ofTicked.isVisible()).toBe(true);
    await cancel.focus();
    await db
      .updateTable('backups')
      .set({ bytes_read: 64 * MIB })
      .where('id', '=', id)
      .execute();
    await tick();
    await page.getByText('64.0 MiB of about 100 MiB').waitFor();
    await expect.poll(() => page.title()).toMatch(/^64 % · shop/);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    expect(await page.getByRole('checkbox').first().isChecked()).toBe(true);

    // More than the last good one had: nobody knows how much is to come.
    await db
      .updateTable('backups')
      .set({ bytes_read: 120 * MIB })
      .where('id', '=', id)
      .execute();
    await tick();
    await page.getByText('120 MiB').waitFor();
    expect(await bar.getAttribute('value')).toBeNull();

    await settle(id);
    await tick();
    await page
      .locator('.notice', {
        hasText: 'Backed up and read back: 58.3 MiB (120 MiB before compression) in 4 s.',
      })
      .waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
    // The button that had it is gone.
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('live-runs');
    await page.locator('#backup-list').getByText('58.3 MiB').waitFor();
    await page.locator('#figures').getByText('58.3 MiB stored in 4 s, read back').waitFor();
    await expect.poll(() => page.title()).toMatch(/^shop/);
    expect(complaints).toEqual([]);
  });

  it('says on both pages so where the app does not answer any more, and goes on when it does', async () => {
    const id = await runningBackup();
    const page = await openPage();
    for (const path of [`/databases/${good.database_id}`, `/backups/${id}`]) {
      await page.clock.install();
      await page.goto(site.url + path);
      const live = page.locator('.live-region');
      await page.context().setOffline(true);
      await page.clock.runFor(8000);
      await live.getByText(/^No answer since \d\d:\d\d:\d\d, trying again$/).waitFor();
      await page.context().setOffline(false);
      await Promise.all([page.waitForResponse(/\/runs?(\?|$)/), page.clock.runFor(8000)]);
      await page.locator('.live-region:not(.is-lost)').waitFor();
    }
    await site.services.db.deleteFrom('backups').where('id', '=', id).execute();
  });

  it('has pages that axe finds nothing wrong with', async () => {
    const page = await openPage();
    for (const path of [
      `/databases/${good.database_id}`,
      `/databases/${good.database_id}?select=${good.id}`,
      `/databases/${good.database_id}/settings?delete`,
      `/backups/${good.id}`,
    ]) {
      await page.goto(site.url + path);
      expect([path, await faultsInBothColours(page)]).toEqual([path, []]);
    }
  });
});

describe('what has ended', () => {
  it('is told on the overview and under Runs, where the focus and what is open stay', async () => {
    const page = await openPage();
    const complaints = complaintsOf(page, site);
    await page.clock.install();
    const end = async (id: string, part: RegExp) => {
      // Waited for before it ends: the page may ask at any time.
      const anew = page.waitForResponse(part);
      await settle(id);
      await Promise.all([anew, page.clock.runFor(1100)]);
    };

    const first = await runningBackup();
    await page.goto(`${site.url}/runs`);
    const row = page.locator(`#run-${first}`);
    await row.getByText('running').waitFor();
    const { database_id: id } = good;
    await row.getByRole('link', { name: NAME }).focus();
    await end(first, /\/runs$/);
    await row.getByText('read back').waitFor();
    await page.locator('#running').getByText('Backed up and read back: 58.3 MiB').waitFor();
    expect(await focused(page)).toBe(NAME);

    await page.goto(`${site.url}/runs/${await runningBackup()}/log`);
    const second = page.url().split('/').at(-2) ?? '';
    await page.locator('#run-badge').getByText('running').waitFor();
    await end(second, /\/log$/);
    await page.locator('#run-badge').getByText('read back').waitFor();
    expect(await page.locator('#run-state').getAttribute('hx-get')).toBeNull();

    const third = await runningBackup();
    await page.goto(site.url);
    await page.getByText('The numbers').first().click();
    expect(await page.locator(`#latest-${third}`).count()).toBe(0);
    await page.getByRole('link', { name: 'All runs' }).focus();
    await end(third, /127\.0\.0\.1:\d+\/$/);
    await page.locator(`#latest-${third}`).getByText('read back').waitFor();
    await page.locator('#running').getByText('Backed up and read back: 58.3 MiB').waitFor();
    expect(await focused(page)).toBe('All runs');
    expect(await page.locator('#overview details[open]').count()).toBe(1);
    // Nothing runs: nothing but what looks for it, once in a quarter of a minute, is asked for.
    await stopClock(page);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.clock.runFor(15_000);
    const [again, others] = [asked.filter((path) => path === '/'), asked.filter((path) => path !== '/')];
    expect(others.filter((path) => path !== '/live')).toEqual(['/runs/running']);
    // Two answers of a slow machine may have said that it ended: then the page is asked for once more, some seconds later.
    expect(again.length).toBeLessThanOrEqual(1);
    await site.services.db.deleteFrom('runs').where('subject_id', 'in', [first, second, third]).execute();
    await site.services.db.deleteFrom('backups').where('id', 'in', [first, second, third]).execute();
    expect([id, complaints]).toEqual([good.database_id, []]);
  });

  it('leaves each tick at what was ticked, where rows come and go', async () => {
    const { db } = site.services;
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const done = { status: 'completed', outcome: 'completed', size: MIB, verification: 'stored' } as const;
    const [newer, older] = [
      await insertBackup(db, hoursAgo(2), { ...done, token: newId() }),
      await insertBackup(db, hoursAgo(3), { ...done, token: newId() }),
    ];
    const { database_id: databaseId } = older;
    const page = await openPage();
    await page.clock.install();
    const goesOn = async (part: RegExp) => {
      await Promise.all([page.waitForResponse(part), page.clock.runFor(1100)]);
    };

    const first = await runningBackup(databaseId);
    await page.goto(`${site.url}/databases?sort=-last-good`);
    const lead = () => page.locator('#databases input[type=checkbox]').first().getAttribute('value');
    expect(await lead()).not.toBe(databaseId);
    const both = [databaseId, newer.database_id];
    for (const id of both) await page.locator(`input[value="${id}"]`).check();
    await settle(first);
    await goesOn(/sort=-last-good$/);
    await expect.poll(lead).toBe(databaseId);
    expect((await ticked(page)).toSorted()).toEqual(both.toSorted());

    const second = await runningBackup(databaseId);
    await page.goto(`${site.url}/databases/${databaseId}`);
    await page.locator(`input[value="${first}"]`).check();
    // As if time went by: the words of each row change.
    await db
      .updateTable('backups')
      .set({ created_at: hoursAgo(1).toISOString() })
      .where('id', '=', first)
      .execute();
    const { id: third } = await insertBackup(db, new Date(), {
      ...done,
      token: newId(),
      database_id: databaseId,
    });
    await settle(second);
    await goesOn(/\/backups/);
    await page.locator(`input[value="${third}"]`).waitFor();
    expect(await ticked(page)).toEqual([first]);

    const ids = [newer.id, older.id, first, second, third];
    await db.deleteFrom('runs').where('subject_id', 'in', ids).execute();
    await db.deleteFrom('backups').where('id', 'in', ids).execute();
    await db.deleteFrom('databases').where('id', 'in', both).execute();
  });

  it('of a full read leaves the question open that was asked meanwhile, and is told below it', async () => {
    const { db } = site.services;
    const runId = newId();
    const running = { state: 'running', claimed_by: 'another process' } as const;
    const later = new Date(Date.now() + 3_600_000);
    await write(db, (trx) =>
      insertVerification(
        trx,
        { runId, backupId: good.id, serverId: null, askedBy: { isScheduled: false, personId: null } },
        new Date(),
      ),
    );
    const run = db.updateTable('runs').where('id', '=', runId);
    await run.set({ ...running, lease_until: later.toISOString() }).execute();
    const page = await openPage();
    const complaints = complaintsOf(page, site);
    await page.clock.install();
    await page.goto(`${site.url}/backups/${good.id}`);
    await page.getByText('It is being read in full, from its first byte').first().waitFor();
    await page.locator('details.more summary').press('Enter');
    await page.getByRole('link', { name: 'Delete…' }).press('Enter');
    await page.getByRole('heading', { name: 'Delete this backup?' }).waitFor();
    const at = new Date().toISOString();
    await db
      .updateTable('backups')
      .set({ verification: 'full', verified_at: at, parsed_proven_at: at, bytes_proven_at: at })
      .where('id', '=', good.id)
      .execute();
    const anew = page.waitForResponse((response) => response.url().endsWith(`/backups/${good.id}`));
    await run.set({ state: 'completed', ended_at: at }).execute();
    await Promise.all([anew, page.clock.runFor(1100)]);
    await page.locator('#backup').getByText('Read in full to the end of the dump').waitFor();
    await page.locator('#backup-state').getByText('read in full').waitFor();
    await page.locator('#flash').getByText('It was read in full, from its first byte').waitFor();
    expect(await page.getByRole('heading', { name: 'Delete this backup?' }).isVisible()).toBe(true);
    expect(await focused(page)).toBe('Cancel');
    await page.keyboard.press('Escape');
    expect(await page.locator('#reading').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('of a restore is told in its place, and the focus stays', async () => {
    const { db } = site.services;
    const id = newId();
    const lease_until = new Date(Date.now() + 3_600_000).toISOString();
    await write(db, async (trx) => {
      const lane = `restore:${id}`;
      await insertRun(trx, { id, kind: 'restore', subjectId: good.id, serverId: null, lane }, new Date());
      const of = { backup_id: good.id, database_id: good.database_id };
      await trx
        .insertInto('restores')
        .values(restoreRow({ id, ...of }))
        .execute();
    });
    const run = db.updateTable('runs').where('id', '=', id);
    await run.set({ state: 'running', claimed_by: 'another process', lease_until }).execute();
    const page = await openPage();
    await page.clock.install();
    await page.goto(`${site.url}/restores/${id}`);
    await page.locator('#restore-state').getByText('running').waitFor();
    await page.getByRole('link', { name: 'Log', exact: true }).focus();
    const anew = page.waitForResponse((response) => response.url().endsWith(`/restores/${id}`));
    await run.set({ state: 'failed', error: '{"message":"The target said no."}' }).execute();
    await Promise.all([anew, page.clock.runFor(1100)]);
    await page.getByText('What was said then').waitFor();
    await page.locator('#restore-state').getByText('failed').waitFor();
    expect(await focused(page)).toBe('Log');
    await db.deleteFrom('restores').where('id', '=', id).execute();
    await db.deleteFrom('runs').where('id', '=', id).execute();
  });
});
