import { Ago } from '../parts/ago.tsx';
import { formatBytes } from '../parts/format.ts';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';

export interface WouldGoProps {
  /** Backups that stay now. */
  readonly total: number;
  readonly databases: number;
  readonly bytesFreed: number;
  /** Some of the databases, those of which most goes first. */
  readonly listed: readonly {
    readonly databaseId: string;
    readonly name: string;
    readonly environmentName: string;
    readonly count: number;
    readonly bytes: number;
    readonly oldestAt: string;
    readonly newestAt: string;
  }[];
}

/** What settings that are typed and not saved would have pruned, beside what goes anyway. */
export function WouldGo({ total, databases, bytesFreed, listed }: WouldGoProps) {
  if (total === 0) {
    return (
      <Panel title="What would go" id="would-go">
        <p>Nothing: with these settings no backup goes that stays now. Nothing is saved yet.</p>
      </Panel>
    );
  }
  return (
    <Panel title="What would go" id="would-go">
      <p>{wouldGoWords({ total, databases, bytesFreed })} Nothing is saved yet.</p>
      <Table
        caption="Backups that would go"
        columns={[
          'Database',
          { label: 'Backups', isFigure: true },
          { label: 'Size', isFigure: true },
          'The oldest',
          'The newest',
        ]}
        dense
      >
        {listed.map((of) => (
          <tr key={of.databaseId}>
            <th scope="row">
              <a href={`/databases/${of.databaseId}/retention`}>{of.name}</a>{' '}
              <small class="muted">{of.environmentName}</small>
            </th>
            <td class="figure">{of.count}</td>
            <td class="figure">{formatBytes(of.bytes)}</td>
            <td>
              <Ago at={of.oldestAt} />
            </td>
            <td>
              <Ago at={of.newestAt} />
            </td>
          </tr>
        ))}
      </Table>
      {databases > listed.length && (
        <p class="field-help">
          And of {databases - listed.length} more databases, of none more than of these.
        </p>
      )}
    </Panel>
  );
}

export function wouldGoWords({ total, databases, bytesFreed }: Omit<WouldGoProps, 'listed'>): string {
  const backups = total === 1 ? '1 more backup' : `${total} more backups`;
  const of = databases === 1 ? 'one database' : `${databases} databases`;
  const are = total === 1 ? 'is' : 'are';
  return `With these settings ${backups} of ${of}, ${formatBytes(bytesFreed)}, ${are} pruned: after the next backup of each, or in the next night.`;
}
