import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOGIN } from '../../dev/fill/fill.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { everyAddress, isDocument } from '../support/every-page.ts';
import { namesInPaths } from '../support/filled-ids.ts';
import { addRestores } from '../support/restore-states.ts';
import { AXE, faultsInBothColours, NAVIGATION, PHONE, widthOnPhone } from './axe.ts';
import { deadControls } from './dead-controls.ts';
import { type FilledSite, LONG, startFilledSite } from './filled-site.ts';
import { complaintsOf, type Session, signInOnce } from './site.ts';

/** Every page there is, of a filled installation, with restores in each of their states. */
let filled: FilledSite;
let browser: TestBrowser;
let session: Session;
let pages: readonly string[];

beforeAll(async () => {
  const [site, started] = await Promise.all([startFilledSite(), startBrowser()]);
  [filled, browser] = [site, started];
  session = await signInOnce(browser, filled.site, LOGIN);
  pages = [...(await onePerRoute()), ...(await othersOf(filled))];
});
afterAll(async () => {
  await browser.close();
  await filled.site.close();
});

/** Such queries make another page of it; others another list. */
const ANOTHER_PAGE = /[?&](?:type|provider|disable|delete|id)\b/;

/** Of the list that is held complete. */
async function onePerRoute(): Promise<readonly string[]> {
  const { site, ids } = filled;
  const { database, environment } = ids;
  const named = { ...ids, backups: [ids.backup] };
  const rule = newRule.parse({ name: LONG.spaced, cronExpression: '0 * * * *', retries: 1 });
  await createRule(site.services, { userId: null, address: null }, rule);
  const names = { ...(await namesInPaths(site.services.db, named)), restores: 'state-done' };
  await addRestores(site.services.db, await rowOf(database), ids.backup);
  const addresses = everyAddress({ names, words: { database, environment } });
  const paths = new Set<string>();
  const chosen = addresses.filter((address) => {
    const [path = ''] = address.split('?');
    const isNew = !paths.has(path);
    paths.add(path);
    return isNew || ANOTHER_PAGE.test(address);
  });
  const cookie = session.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const found: string[] = [];
  for (const address of chosen) {
    const answer = await fetch(site.url + address, { headers: { cookie }, redirect: 'manual' });
    expect([address, answer.status]).toEqual([address, 200]);
    if (isDocument(await answer.text())) found.push(address);
  }
  expect(found.length).toBeGreaterThan(70);
  return found;
}

function rowOf(databaseId: string) {
  return filled.site.services.db
    .selectFrom('databases')
    .select(['id', 'environment_id', 'server_id', 'host', 'port', 'database_name'])
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
}

/** The same pages of things in another state. */
async function othersOf({ site, ids, runId }: FilledSite): Promise<readonly string[]> {
  const { db } = site.services;
  const restores = await db.selectFrom('restores').select('id').where('id', 'like', 'state-%').execute();
  const drills = await db
    .selectFrom('drills')
    .select((eb) => eb.fn.min('id').as('id'))
    .where('outcome', 'in', ['proven', 'failed'])
    .groupBy('outcome')
    .execute();
  const backups = await db
    .selectFrom('backups')
    .select((eb) => eb.fn.min('id').as('id'))
    .where('outcome', 'in', ['failed', 'interrupted'])
    .groupBy('outcome')
    .execute();
  return [
    ...[...restores, ...drills].filter(({ id }) => id !== 'state-done').map(({ id }) => `/restores/${id}`),
    ...backups.map(({ id }) => `/backups/${id}`),
    ...[`/databases/${ids.failing}`, `/backups/${runId}`, `/runs/${runId}/log`],
    ...['/notifications/types/drill.failed', '/nowhere'],
  ];
}

/** A profile of its own, signed in as the one that did so by hand. */
async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  return (await browser.open({ ...options, storageState: session })).newPage();
}

/** In light and dark colours, and where it is too wide for a phone. */
async function faultsAnywhere(page: Page, without?: string): Promise<readonly string[]> {
  const faults = await faultsInBothColours(page, without);
  const width = await widthOnPhone(page);
  return width === PHONE.width ? faults : [...faults, `${width} px wide on a phone`];
}

const DESKTOP = { width: 1280, height: 740 };

it('Every page is clean by axe, light and dark, and fits a phone', async () => {
  const page = await openPage({ viewport: DESKTOP });
  // Once for all pages: to send it to each takes as long as its rules do.
  await page.addInitScript(AXE);
  const complaints = complaintsOf(page, filled.site);
  const faults: (readonly string[])[] = [];
  for (const [index, path] of pages.entries()) {
    await page.goto(filled.site.url + path);
    // The navigation is the same on each.
    const found = await faultsAnywhere(page, index === 0 ? undefined : NAVIGATION);
    if (found.length > 0) faults.push([path, ...found]);
  }
  expect(faults).toEqual([]);
  await page.goto(`${filled.site.url}/docs/get-auth-me`);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('401 Unauthorized').waitFor();
  expect(await faultsInBothColours(page)).toEqual([]);
  expect(complaints).toEqual([]);
}, 600_000);

it('So is each form that is refused, and a token that was just made', async () => {
  const { site, ids } = filled;
  const page = await openPage({ viewport: DESKTOP });
  await page.addInitScript(AXE);
  const faults: unknown[][] = [];
  for (const path of [
    ...['postgres', 'sqlite'].map((type) => `/environments/${ids.environment}/databases/new?type=${type}`),
    `/databases/${ids.database}/schedule`,
    ...[`/environments/${ids.environment}/servers/new`, '/environments/new', '/schedules/rules/new'],
    ...['/admin/storage/edit', '/admin/users/new', '/admin/tokens/new', '/admin/system'],
    ...['/restores/state-kept', '/restores/state-done/rename'],
  ]) {
    await page.goto(site.url + path);
    const status = await sendEmpty(page);
    const isSaid = (await page.locator('#content :is(.field-error, .notice-error)').count()) > 0;
    const found = await faultsAnywhere(page, NAVIGATION);
    if (status !== 422 || !isSaid || found.length > 0) faults.push([path, status, isSaid, ...found]);
  }
  expect(faults).toEqual([]);
  await page.goto(`${site.url}/account/tokens/new`);
  await page.getByLabel('Name').fill('„Nächtlich“ + <b> 🐘');
  await page.getByRole('radio', { name: 'All environments', exact: true }).check();
  await page.locator('#content form button[type="submit"]').first().click();
  await page.waitForURL(/\/made$/);
  expect(await faultsAnywhere(page, NAVIGATION)).toEqual([]);
}, 600_000);

/** The first form of the page with all that is typed in it taken out, past what the browser itself would say; gives the status. */
async function sendEmpty(page: Page): Promise<number> {
  const form = page
    .locator('#content form[method="post"]:has(:is(input, textarea):not([type="hidden"]))')
    .first();
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  const loaded = page.waitForEvent('load');
  await form.evaluate((element) => {
    if (!(element instanceof HTMLFormElement)) return;
    for (const field of element.elements) {
      const isTyped = field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement;
      if (isTyped && !['hidden', 'checkbox', 'radio'].includes(field.type)) field.value = '';
    }
    element.noValidate = true;
    element.requestSubmit();
  });
  const status = (await answer).status();
  await loaded;
  return status;
}

it('Every page needs no JavaScript: what can be seen leads somewhere', async () => {
  const page = await openPage({ javaScriptEnabled: false });
  const faults: (readonly [path: string, hasHeading: boolean, dead: readonly string[]])[] = [];
  for (const path of pages) {
    await page.goto(filled.site.url + path);
    const hasHeading = await page.getByRole('heading', { level: 1 }).first().isVisible();
    const dead = await deadControls(page);
    if (!hasHeading || dead.length > 0) faults.push([path, hasHeading, dead]);
  }
  expect(faults).toEqual([]);
}, 600_000);

it('Pages have the sizes that they are drawn with, on a screen that is wider than they get', async () => {
  const page = await openPage({ viewport: { width: 2560, height: 1440 } });
  const ROOT = 15;
  const { site, ids } = filled;
  /** In whole pixels; the root’s 15 make some of them broken. */
  const pixelsOf = (selector: string, name: string) =>
    page
      .locator(selector)
      .first()
      .evaluate(
        (element, property) => Math.round(parseFloat(getComputedStyle(element).getPropertyValue(property))),
        name,
      );
  await page.goto(`${site.url}/databases?environment=all`);
  expect(await pixelsOf('h1', 'font-size')).toBe(22);
  expect(await pixelsOf('#content', 'font-size')).toBe(ROOT);
  expect(await pixelsOf('#content', 'width')).toBe(110 * ROOT);
  expect(await pixelsOf('#databases tbody small', 'font-size')).toBe(13);
  // But for those whose names are as long as names may be.
  const rows = await page
    .locator('#databases tbody tr')
    .filter({ hasNotText: LONG.environment })
    .evaluateAll((all) => all.map((row) => Math.round(row.getBoundingClientRect().height)));
  expect(rows.length).toBeGreaterThan(10);
  expect(new Set(rows)).toEqual(new Set([34]));
  await page.goto(`${site.url}/databases/${ids.database}`);
  expect(await pixelsOf('.panel h2', 'font-size')).toBe(16);
  expect(await pixelsOf('.panel', 'border-top-left-radius')).toBe(8);
  for (const path of [`/databases/${ids.database}/edit`, '/admin/system', '/admin/users/new', '/account']) {
    await page.goto(site.url + path);
    const widths = await page
      .locator('#content form:not(.inline, .filter, .selection)')
      .evaluateAll((all) => all.map((form) => Math.round(form.getBoundingClientRect().width)));
    expect([path, Math.max(...widths)]).toEqual([path, 40 * ROOT]);
  }
  for (const path of ['/help', '/docs/conventions']) {
    await page.goto(site.url + path);
    const widths = await page
      .locator('#content :is(.glossary, h2 + p)')
      .evaluateAll((all) => all.map((text) => Math.round(text.getBoundingClientRect().width)));
    expect([path, widths.length > 3, Math.max(...widths)]).toEqual([path, true, 40 * ROOT]);
  }
});

it('What somebody has set is outlined, and a state is filled', async () => {
  const page = await openPage();
  const { site, ids } = filled;
  const { db } = site.services;
  await db.updateTable('backups').set({ is_pinned: 1 }).where('id', '=', ids.backup).execute();
  const looksOf = (text: string) =>
    page
      .locator('#content .badge')
      .getByText(text, { exact: true })
      .first()
      .evaluate((badge) => {
        const { backgroundColor, boxShadow } = getComputedStyle(badge);
        return { isFilled: !/, 0\)$|transparent/.test(backgroundColor), isOutlined: boxShadow !== 'none' };
      });
  const [setting, state] = [
    { isFilled: false, isOutlined: true },
    { isFilled: true, isOutlined: false },
  ];
  await page.goto(`${site.url}/backups/${ids.backup}`);
  expect(await looksOf('kept for ever')).toEqual(setting);
  await page.goto(`${site.url}/restores/state-cancelled`);
  expect(await looksOf('cancelled')).toEqual(state);
  await page.goto(`${site.url}/admin/users`);
  expect(await looksOf('admin')).toEqual(setting);
  await page.goto(`${site.url}/admin/storage`);
  const off = page.locator('#content .badge-setting');
  expect(await off.count()).toBeGreaterThan(0);
});
