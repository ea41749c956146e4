import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import {
  buildChildApp,
  type ChildApp,
  LOGIN,
  removeChildApp,
  startChildApp,
} from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { stopClock } from './stopped-clock.ts';

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
  startChildApp(program, { DATA_DIR: join(folder, 'data'), LOCAL_PATHS: folder, ...env });

it('Open pages say within five seconds that the app was killed, idle or under a running backup, and go on by themselves when it runs again', async () => {
  const source = join(folder, 'app.db');
  const held = new Database(source);
  held.exec('create table t (a); begin exclusive');
  const databaseId = await addDatabase(source);
  const context = await browser.open();
  const idle = await context.newPage();
  await idle.goto(`${app.url}/login`);
  await idle.getByLabel('Email').fill(LOGIN.email);
  await idle.getByLabel('Password').fill(LOGIN.password);
  await idle.getByRole('button', { name: 'Sign in' }).click();
  await idle.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await context.clock.install();
  await stopClock(idle);
  // Of the list of databases nothing runs by now: it asks for what does every fifteen seconds.
  await idle.goto(`${app.url}/databases`);
  // Its dump waits for the lock.
  const { backupId } = await app.ask('POST', `/api/databases/${databaseId}/backups`);
  await until('the backup to run', 30_000, async () => {
    const { backup } = await app.ask('GET', `/api/backups/${String(backupId)}`);
    return z.object({ status: z.string() }).parse(backup).status === 'in_progress';
  });
  const busy = await context.newPage();
  await busy.goto(`${app.url}/databases/${databaseId}`);
  await busy.getByRole('progressbar').waitFor();
  const pages = [idle, busy];
  // All of them before the kill: an answer that comes after it would count.
  const part = busy.waitForResponse(/\/runs\?/).then((answer) => answer.finished());
  const beside = pages.map((page) => page.waitForResponse(/\/live$/));
  await Promise.all([part, ...beside, context.clock.runFor(1_100)]);
  const { port } = new URL(app.url);
  await app.kill();
  await context.clock.runFor(5_000);
  const words = /^No answer since \d\d:\d\d:\d\d, trying again$/;
  for (const page of pages) await page.locator('.is-lost').getByText(words).waitFor();
  held.close();
  app = await start({ TEST_PORT: port });
  await context.clock.resume();
  await expect
    .poll(
      async () => {
        await context.clock.runFor(1_000);
        return Promise.all(pages.map((page) => page.locator('.is-lost').count()));
      },
      { timeout: 60_000 },
    )
    .toEqual([0, 0]);
  for (const page of pages) expect(await page.getByText(words).count()).toBe(0);
});

async function addDatabase(filePath: string): Promise<string> {
  const { environment } = await app.ask('POST', '/api/environments', { name: 'Prod "ü"' });
  const { database } = await app.ask('POST', `/api/environments/${idIn(environment)}/databases`, {
    ...{ name: `held + 'ü' 🦦`, type: 'sqlite', filePath },
    ...{ backupStorageType: 'local', backupLocalPath: join(folder, 'backups') },
  });
  return idIn(database);
}

const idIn = (made: unknown) => z.object({ id: z.string() }).parse(made).id;
