import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { BUCKET, complaintsOf, KEY, openEnvironment, type Site, setUp, startSite } from './site.ts';

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

describe('the main job in a browser', () => {
  it('goes from the first admin to a downloaded backup, with a cancelled one on the way', async () => {
    // The bucket's certificate is its own: only the download goes there.
    const context = await browser.open({ ignoreHTTPSErrors: true, acceptDownloads: true });
    const page = await context.newPage();
    const complaints = complaintsOf(page, site);

    await setUp(page, site);
    await openEnvironment(page, site, 'production');
    await saveEnvironmentSettings(page);
    await configureStorage(page);
    await addServer(page);
    await addDatabase(page);
    await cancelOne(page);
    const bytes = await backUpAndDownload(page);

    const [object] = site.bucket.objects(BUCKET);
    expect(object?.bytes).toBe(bytes.length);
    expect(object?.key).toMatch(/^production\/appdb\/appdb-.*\.sql\.gz$/);
    expect(complaints).toEqual([]);
  });
});

async function saveEnvironmentSettings(page: Page): Promise<void> {
  await page.getByLabel('SSH user').fill(sshd.user);
  await page.getByLabel('Private key').fill(sshd.privateKey);
  await page.getByRole('button', { name: 'Save SSH settings' }).click();
  await page.getByText('The SSH settings are saved.').waitFor();
  await page.getByLabel('Allow backup downloads').check();
  await page.getByRole('button', { name: 'Save downloads' }).click();
  await page.getByText('The setting for downloads is saved.').waitFor();
}

async function configureStorage(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Storage', exact: true }).click();
  await page.getByRole('link', { name: 'Configure Spaces' }).click();
  expect(await page.getByLabel('Region').inputValue()).toBe('fra1');
  await page.getByLabel('Provider').selectOption({ label: 'Another S3-compatible storage' });
  await page.getByLabel('Endpoint').fill(new URL(site.bucket.endpoint).host);
  await page.getByLabel('Region').fill(site.bucket.region);
  await page.getByLabel('Access Key').fill(KEY.accessKey);
  await page.getByLabel('Secret Key').fill(KEY.secretKey);
  await page.getByRole('button', { name: 'Save Configuration' }).click();
  // Above the button, which it moves when it comes.
  await page.locator('#buckets:not([hx-trigger])').waitFor();
  await page.getByRole('button', { name: 'Test Connection' }).click();
  await page.getByText('Connection successful (full API access)').waitFor();
  // The form has let the environment use it, unless its box was not ticked.
  await page.getByRole('button', { name: 'Disable storage for production' }).waitFor();
}

async function addServer(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Servers' }).click();
  await page.getByRole('link', { name: 'Add server' }).click();
  await page.getByLabel('Name', { exact: true }).fill('db1');
  await page.getByLabel('Hostname or address').fill(sshd.host);
  await page.getByLabel('SSH port').fill(String(sshd.port));
  await page.getByRole('button', { name: 'Create server' }).click();
  await page.getByRole('button', { name: 'Test SSH' }).click();
  // Among the facts above the test too, without loading the page again.
  await page.getByText(sshd.fingerprint()).first().waitFor();
  await page.locator('#server-state').getByText('healthy', { exact: true }).waitFor();
  await page.locator('#server-state').getByText(sshd.fingerprint()).waitFor();
}

async function addDatabase(page: Page): Promise<void> {
  const path = '/var/backups/app.db';
  // 40 MiB, 20 compressed: more than one part, so that a cancelled upload has something to abort.
  await sshd.insideHost(
    `sqlite3 ${path} "create table t (id integer primary key, noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) insert into t select i, hex(randomblob(2040)) from n;"; chmod 666 ${path}`,
  );
  await page.getByRole('link', { name: 'Databases', exact: true }).click();
  await page.getByRole('link', { name: 'Add database' }).click();
  await page.getByRole('button', { name: 'SQLite' }).click();
  await page.getByLabel('Name', { exact: true }).fill('appdb');
  await page.getByLabel('Server', { exact: true }).selectOption({ label: `db1 (${sshd.host})` });
  await page.getByLabel('Database file').fill(path);
  await page.getByText('Options of the dump').click();
  await page.getByLabel('Compression', { exact: true }).selectOption('gzip');
  await page.getByLabel('Compression level').fill('1');
  await page.getByLabel('Bucket').selectOption(BUCKET);
  await page.getByRole('button', { name: 'Create database' }).click();
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText('The database can be read').waitFor();
}

async function cancelOne(page: Page): Promise<void> {
  const stored = Promise.withResolvers<void>();
  site.bucket.faults.add({
    match: { operation: 'UploadPart' },
    times: 4,
    fault: { kind: 'hold', until: stored.promise },
  });
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByRole('progressbar', { name: /^Progress of / }).waitFor();
  await page.getByText(/[1-9][0-9.]* MiB( of about [^·]*)?( ·|$)/).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('cell', { name: 'cancelled', exact: true }).waitFor();
  stored.resolve();
  expect(site.bucket.uploads(BUCKET)).toEqual([]);
}

async function backUpAndDownload(page: Page): Promise<Uint8Array> {
  await page.getByRole('button', { name: 'Back up now' }).click();
  // The page learns of the end by itself: nothing is clicked or loaded anew.
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /^Download \d+ \w+ 20/ }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^appdb-.*\.sql\.gz$/);
  return readFile(await download.path());
}
