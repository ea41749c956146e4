import type { DumpContents, DumpedTable } from '../engines/contents.ts';
import { engineFor } from '../engines/engines.ts';
import type { TableName } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import type { KnownDump } from './dump-facts.ts';
import { type ChosenTables, MOST_CHOSEN } from './load-options.ts';

const MOST_NAMED = 20;

/**
 * The tables that a restore is to be of, each once; throws `invalid` where the dump's format has no way to restore some alone, where nobody knows
 * what is in it, for names that are not, or that can't be told from others, as the program is given schemas and names, not pairs of them, and for
 * partitioned ones without their partitions.
 */
export function chooseTables(
  engine: string,
  { format, contents }: { readonly format: string | null; readonly contents: DumpContents | null },
  wanted: ChosenTables,
): ChosenTables {
  if (!selectsTables(engine, format)) {
    throw refused('Only custom archives of PostgreSQL can be restored by single tables. Restore all of it.');
  }
  if (contents === null) {
    throw refused('What this backup holds is not known, and so not which tables it has. Restore all of it.');
  }
  const chosen = new Map(wanted.map((table) => [keyOf(table), table]));
  const there = new Set(contents.tables.map(keyOf));
  const missing = [...chosen].find(([key]) => !there.has(key))?.[1];
  if (missing !== undefined) throw refused(`The backup holds no table ${spelled(missing)}.`);
  const [schemas, names] = [
    new Set(wanted.map(({ schema }) => schema)),
    new Set(wanted.map(({ name }) => name)),
  ];
  const comesAlong = (other: Named) =>
    schemas.has(other.schema ?? '') && names.has(other.name) && !chosen.has(keyOf(other));
  const table = contents.tables.find(comesAlong);
  const other = table ?? contents.others?.find(comesAlong);
  if (other !== undefined) {
    throw refused(
      `pg_restore would restore ${spelled(other)} with them, since its schema and its name are both chosen. ${table === undefined ? 'Restore in two goes.' : 'Choose it, too, or restore in two goes.'}`,
    );
  }
  refuseEmptied(contents, chosen);
  return [...chosen.values()];
}

/** A partitioned table has its rows in its partitions, which come only where they are chosen themselves. */
function refuseEmptied({ tables }: DumpContents, chosen: ReadonlyMap<string, unknown>): void {
  const missing = new Map<string, DumpedTable[]>();
  for (const table of tables) {
    if (table.partitionOf === undefined || chosen.has(keyOf(table))) continue;
    const whole = keyOf(table.partitionOf);
    if (chosen.has(whole)) missing.set(whole, [...(missing.get(whole) ?? []), table]);
  }
  const [partitions] = missing.values();
  const of = partitions?.[0]?.partitionOf;
  if (partitions === undefined || of === undefined) return;
  const named = partitions.slice(0, MOST_NAMED).map(spelled).join(', ');
  const more = partitions.length > MOST_NAMED ? ` and ${partitions.length - MOST_NAMED} more` : '';
  throw refused(
    `${spelled(of)} is partitioned: its rows are in its partitions, and without them it would be restored empty. Choose these, too: ${named}${more}; each becomes a table of its own. Or restore all of the backup.`,
  );
}

/** From lines of `schema.name`, as the dump has them; throws `invalid` for those that it has not, or that may be two. */
export function tablesNamed(contents: DumpContents | null, text: string): ChosenTables | undefined {
  const lines = new Set(text.split(/\r?\n/).map((line) => line.trim()));
  lines.delete('');
  if (lines.size === 0) return undefined;
  if (lines.size > MOST_CHOSEN) {
    throw refused(
      `${lines.size} tables are named, and ${MOST_CHOSEN} at most can be restored alone. Restore all of it, or in several goes.`,
    );
  }
  const known = new Map<string, DumpedTable | 'two'>();
  for (const table of contents?.tables ?? []) {
    known.set(spelled(table), known.has(spelled(table)) ? 'two' : table);
  }
  return [...lines].map((line) => {
    const table = known.get(line);
    if (table === undefined) {
      throw refused(
        `The backup is not known to hold a table ${line}. Write schema.name, as its page lists them.`,
      );
    }
    if (table === 'two') throw refused(`${line} may be two tables. Ask the API for it.`);
    return { schema: table.schema ?? '', name: table.name };
  });
}

/** Whether dumps of that format can be restored by single tables. */
export function selectsTables(engine: string, format: string | null): boolean {
  return format !== null && (engineFor(engine)?.selectsTablesOf ?? []).includes(format);
}

/**
 * What is known of the dump, as far as it is restored: how many bytes some tables need is not, and nothing of them is given to a role.
 */
export function ofChosen(dump: KnownDump, chosen: readonly TableName[] | null): KnownDump {
  if (chosen === null) return dump;
  const { contents } = dump;
  const keys = new Set(chosen.map(keyOf));
  const tables = contents?.tables.filter((table) => keys.has(keyOf(table))) ?? [];
  const isTold = contents?.others !== undefined;
  const nameOf = ({ schema, name }: DumpedTable) => ({ schema: schema ?? '', name });
  return {
    ...dump,
    expectedBytes: null,
    needs: dump.needs === null ? null : { ...dump.needs, roles: [] },
    contents: contents === null ? null : { ...contents, tables },
    partitioned: tables.filter(({ isPartitioned }) => isPartitioned === true).map(nameOf),
    // Of an empty one, too, nobody knows it then.
    maybePartitioned: isTold ? [] : tables.filter(({ rows }) => rows === 0).map(nameOf),
  };
}

interface Named {
  readonly schema: string | null;
  readonly name: string;
}

function keyOf({ schema, name }: Named): string {
  return JSON.stringify([schema ?? '', name]);
}

function spelled({ schema, name }: Named): string {
  return `${schema ?? ''}.${name}`;
}

function refused(message: string): AppError {
  return new AppError('invalid', message, { details: { field: 'tables' } });
}
