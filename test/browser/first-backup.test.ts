import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { MANIFEST_SUFFIX } from '../../src/backups/manifest-suffix.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { AXE, faultsInBothColours, NAVIGATION } from './axe.ts';
import { type Person, walkToFirstBackup, withKeys, withMouse } from './first-backup.ts';
import { focused, tabTo } from './keys.ts';
import { complaintsOf, type Site, setUp, startSite } from './site.ts';

const MOST_CLICKS = 9;
const MOST_FIELDS = 8;
const NAME = `sh'op "1" +ü <script>.db`;

let sshd: Sshd;
let browser: TestBrowser;
beforeAll(async () => {
  [sshd, browser] = await Promise.all([startSshd(), startBrowser()]);
  await sshd.insideHost(
    `sqlite3 /srv/new.db 'create table t (a); insert into t values (1);' && chmod 666 /srv/new.db && mv /srv/new.db '/srv/${NAME.replaceAll("'", "'\\''")}'`,
  );
});
afterAll(async () => {
  await browser.close();
  await sshd.stop();
});

/** Walks the way on an installation of its own, and holds it to its counts. */
async function walk(site: Site, page: Page, person: Person, look: (step: string) => Promise<void>) {
  await walkToFirstBackup(page, person, { site, sshd, name: NAME, look });
  // Its manifest may lie there by now: those are written every quarter of a minute.
  const keys = site.bucket.objects('prod-backups').map(({ key }) => key);
  expect(keys.filter((key) => !key.endsWith(MANIFEST_SUFFIX))).toEqual([
    expect.stringMatching(/^production\/sh'op "1" \+ü <script>\.db\/.*\.sql\.zst$/),
  ]);
  expect(person.counts.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect(person.counts.fields).toBeLessThanOrEqual(MOST_FIELDS);
}

it('A newcomer gets from the first signed-in page to a backup over SSH that was read back, in nine clicks and eight fields, past pages that axe finds nothing wrong with', async () => {
  const site = await startSite();
  onTestFinished(() => site.close());
  const page = await (await browser.open()).newPage();
  await page.addInitScript(AXE);
  const complaints = complaintsOf(page, site);
  await setUp(page, site);
  const look = async (step: string) => {
    const folder = process.env['PICTURES'];
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: `${folder}/${step}.png`, fullPage: true });
    }
    // What comes after the steps is looked at elsewhere.
    if (step > '6') return;
    expect([step, await faultsInBothColours(page, NAVIGATION)]).toEqual([step, []]);
  };
  await walk(site, page, withMouse(page), look);

  expect(complaints).toEqual([]);
  await page.goto(site.url);
  expect(await page.getByText('Your first backup').count()).toBe(0);
  await page.getByRole('heading', { name: 'Your database is safe' }).waitFor();
  // Nobody was asked: each night is proposed where no rule says anything else.
  expect(await page.getByText('It has no schedule').count()).toBe(0);
  expect(await site.services.db.selectFrom('schedules').select('cron_expression').execute()).toEqual([
    { cron_expression: '0 2 * * *' },
  ]);
  await look('7-overview');
});

describe('Who has no mouse', () => {
  let site: Site;
  let page: Page;
  let complaints: readonly string[];
  beforeAll(async () => {
    site = await startSite();
    page = await (await browser.open()).newPage();
    complaints = complaintsOf(page, site);
    await setUp(page, site);
  });
  afterAll(async () => {
    await site.close();
  });

  const press = (key: string) => page.keyboard.press(key);
  /** Enter on what leads to another page. */
  const follow = () => Promise.all([page.waitForEvent('load'), press('Enter')]);
  const button = (name: string | RegExp) => page.getByRole('button', { name });

  it('goes the same way by Tab, Enter, the arrows and typing, and sees at each stop where the focus is', async () => {
    await walk(site, page, withKeys(page), async () => {});
    // The whole page is not loaded anew when the run ends.
    expect(await focused(page)).not.toBe('');
  });

  it('leaves the menu behind three dots by Escape, and a question that it led to for its button', async () => {
    const { db } = site.services;
    const { id } = await db.selectFrom('backups').select('id').executeTakeFirstOrThrow();
    await page.goto(`${site.url}/backups/${id}`);
    const more = button('More for this backup');
    const question = page.getByRole('dialog', { name: 'Delete this backup?' });
    const ask = async () => {
      await press('Enter');
      await press('Tab');
      expect(await focused(page)).toBe('Delete…');
      await press('Enter');
      await question.waitFor();
      // The key that opened it must not also confirm it.
      await expect.poll(() => focused(page)).toBe('Cancel');
    };
    const expectLeft = async () => {
      await question.waitFor({ state: 'hidden' });
      await expect.poll(() => focused(page)).toBe('More for this backup');
      expect(await page.locator('details.more').getAttribute('open')).toBeNull();
    };
    await tabTo(page, more);
    await press('Enter');
    await press('Tab');
    await press('Escape');
    await expectLeft();
    for (const key of ['Enter', 'Escape']) {
      await ask();
      await press(key);
      await expectLeft();
    }
    await ask();
    await tabTo(page, button('Delete backup'), 'Shift+Tab');
    await follow();
    expect(await db.selectFrom('backups').select('id').where('deleted_at', 'is', null).execute()).toEqual([]);
  });

  it('ticks databases, and does something to them', async () => {
    await page.goto(`${site.url}/databases`);
    await tabTo(page, page.getByRole('checkbox', { name: `Select ${NAME}` }));
    await press('Space');
    await tabTo(page, button('Pause…'), 'Shift+Tab');
    await follow();
    await tabTo(page, page.getByLabel('Paused, because'));
    await page.keyboard.type('Umzug + "ü"');
    await tabTo(page, button('Pause 1 database'));
    await follow();
    await page.locator('#databases td.state').getByText('Paused').waitFor();
  });

  it('keeps the focus on a button while that waits for its answer, and gets it back from what it opened', async () => {
    const { id } = await site.services.db.selectFrom('servers').select('id').executeTakeFirstOrThrow();
    await page.goto(`${site.url}/servers/${id}`);
    await tabTo(page, button('Forget host key'));
    await press('Enter');
    await expect.poll(() => focused(page)).toBe('Cancel');
    await press('Escape');
    await expect.poll(() => focused(page)).toBe('Forget host key');
    await tabTo(page, button('Test SSH'));
    await press('Enter');
    await page.locator('#test-ssh-result .notice').waitFor();
    expect(await focused(page)).toBe('Test SSH');
  });

  it('uses the navigation of a narrow window', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(site.url);
    const servers = page.locator('#menu').getByRole('link', { name: 'Servers', exact: true });
    await tabTo(page, button('Menu'), 'Shift+Tab');
    await press('Enter');
    await tabTo(page, servers);
    await press('Escape');
    await servers.waitFor({ state: 'hidden' });
    expect(await focused(page)).toBe('Menu');
    await press('Enter');
    await tabTo(page, servers);
    await follow();
    expect(new URL(page.url()).pathname).toBe('/servers');
    expect(complaints).toEqual([]);
  });
});
