import { Ago } from '../parts/ago.tsx';
import { formatBytes } from '../parts/format.ts';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';

export interface WouldGoProps {
  /** Backups that stay now. */
  readonly total: number;
  /** Of these, those of databases where pruning does not stand still. */
  readonly goes: number;
  readonly databases: number;
  readonly bytesFreed: number;
  /** Some of the databases, those of which most goes first. */
  readonly listed: readonly {
    readonly databaseId: string;
    readonly name: string;
    readonly environmentName: string;
    readonly count: number;
    readonly bytes: number;
    readonly standsStill: boolean;
    readonly oldestAt: string;
    readonly newestAt: string;
  }[];
}

/** What settings that are typed and not saved would have pruned, beside what goes anyway. */
export function WouldGo(props: WouldGoProps) {
  const { total, databases, listed } = props;
  if (total === 0) {
    return (
      <Panel title="What would go" id="would-go">
        <p>Nothing: with these settings no backup goes that stays now. Nothing is saved yet.</p>
      </Panel>
    );
  }
  return (
    <Panel title="What would go" id="would-go">
      <p>{wouldGoWords(props)} Nothing is saved yet.</p>
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
              <small class="muted">
                {of.environmentName}
                {of.standsStill && ' · pruning stands still'}
              </small>
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

export function wouldGoWords({ total, goes, databases, bytesFreed }: Omit<WouldGoProps, 'listed'>): string {
  const of = databases === 1 ? 'one database' : `${databases} databases`;
  const what = `${moreBackups(total)} of ${of}, ${formatBytes(bytesFreed)}`;
  const standing = total - goes;
  if (standing === 0) return `With these settings ${what}, ${areOf(total)} pruned: ${WHEN}`;
  const stillThere = 'once somebody has accepted on the page of the database what is missing.';
  if (goes === 0) {
    return `With these settings ${what}, ${areOf(total)} to go. Pruning stands still there: ${total === 1 ? 'it goes' : 'they go'} ${stillThere}`;
  }
  return `With these settings ${what}, ${areOf(total)} to go: ${goes} ${WHEN} Where pruning stands still, the other ${standing} ${standing === 1 ? 'goes' : 'go'} ${stillThere}`;
}

const WHEN = 'after the next backup of each, or in the next night.';
const moreBackups = (count: number) => (count === 1 ? '1 more backup' : `${count} more backups`);
const areOf = (count: number) => (count === 1 ? 'is' : 'are');
