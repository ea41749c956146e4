import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { complaintsOf, KEY, type Site, setUp, startSite } from './site.ts';

let site: Site;
let browser: TestBrowser;
let page: Page;
beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
  page = await (await browser.open({ viewport: { width: 360, height: 740 } })).newPage();
  await setUp(page, site);
  await page.goto(`${site.url}/admin/storage/edit?provider=other`);
  await page.getByLabel('Access key').fill(KEY.accessKey);
  await page.getByLabel('Secret key').fill(KEY.secretKey);
  await page.getByLabel('Region').fill(site.bucket.region);
  await page.getByLabel('Endpoint').fill(site.bucket.endpoint.replace('https://', ''));
  await page.getByRole('button', { name: 'Save Configuration' }).click();
  await page.getByRole('heading', { name: 'What the storage can do' }).waitFor();
  // Loaded whole: a click before the script has come sends the form as without JavaScript.
  await page.waitForURL(`${site.url}/admin/storage`);
  // Above the button, which it moves when it comes.
  await page.locator('#buckets:not([hx-trigger])').waitFor();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

describe('the deep test in a browser', () => {
  it('shows how far it is and what it found, without loading the page again', async () => {
    const complaints = complaintsOf(page, site);
    let release = () => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    site.bucket.faults.add({ match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'hold', until } });
    const loads: string[] = [];
    // Not where a frame navigates: htmx notes in the history where it is.
    page.on('domcontentloaded', () => loads.push(page.url()));
    await page.getByRole('button', { name: 'Run the deep test' }).click();
    await page.getByText('uploading in parts and reading back…').waitFor();
    expect(await page.getByRole('progressbar', { name: 'Deep test' }).getAttribute('value')).toBe('2');
    const fitness = page.locator('#storage-fitness');
    await fitness.getByText('being tested', { exact: true }).waitFor();
    release();
    await page.getByText('fit for backups', { exact: true }).waitFor();
    expect(await page.getByText('works', { exact: true }).count()).toBe(11);
    await page.getByRole('button', { name: 'Run the deep test again' }).waitFor();
    await fitness.getByText('fit', { exact: true }).waitFor();
    expect(loads).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('fits a phone', async () => {
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
  });
});
