import { mkdirSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { complaintsOf, KEY, type Site, setUp, startSite } from './site.ts';

const MOST_CLICKS = 9;
const MOST_FIELDS = 8;

let site: Site;
let sshd: Sshd;
let browser: TestBrowser;
beforeAll(async () => {
  [site, sshd, browser] = await Promise.all([startSite(), startSshd(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await sshd.stop();
  await site.close();
});

/** A person who counts what is clicked and filled in. */
function counting(page: Page) {
  const counts = { clicks: 0, fields: 0 };
  return {
    counts,
    click: async (what: Locator) => {
      counts.clicks += 1;
      await what.click();
    },
    fill: async (label: string, text: string) => {
      counts.fields += 1;
      await page.getByLabel(label, { exact: true }).fill(text);
    },
    choose: async (label: string, option: string) => {
      counts.fields += 1;
      await page.getByLabel(label, { exact: true }).selectOption({ label: option });
    },
  };
}

it('A newcomer gets from the first signed-in page to a backup over SSH that was read back, in nine clicks and eight fields', async () => {
  const name = `sh'op "1" +ü <script>.db`;
  await sshd.insideHost(
    `sqlite3 /srv/new.db 'create table t (a); insert into t values (1);' && chmod 666 /srv/new.db && mv /srv/new.db '/srv/${name.replaceAll("'", "'\\''")}'`,
  );
  const page = await (await browser.open()).newPage();
  const complaints = complaintsOf(page, site);
  await setUp(page, site);
  const person = counting(page);
  const picture = async (step: string) => {
    const folder = process.env['PICTURES'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/${step}.png`, fullPage: true });
  };
  const button = (label: string | RegExp) => page.getByRole('button', { name: label });
  const step = (text: string) => page.locator('[aria-current="step"]').getByText(text).first().waitFor();

  // The copy of the master key holds up nothing.
  await step('Connect a storage');
  await picture('1-key');
  await person.click(button(/^Copy: .* master key$/));
  await person.click(button('I have copied it'));

  await step('Connect a storage');
  await person.fill('Paste the storage’s address optional', site.bucket.endpoint);
  const endpoint = page.getByLabel('Endpoint', { exact: true });
  await endpoint.waitFor();
  expect(await endpoint.inputValue()).toBe(new URL(site.bucket.endpoint).host);
  expect(await page.getByRole('checkbox', { name: 'production' }).isChecked()).toBe(true);
  await picture('2-storage');
  await person.fill('Access Key', KEY.accessKey);
  await person.fill('Secret Key', KEY.secretKey);
  if ((await page.getByLabel('Region', { exact: true }).inputValue()) !== site.bucket.region) {
    await person.fill('Region', site.bucket.region);
  }
  await person.click(button('Save Configuration'));

  await step('Reach a database host');
  await picture('3-host');
  await person.fill('Address', `${sshd.user}@${sshd.host}`);
  await person.fill('SSH port', String(sshd.port));
  await person.click(button('Add the server'));
  const line = await page.locator('#authorized-keys-line').textContent();
  expect(line).toMatch(/^restrict ssh-ed25519 \S+ bridgeport-production$/);
  await sshd.insideHost(`echo '${line}' >/etc/ssh/authorized_keys`);
  await person.click(button('Copy: Line for authorized_keys'));
  // To be compared by eye with what the host prints, before anything is pinned.
  await page.getByText(sshd.fingerprint()).waitFor();
  const prints = await page.locator('#own-host-keys').textContent();
  expect(await sshd.insideHost(String(prints))).toContain(sshd.fingerprint());
  expect(await site.services.db.selectFrom('servers').select('host_key').execute()).toEqual([
    { host_key: null },
  ]);
  await picture('3-line');
  await person.click(button(/^Test SSH: /));

  await step('Add databases');
  await picture('4-find');
  await person.choose('Kind of database', 'SQLite');
  await person.click(button('Find databases'));
  await page.getByText('1 database found').waitFor();
  await picture('4-found');
  // The only one is ticked already.
  expect(await page.getByRole('checkbox', { name }).isChecked()).toBe(true);
  await person.click(button('Register the ticked databases'));

  await step('Back up, and watch it being read back');
  await picture('5-back-up');
  await person.click(button(/^Back up now: /).first());
  // Not the steps' names, which are there before anything was read back.
  await page
    .locator('#live-runs, #figures')
    .getByText(/^Backed up and read back: |, read back$/)
    .first()
    .waitFor();
  await picture('6-done');

  expect(site.bucket.objects('prod-backups').map(({ key }) => key)).toEqual([
    expect.stringMatching(/^production\/sh'op "1" \+ü <script>\.db\/.*\.sql\.zst$/),
  ]);
  expect(person.counts.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect(person.counts.fields).toBeLessThanOrEqual(MOST_FIELDS);
  expect(complaints).toEqual([]);
  await page.goto(site.url);
  expect(await page.getByText('Your first backup').count()).toBe(0);
  await page.getByRole('heading', { name: 'Your database is safe' }).waitFor();
  // Nobody was asked: each night is proposed where no rule says anything else.
  expect(await page.getByText('It has no schedule').count()).toBe(0);
  expect(await site.services.db.selectFrom('schedules').select('cron_expression').execute()).toEqual([
    { cron_expression: '0 2 * * *' },
  ]);
  await picture('7-overview');
});
