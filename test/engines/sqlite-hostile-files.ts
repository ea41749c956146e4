import type Database from 'better-sqlite3';

/** Where a hostile file wants to leave its mark, and what it must not read. */
export interface Target {
  /** A file that comes into being when a command of the file's owner has run. No spaces in it. */
  readonly canary: string;
  /** A file of the host, and a zip archive, whose content must show up nowhere. */
  readonly secretFile: string;
  readonly secretArchive: string;
}

/** Makes one hostile file each: what it is, and what fills it. */
export function hostileFiles({
  canary,
  secretFile,
  secretArchive,
}: Target): Readonly<Record<string, (db: Database.Database) => void>> {
  const edit = `edit('x', 'touch ${canary};true')`;
  const calls = {
    edit,
    readfile: `readfile('${secretFile}')`,
    writefile: `writefile('${canary}', 'x')`,
    load_extension: `load_extension('${canary}')`,
    zipfile: `zipfile('name', ${edit})`,
  };
  const files: Record<string, (db: Database.Database) => void> = {};
  const table = (columns: string) => (db: Database.Database) => {
    db.exec('CREATE TABLE t (x TEXT, y TEXT); INSERT INTO t (x) VALUES (1)');
    redefine(db, 't', `CREATE TABLE t ${columns}`);
  };
  for (const [name, call] of Object.entries(calls)) {
    files[`fts5 over a view of ${name}`] = (db) => {
      db.exec(`CREATE VIRTUAL TABLE v USING fts5(x, content = w, content_rowid = id);
        CREATE VIEW w AS SELECT 1 AS id, ${call} AS x; INSERT INTO v (rowid, x) VALUES (1, 'a')`);
      respell(db, 'create/**/virtual');
    };
    files[`a shadow table of rtree that is a view of ${name}`] = (db) => {
      db.exec('CREATE VIRTUAL TABLE v USING rtree(id, a, b, +c); INSERT INTO v VALUES (1, 1, 2, 3)');
      become(db, 'v_rowid', 'view', `CREATE VIEW v_rowid AS SELECT 1 AS rowid, 1 AS nodeno, ${call} AS a0`);
      respell(db, 'CREATE --\n VIRTUAL');
    };
    files[`a generated column of ${name}`] = table(`(x TEXT, y AS (${call}))`);
  }
  files[`fts4 over a view of edit`] = (db) => {
    db.exec(
      `CREATE VIRTUAL TABLE v USING fts4(x, content=w); CREATE VIEW w AS SELECT 1 AS docid, ${edit} AS x`,
    );
    respell(db, 'create virtual');
  };
  files[`a shadow table of fts5 that is a view of edit`] = (db) => {
    db.exec('CREATE VIRTUAL TABLE v USING fts5(x)');
    become(db, 'v_config', 'view', `CREATE VIEW v_config AS SELECT 'pgsz' AS k, ${edit} AS v`);
    respell(db, 'CREATE\nVIRTUAL');
  };
  files[`a CHECK of edit`] = table(`(x TEXT, y TEXT, CHECK (${edit} IS NULL))`);
  files[`a DEFAULT of edit`] = table(`(x TEXT, y TEXT, z DEFAULT (${edit}))`);
  files[`an index on edit`] = (db) => {
    db.exec(
      'CREATE TABLE t (x TEXT); INSERT INTO t VALUES (1); CREATE INDEX i ON t (lower(x)) WHERE upper(x) = x',
    );
    redefine(db, 'i', `CREATE INDEX i ON t (${edit}) WHERE ${edit} = x`);
  };
  files[`triggers of edit`] = (db) => {
    db.exec('CREATE TABLE t (x TEXT); INSERT INTO t VALUES (1)');
    for (const event of ['INSERT', 'UPDATE', 'DELETE']) {
      for (const when of ['BEFORE', 'AFTER']) {
        db.exec(`CREATE TRIGGER ${when}${event} ${when} ${event} ON t BEGIN SELECT ${edit}; END`);
      }
    }
  };
  files[`a second statement of edit`] = (db) => {
    db.exec('CREATE TABLE t (x TEXT)');
    redefine(db, 't', `CREATE TABLE t (x TEXT); SELECT ${edit}`);
  };
  files[`a comment that never ends, and edit`] = (db) => {
    db.exec('CREATE TABLE t (x TEXT); CREATE TABLE u (x TEXT)');
    redefine(db, 't', 'CREATE TABLE t (x TEXT) /*');
    redefine(db, 'u', `CREATE TABLE u (x TEXT /* */) ); SELECT ${edit} /* */ )`);
  };
  files[`the planner's samples as a view of edit`] = (db) => {
    db.exec('CREATE TABLE t (x TEXT, y TEXT)');
    redefine(db, 't', `CREATE TABLE sqlite_stat4 (tbl, idx AS (${edit}))`);
    db.exec(`UPDATE sqlite_schema SET name = 'sqlite_stat4', tbl_name = 'sqlite_stat4'`);
  };
  files[`a view of edit that takes the schema's place`] = (db) => {
    db.exec('CREATE TABLE t (x TEXT)');
    const columns = `'table' AS type, 't' AS name, 't' AS tbl_name, 2 AS rootpage, ${edit} AS sql`;
    for (const place of ['sqlite_master', 'sqlite_schema', 'sqlite_temp_master']) {
      addRow(db, 'view', place, `CREATE VIEW ${place} AS SELECT ${columns}`);
    }
  };
  files[`views of edit that take the place of pragmas`] = (db) => {
    db.exec(`CREATE TABLE t (x TEXT);
      CREATE VIEW pragma_encoding AS SELECT ${edit} AS encoding;
      CREATE VIEW pragma_application_id AS SELECT ${edit} AS application_id;
      CREATE VIEW pragma_user_version AS SELECT ${edit} AS user_version;
      CREATE VIEW w AS SELECT 1 AS id, ${edit} AS name;
      CREATE VIRTUAL TABLE pragma_table_info USING fts5(name, cid, hidden, content = w, content_rowid = id);
      CREATE VIRTUAL TABLE pragma_table_xinfo USING fts5(name, cid, hidden, content = w, content_rowid = id)`);
  };
  files['fts4 that expands its content by load_extension'] = expandedBy(canary, 'load_extension');
  files['fts4 that expands its content by readfile'] = expandedBy(secretFile, 'readfile');
  files['a table that is an archive of the host'] = (db) => {
    db.exec('CREATE TABLE t (x TEXT)');
    redefine(db, 't', `create virtual table t using zipfile('${secretArchive}')`);
  };
  files['fts4 with a tokenizer by its address'] = (db) => {
    db.exec(
      `CREATE TABLE t (x TEXT); CREATE VIEW v AS SELECT fts3_tokenizer('simple', x'4141414141414141') AS x`,
    );
  };
  for (const [what, text] of Object.entries({
    'a command on a line of its own': `\n.shell touch ${canary}\n`,
    'a command after CR and LF': `\r\n.shell touch ${canary}\r\n`,
    'a command after a statement': `;\n.system touch ${canary}\n`,
    'a command that -safe lets through': `;\n.trace ${canary}\nSELECT 1;\n`,
    'a command after a quote': `"';\n.shell touch ${canary}\n'"`,
    'a command after a substitution': `$(touch ${canary}) \`touch ${canary}\``,
    'a command after the end of a here-document': `\nCOMMANDS\ntouch ${canary}\n`,
    'a pipe as an output': `\n.output |touch ${canary}\n.once |touch ${canary}\n`,
  })) {
    const name = text.replaceAll('"', '""');
    files[`${what}, in names`] = (db) => {
      db.exec(`CREATE TABLE "${name}" ("${name}" TEXT, "y${name}" INT); CREATE INDEX "i${name}" ON "${name}" ("${name}");
        CREATE VIEW "v${name}" AS SELECT 1; CREATE TRIGGER "r${name}" AFTER INSERT ON "${name}" BEGIN SELECT 1; END`);
      db.prepare(`INSERT INTO "${name}" VALUES (?, 1)`).run(text);
    };
    files[`${what}, after a definition`] = (db) => {
      db.exec('CREATE TABLE t (x TEXT)');
      redefine(db, 't', `CREATE TABLE t (x TEXT);${text}`);
    };
    files[`${what}, after a NUL`] = (db) => {
      db.exec(`CREATE TABLE t (x TEXT); CREATE TABLE "u${name}" (x TEXT)`);
      db.exec(`UPDATE sqlite_schema SET name = 't' || char(0) || 'q', tbl_name = name WHERE name = 't'`);
    };
  }
  return files;
}

/** The rows of the schema as an attacker writes them. */
function addRow(db: Database.Database, type: string, name: string, sql: string): void {
  db.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, 0, ?)').run(type, name, name, sql);
}

function redefine(db: Database.Database, name: string, sql: string): void {
  db.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(sql, name);
}

function become(db: Database.Database, name: string, type: string, sql: string): void {
  db.prepare('UPDATE sqlite_schema SET type = ?, rootpage = 0, sql = ? WHERE name = ?').run(type, sql, name);
}

/** A spelling that SQLite reads and would not write itself. */
function respell(db: Database.Database, words: string): void {
  db.prepare(`UPDATE sqlite_schema SET sql = replace(sql, 'CREATE VIRTUAL', ?)`).run(words);
}

function expandedBy(value: string, call: string): (db: Database.Database) => void {
  return (db) => {
    db.exec('CREATE VIRTUAL TABLE v USING fts4(x)');
    db.prepare('INSERT INTO v VALUES (?)').run(value);
    redefine(db, 'v', `create virtual table v using fts4(x, compress=lower, uncompress=${call})`);
  };
}
