import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import { literal } from './restore-lines.ts';
import { READ_SYSTEM } from './server.ts';

/** What was read of a database beside its OID, to tell it later from one on another server, and from one that somebody goes on with. */
export interface ToldDatabase {
  /** The system identifier of its cluster; null where the user may not read it. */
  readonly system: string | null;
  /** Rows that were ever written in it, by its statistics; null where nobody got in. */
  readonly written: string | null;
}

/** The OID of what was recorded: digits alone get into a statement. */
export function oid(recorded: string): string {
  const [, found] = /^(\d{1,10})(?: |$)/.exec(recorded) ?? [];
  if (found !== undefined) return found;
  throw new AppError('internal', 'What a restore replaces was not recorded as it should be.');
}

/** Fails, with words for `explainPostgresRestore`, unless the database of that OID has that name; a cast of a constant would fail in any case. */
export function requireName(replacedId: string, name: string, words = 'not to be swapped: other'): string {
  return `SELECT CAST((SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_database WHERE oid = ${replacedId} AND datname = ${literal(name)})
  THEN '0' ELSE 'bridgeport: ${words}' END) AS pg_catalog.int4)`;
}

/** Of everybody's tables, and large objects; what the server keeps for itself changes by its own doing. Empty where nothing is counted, which would look as if nothing was written. */
const WRITTEN = `SELECT CASE WHEN current_setting('track_counts') = 'on' THEN coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::text ELSE '' END
  FROM pg_stat_all_tables
  WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' OR relname = 'pg_largeobject'`;

/** Behind `maintenanceLines`: sets `written` for the database that a word of the shell names, in which nothing may be called by a name of its own; empty where nobody gets in, or nothing is counted. */
export function readWritten(word: string): string {
  return `written=$(PGDATABASE=${word}; sql --command='SET search_path = pg_catalog' --command=${quote(WRITTEN)} 2>/dev/null) || written=`;
}

/** Behind `maintenanceLines`: prints what `readTold` reads. */
export function tellLines(name: string): string {
  return `${READ_SYSTEM}
${readWritten(quote(name))}
printf 'bridgeport:told=%s %s\\n' "\${system:--}" "\${written:--}"`;
}

/** As it is recorded; null where there is nothing. */
export function readTold(stdout: string): string | null {
  return /^bridgeport:told=(.*)$/m.exec(stdout)?.[1] ?? null;
}

/** Of what `readTold` gave, what tells the database, without what was written. */
export function identityOf(told: string | null): string | null {
  return told === null ? null : told.replace(/ \S+$/, ' -');
}

/** Of what was recorded, with or without an OID before it. */
export function toldIn(recorded: string | null): ToldDatabase {
  const [, system = '-', written = '-'] = /(?:^| )(\d{1,20}|-) (\d{1,20}|-)$/.exec(recorded ?? '') ?? [];
  return { system: system === '-' ? null : system, written: written === '-' ? null : written };
}
