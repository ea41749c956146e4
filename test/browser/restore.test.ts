import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createUser } from '../../src/auth/users.ts';
import { newId } from '../../src/ids.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import { faultsInBothColours } from './axe.ts';
import { complaintsOf, type Session, type Site, signInOnce, startSite } from './site.ts';

const LOGIN = { email: 'restore@example.com', password: 'correct horse battery' };
const NAME = `shop "ü" <b> 🐘`;
const PHONE = { width: 375, height: 700 };

const folder = mkdtempSync(join(tmpdir(), 'restore in a browser '));
const source = join(folder, `shop 'ü'.db`);
let site: Site;
let browser: TestBrowser;
let session: Session;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite({ LOCAL_PATHS: folder }), startBrowser()]);
  await createUser(site.services, { userId: null, address: null }, { ...LOGIN, role: 'admin' });
  session = await signInOnce(browser, site, LOGIN);
});
afterAll(async () => {
  await browser.close();
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

it('a database that is lost comes back by the pages, row by row', async () => {
  const rows = fill(source);
  const backupId = await backUp();
  const olderId = await addOlder(backupId);
  rmSync(source);

  const page = await (await browser.open({ storageState: session })).newPage();
  const complaints = complaintsOf(page, site);
  await page.goto(`${site.url}/backups/${backupId}`);
  await page.getByRole('link', { name: 'Restore…', exact: true }).click();
  await page.getByRole('heading', { name: `Restore ${NAME}` }).waitFor();
  await page.getByLabel('Path of the new file').fill(source);
  // Another backup is shown as soon as it is chosen, with what was typed.
  for (const chosen of [olderId, backupId]) {
    await page.getByLabel('Backup', { exact: true }).selectOption(chosen);
    await page.locator(`form[action="/backups/${chosen}/restore"]`).waitFor();
    expect(await page.getByLabel('Path of the new file').inputValue()).toBe(source);
  }
  await page.getByRole('button', { name: 'Look now' }).click();
  await page.getByText(`There is no file ${source} yet.`).waitFor();
  expect(await faultsInBothColours(page)).toEqual([]);
  await page.setViewportSize(PHONE);
  expect(await isTooWide(page)).toBe(false);

  await page.getByRole('button', { name: /^Restore into / }).click();
  // The page learns of the end by itself.
  await page.getByText(`“${source}” is there, whole.`).waitFor();
  await page.getByRole('row', { name: `or'ders In the dump 3 Restored 3` }).waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await faultsInBothColours(page)).toEqual([]);
  const restored = new Database(source, { readonly: true });
  expect(restored.prepare(`SELECT * FROM "or'ders"`).all()).toEqual(rows);
  restored.close();
  expect(complaints).toEqual([]);
});

function fill(path: string): readonly unknown[] {
  const db = new Database(path);
  db.exec(`CREATE TABLE "or'ders" (id INTEGER PRIMARY KEY, what TEXT, raw BLOB);
INSERT INTO "or'ders" VALUES (1, 'ü; -- ', x'00ff'), (2, NULL, NULL), (7, 'COMMIT;', x'');`);
  const rows = db.prepare(`SELECT * FROM "or'ders"`).all();
  db.close();
  return rows;
}

/** Another good one of the same database; nobody restores it. */
async function addOlder(backupId: string): Promise<string> {
  const { db } = site.services;
  const known = db.selectFrom('backups').selectAll().where('id', '=', backupId);
  const older = { ...(await known.executeTakeFirstOrThrow()), id: newId(), token: newId() };
  await db
    .insertInto('backups')
    .values({ ...older, created_at: '2026-01-02T03:04:05.000Z' })
    .execute();
  return older.id;
}

async function backUp(): Promise<string> {
  const { token } = await ask('POST', '/api/auth/login', LOGIN);
  const as = (method: string, path: string, body?: unknown) => ask(method, path, body, String(token));
  const { environment } = (await as('POST', '/api/environments', { name: 'production' })) as {
    environment: Json;
  };
  const backups = join(folder, 'backups');
  mkdirSync(backups);
  const { database } = (await as('POST', `/api/environments/${environment['id']}/databases`, {
    ...{ name: NAME, type: 'sqlite', filePath: source, backupCompression: 'zstd' },
    ...{ backupStorageType: 'local', backupLocalPath: backups },
  })) as { database: Json };
  const { backupId } = await as('POST', `/api/databases/${database['id']}/backups`, {});
  return until('the backup to end', 30_000, async () => {
    const { run } = (await as('GET', `/api/runs/${backupId}`)) as { run: Json };
    if (run['state'] === 'failed') throw new Error(JSON.stringify(run['error']));
    return run['state'] === 'completed' ? String(backupId) : undefined;
  });
}

async function ask(method: string, path: string, body?: unknown, token?: string): Promise<Json> {
  const response = await fetch(`${site.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Json;
}

function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}
