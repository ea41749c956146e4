import * as z from 'zod';
import { quote } from '../../../hosts/quote.ts';
import type { DumpContents } from '../../contents.ts';
import { literal } from '../restore-lines.ts';
import { READ_SYSTEM } from '../server.ts';

/** A table of the dump with its OID in the database before the load; null: there was none. */
export type Mark = readonly [schema: string, name: string, oid: number | null];

const marksShape = z.array(z.tuple([z.string(), z.string(), z.number().int().positive().nullable()])).min(1);

/** One would do, as all of it is one transaction. */
const MOST_MARKS = 5;

/**
 * The tables whose OIDs tell whether the load was committed: each that the dump defines is dropped and made anew by it. Empty where the
 * dump defines none.
 */
export function markedTables(contents: DumpContents | null | undefined): readonly Mark[] {
  const defined = (contents?.tables ?? []).filter(({ definition }) => definition !== null);
  return defined.slice(0, MOST_MARKS).map(({ schema, name }) => [schema ?? '', name, null]);
}

/** As they were recorded before the load; undefined for what is none. */
export function readMarks(replacedId: string | null): readonly Mark[] | undefined {
  if (replacedId === null) return undefined;
  return marksShape.safeParse(JSON.parse(replacedId)).data;
}

/** A query that gives the marks with the OIDs that the tables have now, as JSON. */
export function marksQuery(marks: readonly Mark[]): string {
  return `SELECT 'bridgeport:marks=' || pg_catalog.json_agg(pg_catalog.json_build_array(m.schema, m.name, c.oid::pg_catalog.int8))
FROM ${joined(marks)}`;
}

/**
 * Shell function `look_at_live`, behind `insideLines`: sets `live` to `before` where the load was not committed, to `after` where it was,
 * to `elsewhere` where this is known to be another database, to `untold` where the user may not read what tells its server, and to `other`
 * where somebody else has made or dropped one of the tables since, so that nobody can tell.
 * `madeIn` is the system identifier of its server, or a dash, and its OID; null where nobody knows.
 */
export function lookAtLive(marks: readonly Mark[], madeIn: string | null | undefined): string {
  const [, system = '-', oid] = /^(\d{1,20}|-) (\d{1,10})$/.exec(madeIn ?? '') ?? [];
  const elsewhere =
    oid === undefined
      ? ''
      : `WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database() AND oid = ${oid}) THEN 'elsewhere'`;
  const query = `SELECT CASE ${elsewhere} WHEN pg_catalog.bool_and(c.oid IS NOT DISTINCT FROM m.oid) THEN 'before'
  WHEN pg_catalog.bool_and(c.oid IS NOT NULL AND c.oid IS DISTINCT FROM m.oid) THEN 'after' ELSE 'other' END
FROM ${joined(marks)}`;
  return `look_at_live() {
  live=$(PGCLIENTENCODING=UTF8 ask ${quote(query)}) || exit
  ${system === '-' ? '' : `${READ_SYSTEM}\n  case $system in ${system}) ;; '') [ "$live" = elsewhere ] || live=untold ;; *) live=elsewhere ;; esac`}
}`;
}

function joined(marks: readonly Mark[]): string {
  const rows = marks.map(
    ([schema, name, oid]) =>
      `(${literal(schema)}::pg_catalog.text, ${literal(name)}::pg_catalog.text, ${oid ?? 'NULL'}::pg_catalog.oid)`,
  );
  return `(VALUES ${rows.join(', ')}) m(schema, name, oid)
  LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
    ON n.nspname = m.schema AND c.relname = m.name`;
}
