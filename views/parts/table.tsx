import type { Child } from 'hono/jsx';
import { Group } from './group.tsx';

/** A heading that may sort the table by its column. */
export interface Column {
  readonly label: string;
  /** Figures stand at the right. */
  readonly isFigure?: boolean;
  /** Where it sorts: the address of the table sorted by it, or the other way round where it is already. */
  readonly sort?: { readonly href: string; readonly order: 'ascending' | 'descending' | null };
}

/**
 * A table that scrolls sideways inside itself on a narrow screen, by keyboard too (hence the tab stop). The rows are
 * the children. `dense`: rows of one line, two on a phone.
 */
export function Table(props: {
  readonly caption: string;
  readonly columns: readonly (string | Column)[];
  readonly dense?: boolean;
  readonly children?: Child;
}) {
  return (
    <Group class={props.dense ? 'table-scroll dense' : 'table-scroll'} label={props.caption} isScrolled>
      <table>
        <caption class="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <Heading
                key={labelOf(column)}
                column={typeof column === 'string' ? { label: column } : column}
              />
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </Group>
  );
}

/** The column of buttons at a row's end; its heading is for screen readers only. */
export const ACTIONS = 'Actions';
/** The column of boxes to tick at a row's beginning, likewise. */
export const SELECT = 'Select';

function Heading({ column: { label, isFigure, sort } }: { readonly column: Column }) {
  const name = label === ACTIONS || label === SELECT ? <span class="visually-hidden">{label}</span> : label;
  return (
    <th scope="col" class={isFigure ? 'figure' : undefined} aria-sort={sort?.order ?? undefined}>
      {sort === undefined ? name : <a href={sort.href}>{name}</a>}
    </th>
  );
}

const labelOf = (column: string | Column) => (typeof column === 'string' ? column : column.label);
