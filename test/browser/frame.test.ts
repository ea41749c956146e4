import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOGIN } from '../../dev/fill/fill.ts';
import { isLivePoll } from '../../src/http/ui/kit/live-polls.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { faultsOf } from './axe.ts';
import { type FilledSite, LONG, startFilledSite } from './filled-site.ts';
import { tabTo } from './keys.ts';
import { type Session, type Site, signInOnce } from './site.ts';
import { stopClock } from './stopped-clock.ts';

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

let site: Site;
let browser: TestBrowser;
let session: Session;
let runId: string;
let ids: FilledSite['ids'];

beforeAll(async () => {
  const [filled, started] = await Promise.all([startFilledSite(), startBrowser()]);
  ({ site, runId, ids } = filled);
  browser = started;
  session = await signInOnce(browser, site, LOGIN);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

/** A profile of its own, signed in as the one that did so by hand. */
async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  return (await browser.open({ ...options, storageState: session })).newPage();
}

/** A status that somebody other than the app answers with; null: nobody answers. */
interface Answers {
  readonly live?: number | undefined;
  readonly part: number | null;
}

const answerWith = (page: Page, url: string | RegExp, status: number | null) =>
  page.route(url, async (route) => (status === null ? undefined : route.fulfill({ status })));

describe('the pages of a filled installation', () => {
  it('show a database in two lines on a phone', async () => {
    const page = await openPage(PHONE);
    await page.goto(`${site.url}/databases?sort=name`);
    expect(await faultsOf(page)).toEqual([]);
    const heights = await page
      .locator('#databases tbody tr')
      .evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
    expect(heights).toHaveLength(50);
    // However long its name.
    await page.locator('#databases').getByText(LONG.database).waitFor();
    expect(Math.max(...heights)).toBeLessThan(62);
    const { id } = await site.services.db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
    await page.goto(`${site.url}/databases?environment=${id}`);
    const narrowed = page.locator('#chosen-environment');
    expect(await narrowed.isVisible()).toBe(true);
    await page.setViewportSize({ width: 1280, height: 740 });
    expect(await narrowed.isVisible()).toBe(false);
  });

  it('tell the days of a strip by their shape: one of each state has a look of its own', async () => {
    const page = await openPage();
    await page.goto(`${site.url}/databases`);
    const strip = page.locator('.strip').first();
    await strip.evaluate((svg) => {
      svg.setAttribute('viewBox', '0 -1.5 3 3');
      svg.innerHTML = '<path d="M0 0h1"/><path class="failed" d="M1 0h1"/><path class="half" d="M2 0h1"/>';
      // In the middle of a page of its own, large enough to be looked at.
      document.body.replaceChildren(...document.querySelectorAll('.strip-patterns'), svg);
      if (svg instanceof SVGElement) svg.style.width = '300px';
    });
    const shot = (await strip.screenshot()).toString('base64');
    // Of each day, how many colours fill more than a fiftieth of it.
    const colours = await page.evaluate(async (png) => {
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext('2d');
      context?.drawImage(image, 0, 0);
      return [0, 1, 2].map((day) => {
        const left = Math.ceil((day * image.width) / 3) + 2;
        const [width, height] = [Math.floor(image.width / 4) - 4, image.height - 4];
        const { data } = context?.getImageData(left, 2, width, height) ?? { data: new Uint8ClampedArray() };
        const counts = new Map<string, number>();
        for (let at = 0; at < data.length; at += 4) {
          const colour = data.slice(at, at + 3).join();
          counts.set(colour, (counts.get(colour) ?? 0) + 1);
        }
        return [...counts.values()].filter((count) => count > (width * height) / 50).length;
      });
    }, shot);
    expect(colours).toEqual([1, 2, 2]);
  });

  it('lose no edit to a second tab: the later one is told what the other did', async () => {
    const context = await browser.open({ storageState: session });
    const [first, second] = [await context.newPage(), await context.newPage()];
    for (const tab of [first, second]) await tab.goto(`${site.url}/databases/${ids.database}/edit`);
    await first.getByLabel('Name', { exact: true }).fill('renamed + "ü" 😀');
    await first.getByRole('button', { name: 'Save', exact: false }).first().click();
    await first.waitForURL(new RegExp(`/databases/${ids.database}(/settings)?$`));
    await second.getByLabel('Name', { exact: true }).fill('of the second tab');
    await second.getByRole('button', { name: 'Save', exact: false }).first().click();
    await second.getByText('renamed + "ü" 😀').first().waitFor();
    const { name } = await site.services.db
      .selectFrom('databases')
      .select('name')
      .where('id', '=', ids.database)
      .executeTakeFirstOrThrow();
    expect(name).toBe('renamed + "ü" 😀');
    expect(await second.getByLabel('Name', { exact: true }).inputValue()).toBe('of the second tab');
  });

  it('change how they look, and leave what was typed', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const page = await openPage({ javaScriptEnabled });
      await page.goto(`${site.url}/databases/${ids.database}/edit`);
      const name = page.getByLabel('Name', { exact: true });
      await name.fill('typed + "ü" 😀');
      const dark = page.getByRole('button', { name: 'Dark', exact: true, pressed: true });
      await page.getByRole('button', { name: 'Dark', exact: true }).click();
      await dark.waitFor();
      expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
      // Without a script the page is loaded anew.
      if (javaScriptEnabled) expect(await name.inputValue()).toBe('typed + "ü" 😀');
      await page.reload();
      await dark.waitFor();
      await page.getByRole('button', { name: 'Auto', exact: true }).click();
      await page.getByRole('button', { name: 'Auto', exact: true, pressed: true }).waitFor();
      expect(await page.locator('html').getAttribute('data-theme')).toBeNull();
    }
  });

  it('show an environment as soon as it is chosen, by a button where no script sends it, and keep it', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const page = await openPage({ javaScriptEnabled });
      await page.goto(`${site.url}/databases`);
      await page.getByRole('combobox', { name: 'Environment' }).selectOption(ids.environment);
      const button = page.locator('.environment-filter button');
      expect(await button.isVisible()).toBe(!javaScriptEnabled);
      if (!javaScriptEnabled) await button.click();
      await page.waitForURL(`${site.url}/databases?environment=${ids.environment}`);
      await page.goto(`${site.url}/runs`);
      expect(await page.getByRole('combobox', { name: 'Environment' }).inputValue()).toBe(ids.environment);
    }
  });

  it('show what the arrows have led to last: a list at once, an environment by its button', async () => {
    const page = await openPage();
    await page.goto(`${site.url}/databases`);
    const pressed = Promise.withResolvers<void>();
    let asked = 0;
    await page.route(/\/databases\?/, async (route) => {
      asked += 1;
      if (asked > 1) return route.continue();
      await pressed.promise;
      // Nobody waits for the first one any more.
      return route.continue().catch(() => {});
    });
    const engine = page.getByRole('combobox', { name: 'All engines' });
    await tabTo(page, engine);
    for (let times = 0; times < 3; times += 1) await page.keyboard.press('ArrowDown');
    const chosen = await engine.inputValue();
    pressed.resolve();
    await page.waitForURL((url) => url.searchParams.get('engine') === chosen);

    const here = page.url();
    const environment = page.getByRole('combobox', { name: 'Environment' });
    await tabTo(page, environment, 'Shift+Tab');
    for (let times = 0; times < 2; times += 1) await page.keyboard.press('ArrowDown');
    const second = await environment.inputValue();
    expect(page.url()).toBe(here);
    await tabTo(page, page.getByRole('button', { name: 'Show', exact: true }));
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('environment') === second);
  });

  it('are used by keyboard alone: a menu, a question and its way back, the ticked rows, a phone’s navigation', async () => {
    const page = await openPage();
    await page.goto(`${site.url}/databases/${ids.database}/settings`);
    const ask = page.getByRole('link', { name: /^Delete/ }).first();
    await ask.focus();
    await page.keyboard.press('Enter');
    const dialog = page.locator('#question');
    await dialog.getByRole('link', { name: 'Cancel' }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    expect(await focused()).toBe('Cancel');
    // Modal: from its last button the focus goes on inside.
    for (let tab = 0; tab < 12; tab += 1) {
      await page.keyboard.press('Tab');
      const isInside = await page.evaluate(
        () =>
          document.activeElement === document.body || document.activeElement?.closest('#question') !== null,
      );
      expect([tab, isInside]).toEqual([tab, true]);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    // By the event `close`, which comes after the dialog has gone.
    await expect.poll(focused).toMatch(/^Delete/);

    await page.goto(`${site.url}/databases?sort=name`);
    const bar = page.getByRole('button', { name: 'Pause…' });
    expect(await bar.isVisible()).toBe(false);
    await page.locator('#databases td.select input').nth(1).focus();
    await page.keyboard.press('Space');
    await bar.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/databases\/selected\/pause\?/);

    const phone = await openPage(PHONE);
    await phone.goto(site.url);
    await phone.getByRole('button', { name: 'Menu' }).focus();
    await phone.keyboard.press('Enter');
    const servers = phone.getByRole('link', { name: 'Servers', exact: true });
    await servers.focus();
    await phone.keyboard.press('Enter');
    await phone.waitForURL(`${site.url}/servers`);
  });

  it('ask for nothing but themselves when one leads to another', async () => {
    const page = await openPage();
    await page.goto(`${site.url}/servers`);
    const asked = new Map<string, string>();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Network.enable');
    devtools.on('Network.requestWillBeSent', ({ requestId, request }) =>
      asked.set(requestId, new URL(request.url).pathname),
    );
    devtools.on('Network.requestServedFromCache', ({ requestId }) => asked.delete(requestId));
    devtools.on('Network.responseReceived', ({ requestId, response }) => {
      if (response.fromDiskCache === true) asked.delete(requestId);
    });
    for (const name of ['Databases', 'Overview', 'Schedules', 'Servers', 'Environments']) {
      await page.locator('nav').getByRole('link', { name, exact: false }).first().click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      // With its styles and scripts: of one that is still awaited nobody knows whether it comes from the cache.
      await page.waitForLoadState();
    }
    // A run goes on, so that a page which is open for a second asks for it, and soon whether the app is there.
    const pages = [...asked.values()].filter((path) => path !== '/live' && !isLivePoll('GET', path));
    expect(pages).toEqual(['/databases', '/', '/schedules', '/servers', '/environments']);
  });

  it('lead by keyboard alone to a search, and from there to a database', async () => {
    const page = await openPage();
    await page.goto(`${site.url}/databases`);
    await page.keyboard.press('/');
    await page.keyboard.type('a+b');
    await page.keyboard.press('Enter');
    await page.waitForURL(/[?&]q=a%2Bb(&|$)/);
    await page.locator('#databases:not(:has(a[href*="offset"]))').waitFor();
    // Others are found by the name of their server.
    const first = page.locator('#databases tbody th a', { hasText: 'a+b' }).first();
    await first.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/databases\/c[0-9a-z]{24}$/);
    // While something is typed, the key is a letter.
    await page.goto(`${site.url}/databases`);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('searchbox').press('/');
    expect(await page.getByRole('searchbox').inputValue()).toBe('/');
  });
});

describe('a live part', () => {
  /** Read to its end. */
  const answer = async (page: Page) => (await page.waitForResponse(/\/runs\/running\?/)).finished();

  it('leaves the focus where it is while it changes', async () => {
    const page = await openPage();
    await page.clock.install();
    await page.goto(`${site.url}/runs`);
    const link = page.locator(`#running-${runId}`).getByRole('link', { name: 'app', exact: true });
    await link.focus();
    await link.evaluate((element) => element.setAttribute('data-same', 'yes'));
    await site.services.db.updateTable('runs').set({ step: 'upload' }).where('id', '=', runId).execute();
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    await page.locator(`#running-${runId}`).getByText('storing').waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('app');
    expect(await page.locator('#running-status').textContent()).toContain('app: storing');
  });

  it('leaves the focus on its button, and what is open beside it, for ten seconds of changes', async () => {
    const { db } = site.services;
    const { subject_id: backupId } = await db
      .selectFrom('runs')
      .select('subject_id')
      .where('id', '=', runId)
      .executeTakeFirstOrThrow();
    const { database_id: databaseId } = await db
      .selectFrom('backups')
      .select('database_id')
      .where('id', '=', backupId ?? '')
      .executeTakeFirstOrThrow();
    const page = await openPage();
    await page.clock.install();
    await page.goto(`${site.url}/databases/${databaseId}`);
    await page.locator('details.more summary').press('Enter');
    const cancel = page.locator(`#cancel-${runId}`);
    await cancel.focus();
    for (let second = 1; second <= 10; second += 1) {
      const step = second % 2 === 0 ? 'dump' : 'upload';
      await db
        .updateTable('runs')
        .set({ step, progress: 30 + second })
        .where('id', '=', runId)
        .execute();
      await Promise.all([page.waitForResponse(/\/runs\?shown=/), page.clock.runFor(1100)]);
      await page
        .locator('#live-runs-status')
        .filter({ hasText: step === 'dump' ? 'dumping' : 'storing' })
        .waitFor({ state: 'attached' });
    }
    expect(await page.evaluate(() => document.activeElement?.id)).toBe(`cancel-${runId}`);
    expect(await page.locator('details.more').getAttribute('open')).not.toBeNull();
  });

  it('says so where no answer comes for five seconds, and when one comes again', async () => {
    const page = await openPage();
    await page.clock.install();
    await stopClock(page);
    await page.goto(`${site.url}/runs`);
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    await page.context().setOffline(true);
    await page.clock.runFor(4000);
    const lost = page.locator('#running .live-lost');
    expect(await lost.textContent()).toBe('');
    await page.clock.runFor(3000);
    await lost.getByText(/^No answer since \d\d:\d\d:\d\d, trying again$/).waitFor();
    expect(await page.locator('#running').getAttribute('class')).toContain('is-lost');
    await page.context().setOffline(false);
    await page.clock.resume();
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    await page.locator('#running:not(.is-lost)').waitFor();
    expect(await lost.textContent()).toBe('');
  });

  it.each([
    ['the part itself fails', { part: 503 }],
    ['the part itself is never answered', { part: null }],
    [
      'a proxy keeps the question for itself, and says for the pages that the app is gone',
      { live: 403, part: 502 },
    ],
  ])('says so within five seconds where %s', async (_, { live, part }: Answers) => {
    const page = await openPage();
    await page.clock.install();
    await stopClock(page);
    if (live !== undefined) await answerWith(page, '**/live', live);
    await page.goto(`${site.url}/runs`);
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    await answerWith(page, /\/runs\/running/, part);
    await page.clock.runFor(6500);
    const lost = page.locator('#running.is-lost');
    await lost.getByText(/^No answer since/).waitFor();
    for (let second = 0; second < 3; second += 1) {
      await page.clock.runFor(1100);
      expect(await lost.count()).toBe(1);
    }
    await page.unroute(/\/runs\/running/);
    await page.clock.resume();
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    await page.locator('#running:not(.is-lost)').waitFor();
  });

  it.each([
    ['leads elsewhere', 'redirect'],
    ['drops', 'drop'],
    ['answers in place of the app', 403],
  ] as const)(
    'says nothing while its own parts are answered, where a proxy %s what it asks beside them',
    async (_, live) => {
      const page = await openPage();
      await page.clock.install();
      await stopClock(page);
      let asked = 0;
      await page.route('**/live', (route) => {
        asked += 1;
        if (live === 'drop') return route.abort();
        if (live !== 'redirect') return route.fulfill({ status: live });
        return route.fulfill({ status: 302, headers: { location: 'http://127.0.0.1:9/login' } });
      });
      await page.goto(`${site.url}/databases/${ids.database}`);
      const region = page.locator('.live-region');
      for (let second = 0; second < 14; second += 1) {
        await page.clock.runFor(1000);
        expect(await region.and(page.locator('.is-lost')).count()).toBe(0);
      }
      await Promise.all([page.waitForResponse(/\/runs\b/), page.clock.runFor(2000)]);
      expect(await page.locator('.is-lost').count()).toBe(0);
      if (live !== 'drop') expect(asked).toBe(1);
    },
  );

  it('asks nothing in a hidden tab', async () => {
    const page = await openPage();
    await page.clock.install();
    await page.goto(`${site.url}/runs`);
    const hide = (isHidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      }, isHidden);
    await hide(true);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.clock.runFor(30_000);
    expect(asked).toEqual([]);
    await hide(false);
    await Promise.all([answer(page), page.clock.runFor(1100)]);
    expect(asked.length).toBeGreaterThan(0);
  });
});
