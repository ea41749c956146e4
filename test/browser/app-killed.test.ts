import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import {
  buildChildApp,
  type ChildApp,
  LOGIN,
  removeChildApp,
  startChildApp,
} from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';

let folder: string;
let program: string;
let app: ChildApp;
let browser: TestBrowser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'größe "+" '));
  [program, browser] = await Promise.all([buildChildApp(), startBrowser()]);
  // Given to nobody else meanwhile: it is started again where it was.
  app = await start({ TEST_PORT: String(await freePort()) });
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
  await removeChildApp(program);
  await rm(folder, { recursive: true });
});

const start = (env: Readonly<Record<string, string>> = {}) =>
  startChildApp(program, { DATA_DIR: join(folder, 'data'), ...env });

it('An open page says within five seconds that the app was killed, and goes on by itself when it runs again', async () => {
  const page = await (await browser.open()).newPage();
  await page.goto(`${app.url}/login`);
  await page.getByLabel('Email').fill(LOGIN.email);
  await page.getByLabel('Password').fill(LOGIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.clock.install();
  await page.goto(`${app.url}/runs`);
  const words = /^No answer since \d\d:\d\d:\d\d, trying again$/;
  const { port } = new URL(app.url);
  await app.kill();
  // Nothing runs: it asks every fifteen seconds, and waits for five.
  await Promise.all([page.waitForEvent('requestfailed'), page.clock.runFor(15_100)]);
  await page.clock.runFor(6_000);
  await page.locator('.is-lost').getByText(words).waitFor();
  app = await start({ TEST_PORT: port });
  const answered = page.waitForResponse((answer) => answer.ok());
  await expect
    .poll(
      async () => {
        await page.clock.runFor(5_000);
        return page.locator('.is-lost').count();
      },
      { timeout: 60_000 },
    )
    .toBe(0);
  await answered;
  expect(await page.getByText(words).count()).toBe(0);
});
