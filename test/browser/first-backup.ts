import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Sshd } from '../support/sshd.ts';
import { tabTo } from './keys.ts';
import { KEY, type Site } from './site.ts';

/** A person on a page, who counts what is clicked and filled in; a key that presses a button counts as a click. */
export interface Person {
  readonly counts: { clicks: number; fields: number };
  click(what: Locator): Promise<void>;
  /** As `click`, of what leads to another page. */
  follow(what: Locator): Promise<void>;
  fill(label: string, text: string): Promise<void>;
  choose(label: string, option: string): Promise<void>;
}

export function withMouse(page: Page): Person {
  const counts = { clicks: 0, fields: 0 };
  const click = async (what: Locator) => {
    counts.clicks += 1;
    await what.click();
  };
  return {
    ...{ counts, click, follow: click },
    fill: async (label, text) => {
      counts.fields += 1;
      await page.getByLabel(label, { exact: true }).fill(text);
    },
    choose: async (label, option) => {
      counts.fields += 1;
      await page.getByLabel(label, { exact: true }).selectOption({ label: option });
    },
  };
}

/** Tab, Enter, the arrows and what is typed; each stop on the way is looked at. */
export function withKeys(page: Page): Person {
  const counts = { clicks: 0, fields: 0 };
  const field = async (label: string) => {
    counts.fields += 1;
    const found = page.getByLabel(label, { exact: true });
    await tabTo(page, found);
    return found;
  };
  const click = async (what: Locator) => {
    counts.clicks += 1;
    await tabTo(page, what);
    await page.keyboard.press('Enter');
  };
  return {
    ...{ counts, click },
    follow: async (what) => {
      await Promise.all([page.waitForEvent('load'), click(what)]);
    },
    fill: async (label, text) => {
      await field(label);
      // What stands there is marked, and so replaced.
      await page.keyboard.type(text);
    },
    choose: async (label, option) => {
      const found = await field(label);
      const chosen = () =>
        found.evaluate((select) => select instanceof HTMLSelectElement && select.selectedOptions[0]?.text);
      const seen = new Set<unknown>();
      for (let now = await chosen(); now !== option; now = await chosen()) {
        if (seen.has(now)) throw new Error(`the arrows do not lead from ${now} to ${option}`);
        seen.add(now);
        await page.keyboard.press('ArrowDown');
      }
    },
  };
}

/** From the first signed-in page of an empty folder to a backup of a SQLite file over SSH that was read back. */
export async function walkToFirstBackup(
  page: Page,
  person: Person,
  of: {
    readonly site: Site;
    readonly sshd: Sshd;
    /** Of the file, the only one there. */
    readonly name: string;
    /** Looks at the page of a step, once it is there. */
    readonly look: (step: string) => Promise<void>;
  },
): Promise<void> {
  const { site, sshd, name, look } = of;
  const button = (label: string | RegExp) => page.getByRole('button', { name: label });
  const step = (text: string) => page.locator('[aria-current="step"]').getByText(text).first().waitFor();

  // The copy of the master key holds up nothing.
  await step('Connect a storage');
  await look('1-key');
  await person.click(button(/^Copy: .* master key$/));
  await person.follow(button('I have copied it'));

  await step('Connect a storage');
  await person.fill('Paste the storage’s address optional', site.bucket.endpoint);
  const endpoint = page.getByLabel('Endpoint', { exact: true });
  // Of what is typed slowly the form takes the beginning first.
  await expect.poll(() => endpoint.inputValue()).toBe(new URL(site.bucket.endpoint).host);
  expect(await page.getByRole('checkbox', { name: 'production' }).isChecked()).toBe(true);
  await look('2-storage');
  await person.fill('Access Key', KEY.accessKey);
  await person.fill('Secret Key', KEY.secretKey);
  if ((await page.getByLabel('Region', { exact: true }).inputValue()) !== site.bucket.region) {
    await person.fill('Region', site.bucket.region);
  }
  await person.follow(button('Save Configuration'));

  await step('Reach a database host');
  await look('3-host');
  await person.fill('Address', `${sshd.user}@${sshd.host}`);
  await person.fill('SSH port', String(sshd.port));
  await person.follow(button('Add the server'));
  const line = await page.locator('#authorized-keys-line').textContent();
  expect(line).toMatch(/^restrict ssh-ed25519 \S+ bridgeport-production$/);
  await sshd.insideHost(`echo '${line}' >/etc/ssh/authorized_keys`);
  await person.click(button('Copy: Line for authorized_keys'));
  // To be compared by eye with what the host prints, before anything is pinned.
  await page.getByText(sshd.fingerprint()).waitFor();
  const prints = await page.locator('#own-host-keys').textContent();
  expect(await sshd.insideHost(String(prints))).toContain(sshd.fingerprint());
  expect(await site.services.db.selectFrom('servers').select('host_key').execute()).toEqual([
    { host_key: null },
  ]);
  await look('3-line');
  await person.follow(button(/^Test SSH: /));

  await step('Add databases');
  await look('4-find');
  await person.choose('Kind of database', 'SQLite');
  await person.click(button('Find databases'));
  await page.getByText('1 database found').waitFor();
  await look('4-found');
  // The only one is ticked already.
  expect(await page.getByRole('checkbox', { name }).isChecked()).toBe(true);
  await person.follow(button('Register the ticked databases'));

  await step('Back up, and watch it being read back');
  await look('5-back-up');
  await person.follow(button(/^Back up now: /).first());
  // Not the steps' names, which are there before anything was read back.
  await page
    .locator('#live-runs, #figures')
    .getByText(/^Backed up and read back: |, read back$/)
    .first()
    .waitFor();
  await look('6-done');
}
