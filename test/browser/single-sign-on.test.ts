import { afterAll, beforeAll, expect, it } from 'vitest';
import { write } from '../../src/db/write.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';
import { faultsInBothColours } from './axe.ts';
import { ADMIN, type Site, setUp, startSite } from './site.ts';

let browser: TestBrowser;
let provider: TestProvider;
let site: Site;
beforeAll(async () => {
  const port = await freePort();
  const PUBLIC_URL = `http://127.0.0.1:${port}`;
  provider = await startOidcProvider([`${PUBLIC_URL}/login/oidc/callback`]);
  site = await startSite({ PORT: String(port), PUBLIC_URL });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await site.close();
  await provider.close();
});

it('is set up, links an account and signs in, in a real browser, past the policy of our own pages', async () => {
  provider.people.set('ada', { email: ADMIN.email, groups: ['admins'] });
  const context = await browser.open();
  const page = await context.newPage();
  const refused: string[] = [];
  page.on('console', (message) => {
    // The provider's own pages have styles of theirs.
    const isOurs = page.url().startsWith(site.url);
    if (isOurs && /Content Security Policy/i.test(message.text())) refused.push(message.text());
  });
  await setUp(page, site);
  await write(site.services.db, (trx) => saveSettings(trx, { privateHosts: '127.0.0.1' }, new Date()));
  await page.goto(`${site.url}/admin/system`);
  await page.getByRole('link', { name: 'Single sign-on' }).click();
  await page.getByLabel('Issuer').fill(provider.issuer);
  await page.getByLabel('Client id').fill(CLIENT.clientId);
  await page.getByLabel('Client secret').fill(CLIENT.clientSecret);
  await page.getByLabel('Name').fill('the company');
  await page.getByLabel('Values that make an admin').fill('admins');
  expect(await faultsInBothColours(page)).toEqual([]);
  await page.getByRole('button', { name: 'Test and save' }).click();
  await page.getByText('Single sign-on is saved.').waitFor();

  await page.goto(`${site.url}/account`);
  expect(await faultsInBothColours(page)).toEqual([]);
  await page.getByLabel('Your password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Link with the company' }).click();
  await page.getByRole('link', { name: 'Continue with the company' }).click();
  await page.getByPlaceholder('Enter any login').fill('ada');
  await page.getByPlaceholder('and password').fill('x');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('Your account is linked').waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(/\/login/);
  await page.goto(`${site.url}/servers`);
  const button = page.getByRole('link', { name: 'Sign in with the company' });
  await button.waitFor();
  expect(await faultsInBothColours(page)).toEqual([]);
  await button.click();
  await page.waitForURL(`${site.url}/servers`);
  expect(refused).toEqual([]);
});
