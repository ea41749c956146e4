import type { Child } from 'hono/jsx';

/**
 * A part of a page that has a name and is no landmark, of which there are few. `isScrolled`: it is a tab stop, so that it is scrolled by
 * keyboard, too.
 */
export function Group(props: {
  readonly label: string;
  readonly class: string;
  readonly isScrolled?: boolean;
  readonly children?: Child;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields, and of regions a page has few.
    <div
      role="group"
      class={props.class}
      tabindex={props.isScrolled === true ? 0 : undefined}
      aria-label={props.label}
    >
      {props.children}
    </div>
  );
}
