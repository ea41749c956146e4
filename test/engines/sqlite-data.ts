import Database from 'better-sqlite3';

/** One of everything that an SQLite schema can hold, under names that need care. */
export const NASTY_SCHEMA = `
CREATE TABLE plain (a, b TEXT, c INTEGER, d REAL, e BLOB, f NUMERIC);
CREATE TABLE "quo""te's [x] \`y\`; -- COMMIT;" ("col 'a'" TEXT DEFAULT 'it''s', "rowid" TEXT, "select" INTEGER);
CREATE TABLE keyed (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE, at TEXT DEFAULT (datetime('now')));
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, x);
CREATE TABLE without (a TEXT, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE TABLE generated (a INTEGER, b AS (a * 2) VIRTUAL, c TEXT AS ('<' || a || '>') STORED, d);
CREATE TABLE hidden_rowid (x TEXT, "_rowid_" INTEGER);
CREATE VIRTUAL TABLE words USING fts5(title, body, tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE places USING rtree(id, x1, x2);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT);
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent ON DELETE CASCADE /* ; COMMIT; */, CHECK (parent > 0));
CREATE TABLE empty_one (x);
CREATE INDEX expression ON plain (lower(b), c DESC) WHERE c IS NOT NULL;
CREATE UNIQUE INDEX "odd ""index" ON keyed (name, id);
CREATE TRIGGER after_plain AFTER INSERT ON plain BEGIN
  INSERT INTO counted (x) VALUES ('by trigger; -- ');
  SELECT CASE WHEN 1 THEN 2 END;
END;
CREATE VIEW summary AS SELECT count(*) AS n, 'a;b' AS "x y" FROM plain -- the end of it
;
CREATE TRIGGER on_view INSTEAD OF INSERT ON summary BEGIN SELECT 1; END;
`;

/** `withExactValues` adds values that only our own literals carry: NUL, bytes that are no UTF-8, the smallest reals. */
export function fillNasty(db: Database.Database, options: { withExactValues: boolean }): void {
  db.exec(NASTY_SCHEMA);
  const plain = db.prepare('INSERT INTO plain VALUES (?, ?, ?, ?, ?, ?)');
  plain.run(null, '', 0n, 0.1, Buffer.alloc(0), '1.50');
  plain.run(
    9007199254740993n,
    "line\nCOMMIT;\n'; DROP TABLE plain; --\ttab \\n",
    -9223372036854775808n,
    1e300,
    Buffer.from([0, 255, 39]),
    5n,
  );
  plain.run(
    9223372036854775807n,
    '漢字 🙂 ﻿bom',
    -1n,
    options.withExactValues ? 5e-324 : 5e-200,
    Buffer.alloc(3000, 7),
    Number.POSITIVE_INFINITY,
  );
  plain.run(Number.NEGATIVE_INFINITY, "''", 12345.678, -0.5, 'text in a blob column', 'not a number');
  plain.run('123', '.quit', 1n, 3n, '4', 1e15);
  db.prepare(`INSERT INTO "quo""te's [x] \`y\`; -- COMMIT;" VALUES (?, ?, ?)`).run("a'b", 'my own rowid', 1n);
  db.exec(`
INSERT INTO keyed (id, name) VALUES (-5, 'minus'), (3, 'drei'), (9223372036854775807, 'last');
INSERT INTO descending VALUES (7, 'a'), (2, 'b');
INSERT INTO without VALUES ('z', 1, x'00'), ('a', 1, NULL), ('a', 0, 2.5);
INSERT INTO generated (a, d) VALUES (1, 'one'), (2, NULL);
INSERT INTO hidden_rowid (rowid, x, "_rowid_") VALUES (10, 'ten', 1), (20, 'twenty', 2);
INSERT INTO words (rowid, title, body) VALUES (5, 'Running', 'foxes jumped over the lazy dogs'), (9, 'it''s', 'naïve café');
INSERT INTO places VALUES (1, 0.5, 2.5), (2, -3, 3);
INSERT INTO counted (id, x) VALUES (100, 'hundred'); DELETE FROM counted WHERE id = 100;
INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (2), (2);
CREATE TRIGGER banner AFTER INSERT ON parent WHEN new.rowid < 0 BEGIN
  /****** ERROR LOG ******/
  DELETE FROM parent WHERE rowid < 0;
END;
ANALYZE;
PRAGMA user_version = 77; PRAGMA application_id = 4711;
`);
  if (!options.withExactValues) return;
  plain.run('nul \0 inside', 'a\r\nb\r', 2n, 2.5, null, null);
  db.exec(`INSERT INTO plain (a, b) VALUES (CAST(x'ff00fe41' AS TEXT), CAST(x'c3' AS TEXT))`);
}

/** All that an application can see of a database, for comparing two of them. */
export function contentOf(path: string): Readonly<Record<string, unknown>> {
  const db = new Database(path, { readonly: true });
  db.defaultSafeIntegers(true);
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  try {
    const schema = db
      .prepare<[], { type: string; name: string; sql: string }>(
        `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name`,
      )
      .all();
    const tables = schema.filter(
      ({ type, name }) => type !== 'index' && type !== 'trigger' && name !== 'sqlite_stat4',
    );
    return {
      schema: schema.filter(({ name }) => name !== 'sqlite_stat4'),
      integrity: db.pragma('integrity_check'),
      foreignKeys: db.pragma('foreign_key_check'),
      header: ['user_version', 'application_id', 'encoding'].map((name) => db.pragma(name)),
      found: db.prepare(`SELECT rowid, title FROM words WHERE words MATCH 'jump OR naive'`).all(),
      rowids: db.prepare('SELECT rowid FROM hidden_rowid').pluck().all(),
      rows: Object.fromEntries(
        tables.map(({ name }) => {
          const columns = db
            .prepare<[string], string>('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1')
            .pluck()
            .all(name);
          const exact = columns.map(
            (column) => `typeof(${quoted(column)}), hex(CAST(${quoted(column)} AS BLOB)), ${quoted(column)}`,
          );
          return [
            name,
            db
              .prepare(`SELECT ${exact.join(', ')} FROM ${quoted(name)}`)
              .raw()
              .all(),
          ];
        }),
      ),
    };
  } finally {
    db.close();
  }
}
