import type { Child } from 'hono/jsx';

const ID = 'more';

/** At the end of an address of the page: its one menu behind three dots has the focus, as after a dialog that it led to. */
export const AT_MORE = `#${ID}`;

/** What is done more seldom, behind three dots; it opens without a script. Each child is a link. One a page. */
export function MoreMenu(props: { readonly label: string; readonly children: Child | readonly Child[] }) {
  return (
    <details class="dropdown more">
      {/* biome-ignore lint/a11y/useSemanticElements: a summary that looks like the buttons beside it. */}
      <summary id={ID} role="button" class="secondary outline" aria-label={props.label}>
        ⋯
      </summary>
      <ul>
        {[props.children].flat().map((child) => (
          <li>{child}</li>
        ))}
      </ul>
    </details>
  );
}
