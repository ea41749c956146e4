import type { Page } from 'playwright-core';

/** Longer than a busy machine takes between two steps: a clock is stopped at no time that is over. */
const AHEAD_MS = 10_000;

/**
 * Stops the clock of a page that has one by `clock.install()`: time goes on by `clock.runFor` alone, until `clock.resume`, and no
 * second is counted because the machine is busy. What has a time of its own in the page, such as how often it asks, is late or
 * early by no more than that says.
 */
export async function stopClock(page: Page): Promise<void> {
  const now = await page.evaluate(() => Date.now());
  await page.clock.pauseAt(now + AHEAD_MS);
}
