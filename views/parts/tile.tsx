import type { Child } from 'hono/jsx';

/** Tiles beside each other, two by two on a narrow screen. */
export function Tiles({ children }: { readonly children?: Child }) {
  return <div class="tiles">{children}</div>;
}

/** One figure: what it is, the figure, and what explains it. With `href`, all of it is a link. */
export function Tile(props: {
  readonly label: string;
  readonly figure: Child;
  readonly href?: string;
  readonly children?: Child;
  /** What is to be done about it: a form of its own, in a tile that is no link. */
  readonly action?: Child;
}) {
  const content = (
    <>
      <span class="tile-label">{props.label}</span>
      <strong class="tile-figure">{props.figure}</strong>
      {props.children !== undefined && <span class="tile-note">{props.children}</span>}
    </>
  );
  if (props.href === undefined) {
    return (
      <div class="tile">
        {content}
        {props.action}
      </div>
    );
  }
  return (
    <a class="tile" href={props.href}>
      {content}
    </a>
  );
}
