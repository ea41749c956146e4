import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestPostgres } from './postgres.ts';

const run = promisify(execFile);

/** Adds what dumps and restores are known to get wrong: each type at its edges, and each kind of thing that a schema may hold. */
export async function addHurtfulData(server: TestPostgres, database: string): Promise<void> {
  await server.query(SCHEMA, database);
}

/** The definitions of all that a database holds, as pg_dump spells them; without what differs from dump to dump. */
export async function schemaOf(
  { programs, port, superuser }: TestPostgres,
  database: string,
): Promise<string> {
  const { username, password } = superuser;
  const { stdout } = await run(
    `${programs}/pg_dump`,
    ['--schema-only', '-h', '127.0.0.1', '-p', String(port), '-U', username],
    {
      env: { PGPASSWORD: password, PGDATABASE: database },
      maxBuffer: 2 ** 24,
    },
  );
  return stdout.replaceAll(/^\\(?:un)?restrict .*$/gm, '');
}

/** Literals at the edges of each type; those of one type stand in one table, and as one array in another. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807'],
  numeric: ['NaN', 'Infinity', '-Infinity', '0.00000000000000000000000000001', `${'9'.repeat(200)}.5`],
  'numeric(5, 2)': ['999.99', '-0.01'],
  real: ['NaN', 'Infinity', '-Infinity', '-0', '1.17549435e-38', '3.4028235e38', '0.1'],
  'double precision': ['NaN', 'Infinity', '-Infinity', '-0', '5e-324', '1.7976931348623157e308', '0.1'],
  money: ['-92233720368547758.08', '92233720368547758.07'],
  '"char"': ['', 'x', '\\377'],
  name: ['ü'.repeat(31)],
  'character(5)': ['ab', ''],
  'character varying(3)': ['é 🙂', ''],
  text: [
    '',
    '\\N',
    '\\.',
    '\\\\',
    '\ta\r\nb\v\f\b\u0001\u007f\u0085\u2028\ufeff',
    "'; DROP TABLE x; --",
    '$$ $x$',
  ],
  bytea: ['', '\\x00ff5c27220a0d09', `\\x${'00'.repeat(3000)}`],
  timestamp: ['infinity', '-infinity', '4713-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999'],
  timestamptz: ['infinity', '-infinity', '1883-11-18 12:03:57+00', '2024-10-27 02:30:00+01'],
  date: ['infinity', '-infinity', '4713-11-24 BC', '5874897-12-31'],
  time: ['00:00:00', '24:00:00', '23:59:59.999999'],
  timetz: ['00:00:00+15:59', '24:00:00-15:59'],
  interval: ['-178000000 years', '1 year -2 mons 3 days -04:05:06.789', '00:00:00.000001'],
  boolean: ['t', 'f'],
  point: ['(NaN,Infinity)', '(1e-300,-0)'],
  line: ['{1,-1,0}'],
  lseg: ['[(0,0),(1e300,-1)]'],
  box: ['(2,2),(0,0)'],
  path: ['((0,0),(1,1))', '[(0,0),(1,1)]'],
  polygon: ['((0,0),(1,1),(1,0))'],
  circle: ['<(0,0),5>'],
  cidr: ['10.0.0.0/8', '2001:db8::/32'],
  inet: ['10.1.2.3/8', '::1'],
  macaddr: ['08:00:2b:01:02:03'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  'bit(9)': ['101010101'],
  'bit varying': ['', '1', '0'.repeat(77)],
  tsvector: ["'it''s':3A 'a':1,2B"],
  tsquery: ["'a' & !( 'b' | 'c':*A )", "'fat' <-> 'rat'"],
  uuid: ['ffffffff-ffff-4fff-bfff-ffffffffffff'],
  xml: ['<a b="&lt;">ü<!-- \\. --></a>'],
  json: ['{"a":1, "a" : [null, 1e400, "\\u00fc\\\\n"]}', ' null '],
  jsonb: ['{"b":[1.10,null,"\\t\\"\\\\"],"":{}}', '1e400'],
  jsonpath: ['$.a[*] ? (@ > 1)'],
  oid: ['4294967295'],
  regclass: ['pg_catalog.pg_class'],
  pg_lsn: ['FFFFFFFF/FFFFFFFF'],
  txid_snapshot: ['10:20:10,14,15'],
  int4range: ['empty', '[1,5)', '(,)'],
  numrange: ['(1.10,2.2]'],
  tstzrange: ['[infinity,infinity]', '(,2024-01-01 00:00:00+00)'],
  daterange: ['[2024-01-01,2024-02-01)'],
  int8multirange: ['{}', '{[1,2),[5,6)}'],
  hurt_kind: ["it's", 'a,b \\ "c"'],
  hurt_pair: ['(,"a ""b"" \\\\ (c), d")', '("{1,2}",)'],
  hurt_percent: ['0', '100'],
};

const literal = (text: string) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

const TABLES = Object.entries(VALUES).map(([type, values], at) => {
  const rows = values.map((value) => `(${literal(value)}, ARRAY[${literal(value)}, NULL]::${type}[])`);
  return `CREATE TABLE hurt.${JSON.stringify(`${at} of ${type}`).replaceAll('\\"', '""')} (one ${type}, more ${type}[]);
INSERT INTO hurt.${JSON.stringify(`${at} of ${type}`).replaceAll('\\"', '""')} VALUES ${rows.join(', ')}, (NULL, '{}');`;
});

const SCHEMA = String.raw`
CREATE SCHEMA hurt;
CREATE EXTENSION citext SCHEMA hurt;
CREATE EXTENSION pg_trgm SCHEMA hurt;
CREATE EXTENSION hstore SCHEMA hurt;
SET search_path = hurt, public;
CREATE TYPE hurt_kind AS ENUM ('it''s', 'a,b \ "c"');
CREATE TYPE hurt_pair AS (a integer[], b text);
CREATE DOMAIN hurt_percent AS integer DEFAULT 5 CONSTRAINT "in ""range""" CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE hurt_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE COLLATION "from ""ü""" (provider = icu, locale = 'de-u-co-phonebk');
${TABLES.join('\n')}
CREATE TABLE arrays (a integer[][], b text[]);
INSERT INTO arrays VALUES ('[0:1][-2:-1]={{1,NULL},{3,4}}', ARRAY['NULL', NULL, '', '{"a"}', E'\\', 'x,y']), ('{}', NULL);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE dropped (a integer, b text, c integer); INSERT INTO dropped VALUES (1, 'x', 2); ALTER TABLE dropped DROP COLUMN b;
CREATE TABLE wide (body text); INSERT INTO wide SELECT string_agg(md5(g::text), E'\n') FROM generate_series(1, 20000) g;
CREATE TABLE many (a citext PRIMARY KEY, b hstore, c text COLLATE "from ""ü""", d hurt_range);
INSERT INTO many VALUES ('ABC', 'a=>NULL, "b \"c\""=>"\\"', 'Ärger', '[1.5,2)');
CREATE INDEX ON many USING gin (c gin_trgm_ops);
CREATE TABLE hens (id integer PRIMARY KEY, egg integer NOT NULL);
CREATE TABLE eggs (id integer PRIMARY KEY, hen integer NOT NULL REFERENCES hens DEFERRABLE INITIALLY DEFERRED, self integer REFERENCES eggs);
ALTER TABLE hens ADD FOREIGN KEY (egg) REFERENCES eggs DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO hens SELECT g, g % 9 + 1 FROM generate_series(1, 9) g; INSERT INTO eggs SELECT g, g, 10 - g FROM generate_series(1, 9) g; COMMIT;
CREATE TABLE calculated (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c integer GENERATED BY DEFAULT AS IDENTITY (START 7 INCREMENT -3 MINVALUE -100 MAXVALUE 100 CYCLE));
INSERT INTO calculated (a) SELECT g FROM generate_series(1, 5) g;
CREATE SEQUENCE never_called START 77; CREATE SEQUENCE at_its_end MAXVALUE 2 CACHE 1; SELECT nextval('at_its_end'), nextval('at_its_end');
CREATE SEQUENCE tiny AS smallint OWNED BY many.c;
CREATE TABLE parts (id integer, region text, at date) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu', 'it''s') PARTITION BY RANGE (at);
CREATE TABLE parts_eu_old PARTITION OF parts_eu FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE parts_eu_new PARTITION OF parts_eu FOR VALUES FROM ('2024-01-01') TO (MAXVALUE) PARTITION BY HASH (id);
CREATE TABLE parts_eu_0 PARTITION OF parts_eu_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_eu_1 PARTITION OF parts_eu_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT g, (ARRAY['eu', 'it''s', 'us', NULL])[1 + g % 4], date '2023-12-01' + g FROM generate_series(1, 80) g;
CREATE TABLE parent (a integer CHECK (a > 0)); CREATE TABLE heir (b text) INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO heir VALUES (2, 'x'), (3, NULL);
CREATE UNLOGGED TABLE unlogged (a integer); INSERT INTO unlogged VALUES (1);
CREATE TABLE booked (room integer, during tsrange, EXCLUDE USING gist (during WITH &&)); INSERT INTO booked VALUES (1, '[2024-01-01,2024-01-02)');
CREATE TABLE guarded (owner name DEFAULT current_user, secret text); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "only ""own""" ON guarded USING (owner = current_user); INSERT INTO guarded (secret) VALUES ('x');
CREATE RULE quiet AS ON DELETE TO guarded DO INSTEAD NOTHING;
CREATE STATISTICS correlated (dependencies, mcv) ON a, b FROM calculated;
CREATE FUNCTION both_ways(INOUT a integer, VARIADIC b text[] DEFAULT ARRAY['x;']) LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN a := a + 1; END $$;
CREATE FUNCTION rows_of() RETURNS TABLE (n integer, "t ü" text) LANGUAGE sql STABLE PARALLEL SAFE COST 7 ROWS 3 AS 'SELECT 1, ''a''';
CREATE PROCEDURE proceed(a integer) LANGUAGE plpgsql AS $p$ BEGIN COMMIT; END $p$;
CREATE AGGREGATE product(integer) (SFUNC = int4mul, STYPE = integer, INITCOND = '1');
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq, COMMUTATOR = ===);
CREATE CAST (hurt_pair AS text) WITH INOUT;
CREATE VIEW deep WITH (security_barrier) AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, product(i) OVER (ORDER BY i) FROM n;
CREATE VIEW deeper AS SELECT * FROM deep WHERE i === 2 WITH CASCADED CHECK OPTION;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM deeper; CREATE UNIQUE INDEX ON kept (i);
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER hurt_note ON ddl_command_end EXECUTE FUNCTION hurt.noted(); ALTER EVENT TRIGGER hurt_note DISABLE;
CREATE TEXT SEARCH CONFIGURATION plainly (COPY = simple);
COMMENT ON COLUMN many.c IS E'it''s a\n-- comment; \\! no command';
CREATE TABLE "UPPER.dot ""q"" é" ("a.b" integer, "select" text); INSERT INTO "UPPER.dot ""q"" é" VALUES (1, 'x');
GRANT SELECT ("a.b") ON "UPPER.dot ""q"" é" TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA hurt GRANT SELECT ON TABLES TO PUBLIC;
SELECT lo_create(4294967290), lo_put(4294967290, 0, decode('00ff5c0a', 'hex'));
RESET search_path;
`;
