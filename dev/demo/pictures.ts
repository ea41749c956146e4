import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/lib/chromium/chromium-headless-shell';
export const SIZE = { width: 1280, height: 800 };
const SCHEMES = ['light', 'dark'] as const;

/** What README shows: the file's name, and the way to the page. */
const PICTURES: readonly (readonly [string, (page: Page, url: string) => Promise<unknown>])[] = [
  ['overview', (page, url) => page.goto(url)],
  ['database', (page, url) => toDatabase(page, url)],
  [
    'backup',
    async (page, url) => {
      await toDatabase(page, url);
      await page.locator('#backup-list th a').first().click();
      await page.getByRole('heading', { name: 'What is proven' }).waitFor();
    },
  ],
];

/** Takes the pictures of README with the system's Chromium, light and dark, from an app that has been filled. */
export async function takePictures(options: {
  readonly url: string;
  readonly login: { readonly email: string; readonly password: string };
  readonly folder: string;
}): Promise<readonly string[]> {
  const { url, login, folder } = options;
  mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const files: string[] = [];
  try {
    const page = await browser.newPage({ viewport: SIZE, reducedMotion: 'reduce' });
    await page.goto(`${url}/login`);
    await page.getByLabel('Email').fill(login.email);
    await page.getByLabel('Password').fill(login.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const [name, open] of PICTURES) {
      await open(page, url);
      await page.locator('#content h1').waitFor();
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        const path = join(folder, `${name}-${colorScheme}.png`);
        await page.screenshot({ path });
        files.push(path);
      }
    }
  } finally {
    await browser.close();
  }
  return files;
}

async function toDatabase(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/databases?q=wiki`);
  await page.locator('#content').getByRole('link', { name: 'wiki', exact: true }).click();
  await page.getByRole('heading', { name: 'wiki', level: 1 }).waitFor();
}
