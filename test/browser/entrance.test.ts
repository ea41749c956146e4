import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { ADMIN, complaintsOf, type Site, setUp, startSite } from './site.ts';

let browser: TestBrowser;
const sites: Site[] = [];
const start = async (env: Readonly<Record<string, string>> = {}) => {
  const site = await startSite(env);
  sites.push(site);
  return site;
};
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  for (const site of sites.splice(0)) await site.close();
});

describe('a password that is being chosen', () => {
  it('shows how soon it would be guessed, which sends nothing anywhere, and is refused where it is too common', async () => {
    const site = await start();
    const page = await (await browser.open()).newPage();
    const complaints = complaintsOf(page, site);
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    // One script that can't be had is asked for again with the next letter.
    let refused = 0;
    await page.route(/zxcvbn-common/, (route) => {
      refused += 1;
      return refused === 1 ? route.abort() : route.continue();
    });
    await page.goto(site.url);
    await page.waitForLoadState('networkidle');
    expect(loaded.filter((url) => url.includes('zxcvbn'))).toEqual([]);
    const meter = page.getByRole('meter', { name: 'Strength' });
    expect(await meter.isVisible()).toBe(false);
    const create = page.getByRole('button', { name: 'Create admin' });
    const place = await create.boundingBox();
    const failed = page.waitForEvent('requestfailed');
    await page.getByLabel('Password').fill('1qaz2wsx3ed');
    await failed;
    expect(await meter.isVisible()).toBe(false);
    await page.getByLabel('Password').fill('1qaz2wsx3edc');
    await page.getByText('Would be guessed soon').waitFor();
    expect(refused).toBe(2);
    // A button that moves between press and release is not clicked.
    expect(await create.boundingBox()).toEqual(place);
    await page.getByLabel('Setup code').fill(site.setupCode);
    await page.getByLabel('Email').fill(ADMIN.email);
    await create.click();
    await page.locator('small').getByText('one of the 10,000 most common passwords').waitFor();
    // With its scripts, which come with each page.
    await page.waitForLoadState();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByLabel('Password').fill('blåbær & 14 späte Züge');
    await page.getByText('Very good').waitFor();
    expect(await meter.getAttribute('value')).toBe('4');
    // Of a page that came back with the form: its scripts, which are kept, and nothing of what is typed.
    expect(asked.filter((url) => !/\/assets\/zxcvbn[\w.-]+\.js$/.test(url))).toEqual([]);
    await setUp(page, site);
    await page.goto(`${site.url}/account`);
    await page.getByLabel('New password').fill('short');
    await page.getByText(/^Would be guessed/).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Email').fill(ADMIN.email);
    await page.getByLabel('Password').fill('not the one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('E-mail or password is wrong.').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('signing in on the machine itself where PUBLIC_URL is https', () => {
  it.each(['127.0.0.1', 'localhost'])(
    'works at http://%s, as browsers keep Secure cookies there',
    async (host) => {
      const site = await start({ PUBLIC_URL: 'https://backups.example.com' });
      const context = await browser.open();
      const page = await context.newPage();
      await setUp(page, { ...site, url: site.url.replace('127.0.0.1', host) });
      const cookies = await context.cookies();
      expect(cookies.map(({ name }) => name)).toContain('__Host-bridgeport_session');
    },
  );
});
