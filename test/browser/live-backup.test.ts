import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUser } from '../../src/auth/users.ts';
import { settleCompleted } from '../../src/backups/settle.ts';
import { newId } from '../../src/ids.ts';
import { insertBackup } from '../support/backup-row.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { faultsInBothColours } from './axe.ts';
import { complaintsOf, type Session, type Site, signInOnce, startSite } from './site.ts';

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
async function runningBackup(): Promise<string> {
  const at = new Date();
  const { id } = await insertBackup(site.services.db, at, {
    ...{ status: 'in_progress', outcome: null, claimed_by: 'another process', step: 'dump', token: newId() },
    ...{ database_id: good.database_id, bytes_read: 25 * MIB, started_at: at.toISOString() },
    lease_until: new Date(at.getTime() + 3_600_000).toISOString(),
  });
  return id;
}

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

    const claim = { runId: id, claimedBy: 'another process' };
    const done = { bytes: 61_089_068, sha256: null, versionId: null, seconds: 4 };
    expect(await settleCompleted(db, claim, done, new Date())).toBe(true);
    await tick();
    await page
      .locator('.notice', {
        hasText: 'Backed up and read back: 58.3 MiB (120 MiB before compression) in 4 s.',
      })
      .waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
    // The button that had it is gone.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('live-runs');
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
