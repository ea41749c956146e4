import type { Locator, Page } from 'playwright-core';

/** No page has more stops before what a test is after; from the end of a page a key leads out of it. */
const MOST_STOPS = 90;
const LEAST_CONTRAST = 3;

/** Where the focus is after a key. */
interface Stop {
  readonly isThere: boolean;
  /** The element, shortened. */
  readonly html: string;
  /** Among all elements of the page. */
  readonly place: number;
  /** What a person who sees the page would miss; empty where all is well. */
  readonly faults: readonly string[];
}

/**
 * Presses Tab, or Shift+Tab, until that has the focus. On a page that was just loaded first the link past the navigation.
 * Throws where the focus is lost, cannot be seen or goes back in the order of the page.
 */
export async function tabTo(page: Page, what: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await what.waitFor();
  if (!(await hasFocus(page))) await skipToContent(page);
  const stops: Stop[] = [];
  while (stops.length < MOST_STOPS) {
    await page.keyboard.press(key);
    const stop = await what.evaluate(lookAtFocus, LEAST_CONTRAST);
    const before = stops.at(-1);
    if (stop.faults.length > 0)
      throw new Error(`${stop.faults.join('; ')}: ${stop.html}, after ${before?.html}`);
    // A field for a time is more than one stop.
    if (before !== undefined && (key === 'Tab' ? stop.place < before.place : stop.place > before.place)) {
      throw new Error(`the focus goes from ${before.html} back to ${stop.html}, and not to ${what}`);
    }
    if (stop.isThere) return;
    stops.push(stop);
  }
  throw new Error(`${MOST_STOPS} × ${key} do not lead to ${what}, but to ${stops.at(-1)?.html}`);
}

/** What has the focus: its name, or else its text. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return (element?.getAttribute('aria-label') ?? element?.textContent ?? '').trim();
  });
}

/** Throws where the focus was somewhere on the page and is nowhere now. */
async function hasFocus(page: Page): Promise<boolean> {
  const [isNowhere, wasSomewhere] = await page.evaluate(() => [
    document.activeElement === document.body,
    'keysWereUsed' in document.documentElement.dataset,
  ]);
  if (isNowhere && wasSomewhere) throw new Error(`the focus is lost on ${page.url()}`);
  return isNowhere === false;
}

/** By the first stop of each page. Without it a person would go through all of the navigation each time. */
async function skipToContent(page: Page): Promise<void> {
  await page.keyboard.press('Tab');
  const name = await focused(page);
  if (name !== 'Skip to content') throw new Error(`the first stop of ${page.url()} is “${name}”`);
  await page.keyboard.press('Enter');
  await page.evaluate(() => {
    document.documentElement.dataset['keysWereUsed'] = '';
  });
}

/** Runs in the page. */
function lookAtFocus(target: Element, leastContrast: number): Stop {
  const element = document.activeElement ?? document.body;
  const faults: string[] = [];
  if (element === document.body) faults.push('the focus is lost');
  else {
    const [box = element.getBoundingClientRect()] = element.getClientRects();
    // Of what is larger than the window, the part that is in it.
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    const isShown = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!isShown || right - left < 2 || bottom - top < 2) faults.push('out of sight');
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const above = document.elementFromPoint(x, y);
    if (above !== null && !element.contains(above) && !above.contains(element))
      faults.push(`behind ${above.outerHTML.slice(0, 80)}`);
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    if (outlineStyle !== 'solid' || Number.parseFloat(outlineWidth) < 2) faults.push('no ring around it');
    else {
      const [ring, ground] = [luminanceOf(outlineColor), luminanceOf(groundOf(element))];
      const contrast = (Math.max(ring, ground) + 0.05) / (Math.min(ring, ground) + 0.05);
      if (contrast < leastContrast) faults.push(`a faint ring around it, ${contrast.toFixed(2)} to 1`);
    }
  }
  return {
    isThere: element === target,
    html: element.outerHTML.slice(0, 160),
    place: [...document.querySelectorAll('*')].indexOf(element),
    faults,
  };

  /** The colour that the ring lies on. */
  function groundOf(of: Element): string {
    for (let around = of.parentElement; around !== null; around = around.parentElement) {
      const { backgroundColor } = getComputedStyle(around);
      if (!/^rgba\(.*, 0\)$/.test(backgroundColor)) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  }

  /** As WCAG has it. */
  function luminanceOf(colour: string): number {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
}
