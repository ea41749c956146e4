import type { Child } from 'hono/jsx';

/** What is done more seldom, behind three dots; it opens without a script. Each child is a link. */
export function MoreMenu(props: { readonly label: string; readonly children: Child | readonly Child[] }) {
  return (
    <details class="dropdown more">
      {/* biome-ignore lint/a11y/useSemanticElements: a summary that looks like the buttons beside it. */}
      <summary role="button" class="secondary outline" aria-label={props.label}>
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
