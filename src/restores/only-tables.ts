import type { RestoreRow } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import { engineFor } from '../engines/engines.ts';
import type { TableName } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import { type ChosenTables, loadOptionsOf } from './load-options.ts';

/**
 * The tables that a restore is to be of, each once; throws `invalid` where the dump's format has no way to restore some alone, where nobody knows
 * what is in it, and for names that are not, or that can't be told from others: the program is given schemas and names, not pairs of them.
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
  const other = contents.tables.find(
    (table) => schemas.has(table.schema ?? '') && names.has(table.name) && !chosen.has(keyOf(table)),
  );
  if (other !== undefined) {
    throw refused(
      `pg_restore would restore ${spelled(other)} with them, since its schema and its name are both chosen. Choose it, too, or restore in two goes.`,
    );
  }
  return [...chosen.values()];
}

/** From lines of `schema.name`, as the dump has them; throws `invalid` for those that it has not, or that may be two. */
export function tablesNamed(contents: DumpContents | null, text: string): ChosenTables | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return undefined;
  return lines.map((line) => {
    const named = (contents?.tables ?? []).filter((table) => spelled(table) === line.trim());
    const [first] = named;
    if (first === undefined) {
      throw refused(
        `The backup is not known to hold a table ${line.trim()}. Write schema.name, as its page lists them.`,
      );
    }
    if (named.length > 1) throw refused(`${line.trim()} may be two tables. Ask the API for it.`);
    return { schema: first.schema ?? '', name: first.name };
  });
}

/** Whether dumps of that format can be restored by single tables. */
export function selectsTables(engine: string, format: string | null): boolean {
  return format !== null && (engineFor(engine)?.selectsTablesOf ?? []).includes(format);
}

/** Those that were chosen for a restore; null: all. */
export function onlyTablesOf(row: Pick<RestoreRow, 'load_options'>): ChosenTables | null {
  return loadOptionsOf(row).tables ?? null;
}

/** What is known of the dump, as far as it is restored. */
export function ofChosen<Dump extends { readonly contents: DumpContents | null }>(
  dump: Dump,
  chosen: readonly TableName[] | null,
): Dump {
  if (chosen === null || dump.contents === null) return dump;
  const keys = new Set(chosen.map(keyOf));
  return {
    ...dump,
    contents: { ...dump.contents, tables: dump.contents.tables.filter((table) => keys.has(keyOf(table))) },
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
