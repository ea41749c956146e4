import * as z from 'zod';
import type { Engine } from '../engines/engine.ts';
import { engineFor, engines } from '../engines/engines.ts';
import { tlsAfter } from '../engines/tls-options.ts';
import { columnsOf, type WireColumns, wireColumns } from '../engines/wire-columns.ts';
import { AppError } from '../errors.ts';

type Options = Readonly<Record<string, unknown>>;

/** How a client gives the options of an engine: as the contract's flat columns, as one object, or some of each. */
export const optionFields = wireColumns.extend({
  options: z
    .record(z.string(), z.unknown())
    .nullish()
    .meta({
      description:
        'The options of the type, instead of the columns of the same names or beside them; those left out stay as they are. ' +
        engines.map(({ type, optionNames }) => `${type}: ${optionNames.join(', ')}.`).join(' '),
    }),
});

type OptionFields = z.infer<typeof optionFields>;

/**
 * The input with `options` among its columns, so that whoever looks at a column sees what is meant, however it was given;
 * what has no column stays in `options`. Throws `invalid` for a name that the type has no option of, for a value that a
 * column refuses, and where both ways say different things.
 */
export function foldOptions<Input extends OptionFields>(type: string, input: Input): Input {
  const given = input.options ?? {};
  const engine = engineFor(type);
  for (const name of Object.keys(given)) refuseUnknown(type, engine, name);
  const columns = wireColumns.safeParse(given);
  if (!columns.success) {
    const issues = columns.error.issues.map((issue) => ({ ...issue, path: ['options', ...issue.path] }));
    throw new AppError('invalid', 'Invalid input', { details: { issues } });
  }
  refuseContradiction(input, columns.data);
  const rest = Object.entries(given).filter(([name]) => !Object.hasOwn(wireColumns.shape, name));
  return { ...input, ...columns.data, options: Object.fromEntries(rest) };
}

function refuseUnknown(type: string, engine: Engine | undefined, name: string): void {
  if (engine === undefined) throw refused(`Databases of the type ${type} have no options: leave them out.`);
  if (engine.optionNames.includes(name)) return;
  throw refused(
    `${engine.displayName} has no option ${JSON.stringify(name.slice(0, 60))}. Its options are ${engine.optionNames.join(', ')}.`,
  );
}

function refuseContradiction(flat: WireColumns, options: WireColumns): void {
  for (const [name, value] of Object.entries(withFlag(options))) {
    const other: unknown = new Map(Object.entries(withFlag(flat))).get(name);
    if (value === undefined || other === undefined || JSON.stringify(value) === JSON.stringify(other))
      continue;
    throw refused(
      `${name} is said twice, and differently: ${JSON.stringify(other)} by the field itself and ${JSON.stringify(value)} in options. Say it once.`,
    );
  }
}

/** A mode of TLS says what the flag says, too. */
function withFlag(columns: WireColumns): WireColumns {
  if (columns.useSsl !== undefined || columns.tlsMode === undefined) return columns;
  return { ...columns, useSsl: (columns.tlsMode ?? 'off') !== 'off' };
}

/** Stored options with the given ones over them, checked by the engine. Throws `invalid` with the issues. */
export function mergeOptions(type: string, stored: string, change: OptionFields): string {
  const names = Object.keys(wireColumns.shape);
  const given = Object.entries(change).filter(([name, value]) => names.includes(name) && value !== undefined);
  const before = parseOptions(stored);
  const columns = wireColumns.safeParse(before).data ?? {};
  const options = {
    ...before,
    ...change.options,
    ...Object.fromEntries(given),
    ...tlsAfter(columns, change),
  };
  const checked = engineFor(type)?.options.safeParse(options);
  if (checked !== undefined && !checked.success) {
    throw new AppError('invalid', 'Invalid input', { details: { issues: checked.error.issues } });
  }
  return JSON.stringify(options);
}

/** The flat columns of the wire, with its defaults where nothing is stored. */
export function wireOptions(stored: string) {
  return columnsOf(parseOptions(stored));
}

/** The options as the engine reads them, with its defaults; as they are stored where there is no engine, or it can't. */
export function shownOptions(type: string, stored: string): Options {
  const options = parseOptions(stored);
  const read = engineFor(type)?.options.safeParse(options);
  return record.safeParse(read?.data).data ?? options;
}

const record = z.record(z.string(), z.unknown());

function parseOptions(stored: string): Options {
  return record.parse(JSON.parse(stored));
}

function refused(message: string): AppError {
  return new AppError('invalid', message, { details: { field: 'options' } });
}
