import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import type { BrowserContext, Page } from 'playwright-core';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { createApp } from '../../src/app.ts';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createServices, type RunningServices } from '../../src/services.ts';
import type { TestBrowser } from '../support/browser.ts';
import { watchForSecrets } from '../support/log-secrets.ts';
import { setupCodeOf } from '../support/setup-code.ts';

export const BUCKET = 'prod-backups';
export const KEY = { accessKey: 'BROWSER-ACCESS-KEY', secretKey: 'browser-secret-key-browser-secret-key' };
export const ADMIN = { email: 'ada@example.com', password: 'correct horse battery' };

/** The whole app as people meet it: on a port of its own, freshly installed, with a bucket to back up to. */
export interface Site {
  readonly url: string;
  readonly services: RunningServices;
  readonly bucket: DevBucket;
  /** What registering the first admin needs. */
  readonly setupCode: string;
  /** Fails where the log holds a credential of the admin or the bucket. */
  close(): Promise<void>;
}

/** `env` goes over its settings. */
export async function startSite(env: Readonly<Record<string, string>> = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeport-site-'));
  const bucket = await startDevBucket({ folder: join(folder, 'bucket'), keys: [KEY], buckets: [BUCKET] });
  const config = readConfig({
    DATA_DIR: join(folder, 'data'),
    STORAGE_CA_FILE: String(bucket.caFile),
    RATE_LIMIT_MAX: '100000',
    ...env,
  });
  const lines: string[] = [];
  const secrets = watchForSecrets();
  secrets.note([ADMIN, KEY]);
  const log = createLog(
    'debug',
    (line) => lines.push(line),
    () => new Date(),
  );
  const services = await createServices(config, { log, version: '0.0.0-test', timing: { tickMs: 100 } });
  await prepareFirstAdmin(services);
  const app = createApp(services);
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const started = serve(
      { fetch: app.fetch, hostname: '127.0.0.1', port: env['PORT'] ? config.port : 0 },
      () => resolve(started),
    );
  });
  services.worker.start();
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    services,
    bucket,
    setupCode: setupCodeOf(lines),
    async close() {
      await services.worker.stop(5_000);
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await services.close();
      await bucket.close();
      await rm(folder, { recursive: true, force: true });
      secrets.check(lines);
    },
  };
}

/** Everything that the browser complained about: refused styles and scripts, exceptions, requests to elsewhere. */
export function complaintsOf(page: Page, site: Site): readonly string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (![site.url, site.bucket.endpoint, 'null'].includes(origin))
      complaints.push(`request: ${request.url()}`);
  });
  return complaints;
}

/** Creates the first admin, who is then signed in, and has an environment "production". */
export async function setUp(page: Page, site: Site): Promise<void> {
  await page.goto(site.url);
  await page.getByLabel('Setup code').fill(site.setupCode);
  await page.getByLabel('Email').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Create admin' }).click();
  // On a phone it lies in the menu, which is closed.
  await page.getByRole('button', { name: 'Sign out', includeHidden: true }).waitFor({ state: 'attached' });
}

export type Session = Awaited<ReturnType<BrowserContext['storageState']>>;

/** Signs in by hand, once for all profiles that are opened with what it gives as `storageState`. */
export async function signInOnce(
  browser: TestBrowser,
  site: Site,
  login: { readonly email: string; readonly password: string },
): Promise<Session> {
  const context = await browser.open();
  await signIn(await context.newPage(), site, login);
  const session = await context.storageState();
  await context.close();
  return session;
}

/** Up to the first page of who has signed in. */
export async function signIn(
  page: Page,
  site: Site,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<void> {
  await page.goto(`${site.url}/login`);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

/** The settings of the environment of that name, which is made where there is none. */
export async function openEnvironment(page: Page, site: Site, name: string): Promise<void> {
  await page.goto(`${site.url}/environments`);
  const link = page.locator('#content').getByRole('link', { name: `Settings of ${name}`, exact: true });
  if ((await link.count()) > 0) await link.click();
  else {
    await page.goto(`${site.url}/environments/new`);
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Create environment' }).click();
  }
  await page.getByRole('heading', { name: `Settings of ${name}` }).waitFor();
}
