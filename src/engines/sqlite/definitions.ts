/*
 * What is asked of a file's definitions before its rows are read. Whoever may write to the file chooses all of their
 * text, so nothing here evaluates any of it. `temp.` before a pragma's table, because the file may have a table of
 * that name, and never has one there.
 */

/**
 * Fails with "ESCAPE expression" where a definition does not begin as SQLite writes it, or has a line that begins with a
 * dot: after a semicolon that would be a command of sqlite3, and `-safe` lets some through that write files (.trace, measured: 3.40). What is a virtual table could not
 * be told from what is none otherwise (`create virtual` is read as well), and reading one of them runs what
 * views and its own arguments say. To be asked in the transaction that reads the rows.
 */
export const REFUSE_FOREIGN_SPELLING = `SELECT 'x' LIKE 'x' ESCAPE coalesce(type, '') || '..' FROM sqlite_master
WHERE sql IS NOT NULL AND NOT coalesce(instr(name || sql, char(10) || '.') = 0 AND typeof(sql) = 'text' AND CASE type
  WHEN 'table' THEN substr(sql, 1, 13) = 'CREATE TABLE ' OR substr(sql, 1, 21) = 'CREATE VIRTUAL TABLE '
  WHEN 'view' THEN substr(sql, 1, 12) = 'CREATE VIEW '
  WHEN 'index' THEN substr(sql, 1, 13) = 'CREATE INDEX ' OR substr(sql, 1, 20) = 'CREATE UNIQUE INDEX '
  WHEN 'trigger' THEN substr(sql, 1, 15) = 'CREATE TRIGGER ' END, 0);`;

/**
 * sqlite3 reads a line of only "/" or "go" as a semicolon where a statement could end, so that a view or a table which
 * has one outside of literals can't be restored. Inside of a trigger no statement ends.
 */
export const FIND_SPLIT = `SELECT 'split' FROM (
  SELECT char(10) || replace(replace(replace(lower(sql), ' ', ''), char(9), ''), char(13), '') || char(10) AS lines
  FROM sqlite_master WHERE type <> 'trigger')
WHERE instr(lines, char(10) || '/' || char(10)) OR instr(lines, char(10) || 'go' || char(10)) LIMIT 1;`;

/**
 * Samples of the planner that ANALYZE makes again, and only builds with STAT4 can: the `INSERT`s of others' dumps fail at
 * a sqlite3 without it and take the whole restore with them. An empty table before the real one has them left out.
 */
export const HIDE_STATISTICS =
  'PRAGMA writable_schema=ON; CREATE TEMP TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample); PRAGMA writable_schema=OFF;';
export const FIND_STATISTICS = `SELECT 'statistics' FROM sqlite_master WHERE type = 'table' AND name = 'sqlite_stat4';`;

/** An expression may be 1,000 deep, and each `OR` of a row of them counts; those in brackets count as one. */
const DEPTH = 100;

/**
 * `.dump` cuts text at a NUL character without a word (measured: 3.40). This writes a query for each table that fails
 * with "integer overflow" where there is such a text; it runs after the dump, in the same transaction. What it writes
 * is read by sqlite3 as commands, `.shell` among them, and whoever owns the file chooses the names in it: %w and %q
 * double their quotes and stop at a NUL, which printing the query would cut it at, with its quotes left open. By the
 * time that it runs, the file may be another one: what is no plain table of that name any more is not read.
 */
export const NUL_CHECKS = `SELECT printf('SELECT ''x'' LIKE ''x'' ESCAPE coalesce(type, '''') || ''..'' FROM sqlite_master WHERE name = ''%q'' COLLATE NOCASE AND (type = ''view'' OR sql LIKE ''CREATE VIRTUAL%%'');', name) || char(10) ||
  printf('SELECT abs(-9223372036854775807-n) FROM (SELECT count(*) AS n FROM (SELECT 1 FROM "%w" WHERE ', name) ||
  group_concat('(' || has_nul || ')', ' OR ') || ' LIMIT 1)) WHERE n > 0;'
FROM (SELECT t.name AS name, group_concat(printf('(typeof("%w")=''text'' AND instr("%w",char(0)))', c.name, c.name), ' OR ') AS has_nul
  FROM sqlite_master AS t JOIN temp.pragma_table_info(t.name) AS c
  WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%' GROUP BY t.name, c.cid / ${DEPTH})
GROUP BY name;`;

const OWN = `sql IS NOT NULL AND substr(lower(name), 1, 7) <> 'sqlite_'`;
const BEFORE_ROWS = `${OWN} AND type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY rowid`;
const AFTER_ROWS = `${OWN} AND type <> 'table' ORDER BY type = 'index', type = 'trigger', rowid`;

/**
 * Writes the definitions in the order of the dump, and in place of a table's rows a statement that would take them from the
 * table itself: what is needed to write a row is needed for none of them, too. A comment that never ends is ended.
 * Virtual tables are left out: a dump does not make them either, and nothing else is made of them.
 */
export const DEFINITIONS = `BEGIN;
${REFUSE_FOREIGN_SPELLING}
SELECT sql || char(10) || '/**/;' || char(10) || printf('INSERT INTO "%w" SELECT ', name) ||
  (SELECT group_concat(printf('"%w"', c.name)) FROM temp.pragma_table_xinfo(t.name) AS c WHERE c.hidden = 0) ||
  printf(' FROM "%w";', name)
FROM sqlite_master AS t WHERE ${BEFORE_ROWS};
SELECT sql || char(10) || '/**/;' FROM sqlite_master WHERE ${AFTER_ROWS};
COMMIT;`;

/**
 * What an empty database says of itself when it has taken `DEFINITIONS`: to be compared with what these are. Without quotes, so
 * that none which a definition leaves open ends here. SQLite keeps our comment at the end of some, so it is taken out of all. A line
 * end is set after each, as the comment's own was after a carriage return that some definitions end in.
 */
export const TAKEN_DEFINITIONS = `SELECT replace(sql || char(10), char(10, 47, 42, 42, 47), substr(sql, 1, 0)) FROM sqlite_master
WHERE sql NOT NULL AND substr(lower(name), 1, 7) <> char(115, 113, 108, 105, 116, 101, 95) ORDER BY rowid;`;

const AS_TAKEN = `replace(replace(sql || char(10), char(13) || char(10), char(10)), char(10) || '/**/', '')`;

/** What it has to say: sqlite3 takes the carriage return from the end of each line that it reads. */
export const EXPECTED_DEFINITIONS = `BEGIN;
SELECT ${AS_TAKEN} FROM sqlite_master WHERE ${BEFORE_ROWS};
SELECT ${AS_TAKEN} FROM sqlite_master WHERE ${AFTER_ROWS};
COMMIT;`;

/** What lies in the file's header and an application may need; `.dump` leaves it out. */
export const HEADER = `SELECT 'PRAGMA encoding=''' || encoding || ''';' FROM temp.pragma_encoding;
SELECT 'PRAGMA application_id=' || application_id || ';' FROM temp.pragma_application_id;
SELECT 'PRAGMA user_version=' || user_version || ';' FROM temp.pragma_user_version;`;
