import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import * as z from 'zod';

export const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What is right needs no description. */
const BRIEF = { resultTypes: ['violations'], selectors: false };
/** Of WCAG 2.2, which axe leaves out unless it is asked: what is tapped is 24 px wide and high, or stands alone. */
const MORE = { 'target-size': { enabled: true } };
/** What can change with colours. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

const found = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** The navigation, which is the same on each page and half of the elements of a small one. */
export const NAVIGATION = '#menu';

/** The narrowest that pages are made for. */
export const PHONE = { width: 360, height: 740 };

/** How wide the page gets there: more than a phone is where it has to be scrolled sideways. Puts the window back as it was. */
export async function widthOnPhone(page: Page): Promise<number> {
  const before = page.viewportSize();
  await page.setViewportSize(PHONE);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (before !== null) await page.setViewportSize(before);
  return width;
}

/** What axe finds wrong, as `rule: element`; by the rules of those names alone, where there are some, and but for what is `without`. */
export async function faultsOf(
  page: Page,
  runOnly?: readonly string[],
  without?: string,
): Promise<readonly string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE);
  const options = JSON.stringify({ ...BRIEF, ...(runOnly === undefined ? { rules: MORE } : { runOnly }) });
  const context = without === undefined ? 'document' : JSON.stringify({ exclude: [without] });
  const { violations } = found.parse(await page.evaluate(`axe.run(${context}, ${options})`));
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** The same by all rules in light colours, and by those of colours in dark ones: what both find wrong with the page. */
export async function faultsInBothColours(page: Page, without?: string): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [colorScheme, rules] of [['light'], ['dark', OF_COLOURS]] as const) {
    // Colours that are still on their way from one to the other have no contrast to speak of.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const fault of await faultsOf(page, rules, without)) faults.push(`${colorScheme}: ${fault}`);
  }
  return faults;
}
