import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { until } from '../support/until.ts';
import {
  ADMIN,
  complaintsOf,
  KEY,
  openEnvironment,
  type Session,
  type Site,
  setUp,
  signIn,
  startSite,
} from './site.ts';

let site: Site;
let browser: TestBrowser;
let session: Session;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
  const context = await browser.open();
  const page = await context.newPage();
  await setUp(page, site);
  await openEnvironment(page, site, 'production');
  session = await context.storageState();
  await context.close();
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  return (await browser.open({ ...options, storageState: session })).newPage();
}

describe('the pages', () => {
  it('work without JavaScript, dialogs too', async () => {
    const page = await (await browser.open({ javaScriptEnabled: false })).newPage();
    await signIn(page, site, ADMIN);
    await openEnvironment(page, site, 'short-lived');
    await page.getByRole('link', { name: 'Delete environment' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete the environment “short-lived”?' });
    await dialog.waitFor();
    await dialog.getByRole('link', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'Delete environment' }).click();
    await dialog.getByRole('button', { name: 'Delete environment' }).click();
    await page.getByText('short-lived is deleted.').waitFor();

    await page.goto(`${site.url}/admin/storage/edit`);
    await page.getByLabel('Access Key').fill('a key "ü"');
    await page.getByLabel('Secret Key').fill('a secret');
    await page.getByLabel('Provider').selectOption('minio');
    await page.getByRole('button', { name: 'Use the chosen provider' }).click();
    await page.getByLabel('Endpoint').waitFor();
    expect(await page.getByLabel('Access Key').inputValue()).toBe('a key "ü"');
    await page.locator('small').getByText('Type it again').waitFor();
  });

  it('look again without JavaScript as often as asked: for buckets, and for the end of a deep test', async () => {
    const page = await openPage({ javaScriptEnabled: false });
    await page.goto(`${site.url}/admin/storage/edit?provider=other`);
    await page.getByLabel('Endpoint').fill(new URL(site.bucket.endpoint).host);
    await page.getByLabel('Region').fill(site.bucket.region);
    await page.getByLabel('Access Key').fill(KEY.accessKey);
    await page.getByLabel('Secret Key').fill(KEY.secretKey);
    await page.getByRole('button', { name: 'Save Configuration' }).click();
    // The first one was the test of what is saved.
    await page.getByRole('link', { name: 'Look for buckets' }).waitFor();
    const tested = site.bucket.requests.length;
    const lists = () =>
      site.bucket.requests.slice(tested).filter(({ operation }) => operation === 'ListBuckets').length;
    for (const [times, name] of ['Look for buckets', 'Look again', 'Look again'].entries()) {
      await page.getByRole('link', { name }).click();
      await expect.poll(lists).toBe(times + 1);
    }
    const held = Promise.withResolvers<void>();
    site.bucket.faults.add({
      match: { operation: 'CreateMultipartUpload' },
      fault: { kind: 'hold', until: held.promise },
    });
    await page.getByRole('button', { name: 'Run the deep test' }).click();
    await until('the deep test to upload', 60_000, () => site.bucket.faults.hits().length === 1);
    await page.locator('#capability-card').getByRole('link', { name: 'Look again' }).click();
    await page.getByText('uploading in parts and reading back…').waitFor();
    held.resolve();
    await until('the deep test to end', 60_000, async () => {
      const again = page.locator('#capability-card').getByRole('link', { name: 'Look again' });
      if ((await again.count()) > 0) await again.click();
      return (await page.getByText('fit for backups', { exact: true }).count()) === 1;
    });
    const ask = async () => {
      await page.getByRole('button', { name: 'More for the storage' }).click();
      await page.getByRole('link', { name: 'Delete the storage configuration' }).click();
    };
    await ask();
    await page.getByRole('dialog').getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('more');
    expect(await page.locator('details.more').getAttribute('open')).toBeNull();
    await ask();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete configuration' }).click();
    await page.getByText('The storage configuration is deleted.').waitFor();
  });

  it('fit a phone, with the navigation behind a button', async () => {
    const page = await openPage({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    await page.goto(site.url);
    const complaints = complaintsOf(page, site);
    const filter = page.locator('.environment-filter option', { hasText: 'production' });
    const environment = `/environments/${await filter.getAttribute('value')}`;
    for (const path of [
      '/',
      '/databases',
      '/servers',
      '/help',
      `${environment}/databases/new`,
      `${environment}/servers/new`,
      `${environment}/settings`,
      '/environments',
      '/admin/storage/edit',
      '/admin/users',
      '/admin/service-accounts/new',
      '/account/tokens/new',
      '/account',
    ]) {
      await page.goto(site.url + path);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect([path, width]).toEqual([path, 360]);
    }
    const users = page.getByRole('link', { name: 'Users' });
    expect(await users.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).tap();
    await users.tap();
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('follow the light and dark choice of the system', async () => {
    const brightness: number[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await openPage({ colorScheme });
      await page.goto(site.url);
      const color = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const [red = Number.NaN] = (color.match(/\d+/g) ?? []).map(Number);
      brightness.push(red);
    }
    expect(brightness[0]).toBeGreaterThan(200);
    expect(brightness[1]).toBeLessThan(60);
  });

  it('can be used from the keyboard: the first stop leads past the navigation', async () => {
    const page = await openPage();
    await page.goto(site.url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
  });
});
