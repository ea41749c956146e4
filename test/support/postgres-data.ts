import pg from 'pg';
import type { TestPostgres } from './postgres.ts';

/** Bytes of text that a row of `events` has, more or less. */
const ROW_BYTES = 640;

/**
 * Fills a database with data such as applications have: many types, unicode, large objects, a generated column,
 * partitions, foreign keys, views, functions, triggers, odd names; its bulk is about `mebibytes`, half compressible.
 */
export async function fillDatabase(server: TestPostgres, database: string, mebibytes: number): Promise<void> {
  await server.query(SCHEMA, database);
  const rows = Math.max(200, Math.round((mebibytes * 1024 * 1024) / ROW_BYTES));
  await server.query(
    `INSERT INTO events (at, account, kind, payload, tags, body, raw)
     SELECT timestamptz '2024-01-01' + g * interval '7 minutes' / 10, 1 + g % 50,
            (ARRAY['created','paid','shipped'])[1 + g % 3]::event_kind,
            jsonb_build_object('n', g, 'text', 'Grüße aus ' || g, 'nested', jsonb_build_array(g, null, true)),
            ARRAY['a' || g % 7, E'quote '' and \\\\ and\\n', NULL],
            repeat(md5(g::text), 3) || E'\\ttab\\r\\nline \\\\. 漢字 🙂 ' || left(repeat(md5((g * 31)::text), 12), 200),
            decode(md5(g::text) || md5((g + 1)::text) || '00ff27', 'hex')
     FROM generate_series(1, ${rows}) g`,
    database,
  );
  await server.query('REFRESH MATERIALIZED VIEW totals; ANALYZE', database);
}

/** Row count and MD5 of every table's rows in a fixed order, of the large objects and of the sequences' positions. */
export async function checksums(
  server: TestPostgres,
  database: string,
): Promise<Readonly<Record<string, string>>> {
  const tables = await server.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY 1, 2`,
    database,
  );
  const questions = tables.map(({ schema, name }) => {
    const table = `${pg.escapeIdentifier(String(schema))}.${pg.escapeIdentifier(String(name))}`;
    return `SELECT ${pg.escapeLiteral(table)} AS name, count(*)::text || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') AS sum FROM ${table} t`;
  });
  // All at once, for each call makes a connection.
  const rows = await server.query([...questions, LARGE_OBJECTS, SEQUENCES].join(' UNION ALL '), database);
  return Object.fromEntries(rows.map(({ name, sum }) => [String(name), String(sum)]));
}

const LARGE_OBJECTS = `SELECT 'large objects', count(*)::text || ' ' || coalesce(md5(string_agg(oid::text || md5(lo_get(oid)), ',' ORDER BY oid)), '') FROM pg_largeobject_metadata`;
const SEQUENCES = `SELECT 'sequences', coalesce(string_agg(sequencename || '=' || coalesce(last_value, 0), ',' ORDER BY sequencename), '') FROM pg_sequences`;

const SCHEMA = String.raw`
CREATE TYPE event_kind AS ENUM ('created', 'paid', 'shipped');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE accounts (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email email NOT NULL UNIQUE,
  balance numeric(20, 6) NOT NULL DEFAULT 0,
  ratio double precision,
  born date,
  address inet,
  id2 uuid,
  span tstzrange,
  bits bit varying(12),
  search tsvector GENERATED ALWAYS AS (to_tsvector('simple', email)) STORED
);
INSERT INTO accounts (email, balance, ratio, born, address, id2, span, bits)
  SELECT 'person' || g || '@exämple.org', g * 1.000001, CASE g WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE g / 7.0 END,
         date '1970-01-01' + g, ('10.0.0.' || g)::inet, md5(g::text)::uuid,
         tstzrange(timestamptz '2024-01-01' + g * interval '1 day', NULL), B'1011'
  FROM generate_series(1, 50) g;
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  account integer NOT NULL REFERENCES accounts,
  kind event_kind NOT NULL,
  payload jsonb,
  tags text[],
  body text,
  raw bytea,
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_later PARTITION OF events DEFAULT;
CREATE INDEX events_payload ON events USING gin (payload);
CREATE TABLE "odd ""name"" 表; -- $x$ \. " ("the 'column'" text, "COPY x FROM stdin;" text);
INSERT INTO "odd ""name"" 表; -- $x$ \. " VALUES
  (E'--\n-- PostgreSQL database dump complete\n--\n\n', E'\\.\n\\.\n'),
  (NULL, ''), (E'\\N', E'a\tb\\c\r\n');
CREATE TABLE empty_table (nothing text);
CREATE VIEW paid AS SELECT a.email, count(*) AS times, E'it''s \\ $1 $$ ' AS note FROM accounts a JOIN events e ON e.account = a.id WHERE e.kind = 'paid' GROUP BY a.email;
CREATE MATERIALIZED VIEW totals AS SELECT kind, count(*) FROM events GROUP BY kind WITH NO DATA;
CREATE FUNCTION strange(a text DEFAULT 'x''; --') RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  /* not closed; -- $_$
  */
  RETURN $q$COPY accounts FROM stdin;
--
-- PostgreSQL database dump complete
--

$q$ || a;
END
$body$;
CREATE FUNCTION modern(a integer) RETURNS integer BEGIN ATOMIC SELECT a + 1; SELECT a; END;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := ''touched''; RETURN NEW; END';
CREATE TABLE notes (id serial PRIMARY KEY, note text DEFAULT strange());
CREATE TRIGGER notes_touch BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO notes (note) VALUES ('one'), (DEFAULT);
COMMENT ON TABLE notes IS E'--\n-- PostgreSQL database dump complete\n--\n\n';
SELECT lo_from_bytea(0, convert_to(repeat('large object ' || g, 2000), 'UTF8')) FROM generate_series(1, 5) g;
`;
