import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import type { RestoredTable } from './restored.ts';

const MOST_SHOWN = 200;

/** Those that differ first, then the largest. */
export function Rows({ tables }: { readonly tables: readonly RestoredTable[] }) {
  const sorted = [...tables].sort(
    (one, other) =>
      Number(differs(other)) - Number(differs(one)) ||
      (other.rows ?? 0) - (one.rows ?? 0) ||
      (one.name < other.name ? -1 : 1),
  );
  return (
    <Panel title="Rows">
      <Table
        caption="Rows per table"
        columns={['Table', { label: 'In the dump', isFigure: true }, { label: 'Restored', isFigure: true }]}
        dense
      >
        {sorted.slice(0, MOST_SHOWN).map((table) => (
          <tr key={`${table.schema}.${table.name}`}>
            <th scope="row">
              {table.schema === null ? '' : `${table.schema}.`}
              {table.name}
            </th>
            <td class="figure" data-label="In the dump">
              {figure(table.expected, 'not counted')}
            </td>
            <td class="figure" data-label="Restored">
              {figure(table.rows, 'missing')}
              {differs(table) && <strong class="field-error"> differs</strong>}
            </td>
          </tr>
        ))}
      </Table>
      {sorted.length > MOST_SHOWN && (
        <p class="field-help">{sorted.length - MOST_SHOWN} more are not shown.</p>
      )}
    </Panel>
  );
}

function differs({ expected, rows }: RestoredTable): boolean {
  return rows === null || (expected !== null && expected !== rows);
}

function figure(value: number | null, none: string) {
  return value === null ? <span class="muted">{none}</span> : value.toLocaleString('en-GB');
}
