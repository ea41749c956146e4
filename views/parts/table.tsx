import type { Child } from 'hono/jsx';

/**
 * A table that scrolls sideways inside itself on a narrow screen, by keyboard too (hence the tab stop). The rows are
 * the children.
 */
export function Table(props: {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly children?: Child;
}) {
  return (
    <section class="table-scroll" tabindex={0} aria-label={props.caption}>
      <table>
        <caption class="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column} scope="col">
                {column === ACTIONS ? <span class="visually-hidden">{column}</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );
}

/** The column of buttons at a row's end; its heading is for screen readers only. */
export const ACTIONS = 'Actions';
