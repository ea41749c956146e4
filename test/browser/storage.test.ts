import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import type { Rgw } from '../support/rgw.ts';
import { sharedRgw } from '../support/shared/rgw.ts';
import { complaintsOf, openEnvironment, type Site, setUp, startSite } from './site.ts';

/** Admin > Storage from the first configuration to its end, in one sitting against the Ceph gateway. */

let rgw: Rgw;
let site: Site;
let browser: TestBrowser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  [rgw, browser] = await Promise.all([sharedRgw(), startBrowser()]);
  site = await startSite({ STORAGE_CA_FILE: rgw.caFile });
  page = await (await browser.open({ viewport: DESKTOP })).newPage();
  complaints = complaintsOf(page, site);
  await setUp(page, site);
  await openEnvironment(page, site, 'production');
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rgw?.stop();
});

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

/** Keeps pictures of the state for who wants to look, in the folder that SCREENSHOTS names. */
async function look(name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder === undefined) return;
  const take = (kind: string) =>
    page.screenshot({ path: join(folder, `${name}-${kind}.png`), fullPage: true, animations: 'disabled' });
  await take('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(PHONE);
  await take('phone');
  await page.setViewportSize(DESKTOP);
}

const open = (path = '') => page.goto(`${site.url}/admin/storage${path}`);
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
/** Until the list of buckets is there: what stands below it moves when that comes, also while it is pressed. */
const atRest = () => page.locator('#buckets:not([hx-trigger])').waitFor();
const pressBelow = async (name: string) => {
  await atRest();
  await press(name);
};
const appears = (text: string) => page.getByText(text).first().waitFor();
const bucketRow = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) });

describe('Admin > Storage in a browser', () => {
  it('asks for the provider first, then for what that one needs', async () => {
    await open();
    await look('empty');
    await page.getByRole('link', { name: 'Configure Spaces' }).click();
    await appears('fra1.digitaloceanspaces.com');
    await look('form-digitalocean');
    await page.getByLabel('Region').selectOption('nyc3');
    await appears('nyc3.digitaloceanspaces.com');
    await page.getByLabel('Provider').selectOption('r2');
    await page.getByLabel('Account ID or endpoint').waitFor();
    expect(await page.getByLabel('Region').count()).toBe(0);
    await look('form-r2');
    // What was typed before the provider was chosen stays, the secret too.
    await page.getByLabel('Access Key').fill(rgw.full.accessKey);
    await page.getByLabel('Secret Key').fill(rgw.full.secretKey);
    await page.getByLabel('Provider').selectOption('ceph');
    // Exact: the form of R2, which is there until the other has come, has an "Account ID or endpoint".
    await page.getByLabel('Endpoint', { exact: true }).fill(new URL(rgw.endpoint).host);
    await page.getByLabel('Region').fill(rgw.region);
    await press('Save Configuration');
    await appears('The new configuration was tested and is saved.');
    await pressBelow('Test Connection');
    await appears('Connection successful (full API access)');
    await bucketRow('full-bucket').getByText('reachable', { exact: true }).waitFor();
    await look('connected');
  });

  it('keeps the secret key that is left blank, and says what the new configuration meets before it counts', async () => {
    await open('/edit');
    expect(await page.getByLabel('Secret Key').inputValue()).toBe('');
    await page.getByLabel('Buckets').fill('no-such-bucket');
    await press('Test and Save Configuration');
    await appears('Cannot access any configured buckets: no-such-bucket');
    await appears('Nothing was saved');
    await look('not-saved');
    await page.getByLabel('Buckets').fill('full-bucket');
    await press('Test and Save Configuration');
    await appears('The new configuration was tested and is saved.');
    await pressBelow('Test Connection');
    await appears('Connected. Access to 1/1 buckets.');
  });

  it('leads a scoped key from the error to the Buckets field and to success', async () => {
    await open('/edit');
    await page.getByLabel('Access Key').fill(rgw.scoped.accessKey);
    await page.getByLabel('Secret Key').fill(rgw.scoped.secretKey);
    await page.getByLabel('Buckets').fill('');
    await press('Test and Save Configuration');
    await appears('This appears to be a bucket-scoped key. Please add the bucket names manually.');
    await page.getByLabel('Secret Key').fill(rgw.scoped.secretKey);
    await press('Save anyway');
    await appears('The configuration is saved. Test Connection next.');
    await pressBelow('Test Connection');
    await appears('This appears to be a bucket-scoped key. Please add the bucket names manually.');
    await appears('Cannot list buckets with this key. Add bucket names manually in Spaces settings.');
    await look('scoped-error');
    const outcome = page.locator('#test-storage-result');
    await outcome.getByRole('link', { name: 'Go to the Buckets field' }).click();
    await page.getByLabel('Buckets').fill('scoped-bucket');
    await press('Test and Save Configuration');
    await appears('The new configuration was tested and is saved.');
    await pressBelow('Test Connection');
    await appears('Connected. Access to 1/1 buckets.');
  });

  it('names the buckets that a key can not reach, and why', async () => {
    await open('/edit');
    await page.getByLabel('Buckets').fill('scoped-bucket\nscoped-missing\nfull-bucket');
    await press('Test and Save Configuration');
    await pressBelow('Test Connection');
    await appears('Connected. Access to 1/3 buckets.');
    await bucketRow('scoped-bucket').getByText('reachable', { exact: true }).waitFor();
    await bucketRow('scoped-missing').getByText('missing', { exact: true }).waitFor();
    await bucketRow('full-bucket').getByText('denied', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Look again' }).click();
    await bucketRow('full-bucket').getByText('denied', { exact: true }).waitFor();
    await page.getByText('AccessDenied on HeadBucket').click();
    await look('partial');
  });

  it('asks before it disables what a database uses', async () => {
    // The form that was saved first let the environment use it. Nothing depends on it yet, so nothing is asked.
    await pressBelow('Disable storage for production');
    await appears('Storage is disabled for the environment.');
    await pressBelow('Enable storage for production');
    await appears('Storage is enabled for the environment.');
    await registerDatabase();
    await open();
    await atRest();
    const disable = page.getByRole('link', { name: 'Disable storage for production' });
    await disable.click();
    const dialog = page.getByRole('dialog', { name: 'Disable storage for production?' });
    await dialog.getByText('1 database uses the storage there.').waitFor();
    await dialog.getByText('appdb').waitFor();
    await look('disable');
    await dialog.getByRole('link', { name: 'Cancel' }).click();
    await disable.click();
    await dialog.getByRole('button', { name: 'Disable storage' }).click();
    await appears('Storage is disabled for the environment.');
    await pressBelow('Enable storage for production');
    await appears('Storage is enabled for the environment.');
  });

  it('runs the deep test with live progress, to the card of what each bucket can do', async () => {
    await atRest();
    await page.getByRole('button', { name: 'Run the deep test' }).click();
    await page.getByRole('progressbar', { name: 'Deep test' }).waitFor();
    await look('deep-running');
    await page.getByText('fit for backups', { exact: true }).first().waitFor();
    await look('deep');
  });

  it('says what object lock keeps in a bucket, and until when', async () => {
    await rgw.createLockedBucket('full-locked');
    await open('/edit');
    await page.getByLabel('Access Key').fill(rgw.full.accessKey);
    await page.getByLabel('Secret Key').fill(rgw.full.secretKey);
    await page.getByLabel('Buckets').fill('full-locked');
    await press('Test and Save Configuration');
    // The change of keys has started the deep test.
    const bucket = page.locator('details.capabilities', { hasText: 'Checks of full-locked' });
    await bucket.waitFor();
    await appears('This stays in the bucket:');
    await appears(', whose lock ends ');
    await page.locator('#storage-fitness').getByText('fit', { exact: true }).waitFor();
    await bucketRow('full-locked').getByText('compliance, 2 days', { exact: true }).waitFor();
    await look('deep-locked');
    await open('/edit');
    await page.getByLabel('Access Key').fill(rgw.scoped.accessKey);
    await page.getByLabel('Secret Key').fill(rgw.scoped.secretKey);
    await page.getByLabel('Buckets').fill('scoped-bucket');
    await press('Test and Save Configuration');
    await appears('The new configuration was tested and is saved.');
  });

  it('offers the least that a key needs', async () => {
    await atRest();
    await page.getByText('The least that a key needs').click();
    await page.getByText('Limit it to scoped-bucket').waitFor();
    await page.getByRole('link', { name: 'For another provider, bucket or prefix' }).click();
    await page.getByLabel('Provider').selectOption('aws');
    await press('Show');
    await appears('arn:aws:s3:::scoped-bucket');
    await look('policy-aws');
    await page.getByLabel('Provider').selectOption('digitalocean');
    await page.getByLabel('Bucket').fill('prod-backups');
    await press('Show');
    await appears('Choose Limited Access, select prod-backups and give Read/Write/Delete.');
    await look('policy');
  });

  it('says what depends on the configuration before it is deleted', async () => {
    await open();
    await page.getByRole('button', { name: 'More for the storage' }).click();
    await page.getByRole('link', { name: 'Delete the storage configuration' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete the storage configuration?' });
    await dialog.getByText('These environments lose access to it: production.').waitFor();
    await dialog.getByText('appdb (production)').waitFor();
    await look('delete');
    // The key that opened it must not also confirm it.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    await dialog.getByRole('button', { name: 'Delete configuration' }).click();
    await appears('The storage configuration is deleted.');
    await page.getByRole('link', { name: 'Configure Spaces' }).waitFor();
    expect(complaints).toEqual([]);
  });
});

async function registerDatabase(): Promise<void> {
  await page.getByRole('link', { name: 'Databases', exact: true }).click();
  await page.getByRole('link', { name: 'Add database' }).click();
  await page.getByRole('button', { name: 'SQLite' }).click();
  await page.getByLabel('Name', { exact: true }).fill('appdb');
  await page.getByLabel('Server', { exact: true }).selectOption('this-machine');
  await page.getByLabel('Database file').fill('/var/backups/app.db');
  await page.locator('select#field-backupSpacesBucket').selectOption('scoped-bucket');
  await look('database-form');
  await press('Create database');
  await page.getByRole('heading', { name: 'appdb', level: 1 }).waitFor();
  // The drop-down that loads later still holds the bucket.
  await page.getByRole('button', { name: 'More for appdb' }).click();
  await page.getByRole('link', { name: 'Edit' }).click();
  expect(await page.locator('select#field-backupSpacesBucket').inputValue()).toBe('scoped-bucket');
  await page.getByText('full-bucket (denied)').waitFor({ state: 'attached' });
}
