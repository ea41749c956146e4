import type { Page } from 'playwright-core';

/** On a page without JavaScript: what can be seen and does nothing when it is clicked, or waits for a script to be filled. */
export function deadControls(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const seen = (element: Element) => element.checkVisibility({ visibilityProperty: true });
    const leadsNowhere = (button: HTMLButtonElement) =>
      button.form === null && button.popoverTargetElement === null && !button.hasAttribute('commandfor');
    return [
      ...[...document.querySelectorAll('button')].filter((button) => seen(button) && leadsNowhere(button)),
      ...[...document.querySelectorAll('a:not([href])')].filter(seen),
      // What only a script would fill.
      ...[...document.querySelectorAll('main [hx-get]:empty')].filter(seen),
    ].map((element) => element.outerHTML.slice(0, 120));
  });
}
