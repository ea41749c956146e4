import type { BackupStory } from '../../src/backups/backup-story.ts';
import type { DumpContents, DumpedTable } from '../../src/engines/contents.ts';
import { Facts } from '../parts/facts.tsx';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';

const SHOWN = 50;

/** What the dump holds: its tables with their rows, the largest first. */
export function WhatIsInIt({ story: { contents, backup } }: { readonly story: BackupStory }) {
  return (
    <Panel title="What is in it" id="contents">
      {contents === null ? <p class="field-help">{unknownOf(backup)}</p> : <Known contents={contents} />}
    </Panel>
  );
}

function unknownOf({ format, parsed_proven_at }: BackupStory['backup']): string {
  if (format === 'binary') return 'A copy of the file: its rows are not counted.';
  return parsed_proven_at === null
    ? 'Not known yet: its rows are counted when it is first read in full.'
    : 'Not known: it holds more tables than are listed.';
}

function Known({ contents }: { readonly contents: DumpContents }) {
  const { tables } = contents;
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const areCounted = tables.every((table) => table.rows !== null);
  const largest = [...tables].sort((a, b) => (b.rows ?? 0) - (a.rows ?? 0)).slice(0, SHOWN);
  return (
    <>
      <Facts
        facts={[
          ['Tables', formatCount(tables.length)],
          ['Rows', areCounted ? formatCount(rows) : 'not counted yet'],
          ...(contents.largeObjects === 0
            ? []
            : ([['Large objects', formatCount(contents.largeObjects)]] as const)),
          ...named('Extensions it needs', contents.extensions),
          ...named('Roles it names', contents.roles),
        ]}
      />
      {!areCounted && (
        <p class="field-help">
          The rows lie in compressed blocks of the archive: they are counted when it is first read in full or
          restored.
        </p>
      )}
      {largest.length > 0 && (
        <Table
          caption="Tables, the largest first"
          dense
          columns={['Table', { label: 'Rows', isFigure: true }]}
        >
          {largest.map((table) => (
            <tr key={JSON.stringify([table.schema, table.name])}>
              <td>{nameOf(table)}</td>
              <td class="figure">{table.rows === null ? 'not counted yet' : formatCount(table.rows)}</td>
            </tr>
          ))}
        </Table>
      )}
      {tables.length > SHOWN && (
        <p class="field-help">
          The largest {SHOWN} of {formatCount(tables.length)} tables.
        </p>
      )}
    </>
  );
}

const MOST_NAMES = 20;

function named(label: string, names: readonly string[]): readonly (readonly [string, string])[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` and ${formatCount(names.length - MOST_NAMES)} more` : '';
  return [[label, names.slice(0, MOST_NAMES).join(', ') + more]];
}

const nameOf = ({ schema, name }: DumpedTable) => (schema === null ? name : `${schema}.${name}`);

const formatCount = (count: number) => count.toLocaleString('en-GB');
