import type { Child } from 'hono/jsx';

/** A part of a page with a border and a heading. `id` names it where something leads to it. */
export function Panel(props: {
  readonly title: string;
  readonly id?: string;
  /** At the end of the heading's line. */
  readonly actions?: Child;
  readonly children?: Child;
}) {
  return (
    <section class="panel" id={props.id} aria-label={props.title}>
      <div class="panel-heading">
        <h2>{props.title}</h2>
        {props.actions}
      </div>
      {props.children}
    </section>
  );
}

/** Two columns: what one came for, and what stands beside it. Below each other on a narrow screen. */
export function Columns({ main, side }: { readonly main: Child; readonly side: Child }) {
  return (
    <div class="columns">
      <div>{main}</div>
      <div>{side}</div>
    </div>
  );
}
