/** A SQLite file that tries to have its reader run a command, write a file or give another file away. */
export interface HostileFile {
  readonly name: string;
  /** For `sqlite3`, which makes the file; `CANARY` is the file to be written, `SECRET` one to be read. */
  readonly sql: string;
}

/** What a definition may call that does more than compute. All but edit() are the shell's own, edit() runs a program. */
const CALLS: readonly (readonly [string, string])[] = [
  ['edit', `edit('x', 'touch CANARY; true')`],
  ['edit by another name', `"EDIT"('x', 'touch CANARY; true')`],
  ['writefile', `writefile('CANARY', 'x')`],
  ['readfile', `readfile('SECRET')`],
  ['load_extension', `load_extension('CANARY')`],
  ['zipfile', `(select group_concat(data) from zipfile('SECRET'))`],
  ['fsdir', `(select group_concat(data) from fsdir('SECRET'))`],
];

/** Definitions that are not spelled as a guard may expect. */
const VIRTUAL = [
  'CREATE VIRTUAL TABLE',
  'create/**/virtual/**/table',
  'CREATE -- x\nVIRTUAL\tTABLE',
  ' cReAtE\fViRtUaL TABLE',
];

/** Places from which a dump, a check or a look at the schema may come to evaluate a call. */
const CARRIERS: readonly ((call: string) => readonly (readonly [string, string])[])[] = [
  (call) => [
    ['view', `create table t(a); insert into t values (1); create view v as select ${call} as a from t;`],
  ],
  (call) => [
    [
      'view in place of a table',
      `create table t(a); insert into t values (1); create table u(a); ${stored(`update sqlite_schema set type = 'table', rootpage = 0, sql = ${text(`create view u as select ${call} as a`)} where name = 'u';`)}`,
    ],
  ],
  (call) =>
    VIRTUAL.map((spelled) => [
      `fts5 over a view, ${JSON.stringify(spelled)}`,
      `create view v as select 1 as rowid, ${call} as a; ${virtual(spelled, 'f', "fts5(a, content='v')")}`,
    ]),
  (call) =>
    VIRTUAL.map((spelled) => [
      `fts4 over a view, ${JSON.stringify(spelled)}`,
      `create view v as select 1 as docid, ${call} as a; ${virtual(spelled, 'f', 'fts4(a, content="v")')}`,
    ]),
  (call) => [
    [
      'rtree whose shadow is a view',
      `create virtual table r using rtree(id, a, b); insert into r values (1, 1, 2); ${stored(`update sqlite_schema set type = 'view', rootpage = 0, sql = ${text(`create view r_rowid as select 1 as rowid, ${call} as nodeno`)} where name = 'r_rowid';`)}`,
    ],
  ],
  (call) => [
    [
      'generated column',
      `create table t(a); insert into t values (1); ${redefine('t', `create table t(a, b generated always as (${call}) virtual)`)}`,
    ],
  ],
  (call) => [
    [
      'index on an expression',
      `create table t(a); insert into t values (1); create index i on t(a); ${redefine('i', `create index i on t(${call})`)}`,
    ],
  ],
  (call) => [
    [
      'partial index',
      `create table t(a); insert into t values (1); create index i on t(a); ${redefine('i', `create index i on t(a) where ${call} is not null`)}`,
    ],
  ],
  (call) => [
    [
      'check',
      `create table t(a); insert into t values (1); ${redefine('t', `create table t(a check (${call} is not null))`)}`,
    ],
  ],
  (call) => [
    [
      'default',
      `create table t(a); insert into t values (1); ${redefine('t', `create table t(a default (${call}))`)}`,
    ],
  ],
  (call) => [
    [
      'trigger',
      `create table t(a); insert into t values (1); create trigger g after insert on t begin select ${call}; end;`,
    ],
  ],
];

/** Text that a shell may take for a command of its own, where it is not quoted as it must be. */
const DOT_COMMANDS = [
  '.shell touch CANARY',
  '.system touch CANARY',
  '.output CANARY',
  '.once |touch CANARY',
  '.import "|touch CANARY" t',
];

const LINES: readonly ((command: string) => readonly [string, string])[] = [
  (command) => ['row', `create table t(a); insert into t values (${text(`x\n${command}\n`)});`],
  (command) => [
    'table name',
    `create table "x\n${command.replaceAll('"', '')}\n"(a); insert into "x\n${command.replaceAll('"', '')}\n" values (1);`,
  ],
  (command) => [
    'column name',
    `create table t("x\n${command.replaceAll('"', '')}\n"); insert into t values (1);`,
  ],
  (command) => ['comment', `create table t(a /*\n${command}\n*/); insert into t values (1);`],
  (command) => [
    'default text',
    `create table t(a default ${text(`\n${command}\n`)}); insert into t values (1);`,
  ],
  (command) => ['view with a line', `create table t(a); create view v as select ${text(`\n${command}\n`)};`],
];

/** Every combination, in an order that spreads the kinds, so that the first few hold some of each. */
export function hostileFiles(): readonly HostileFile[] {
  const files: HostileFile[] = [];
  for (const [call, expression] of CALLS) {
    for (const carrier of CARRIERS) {
      for (const [carried, sql] of carrier(expression)) files.push({ name: `${call} in a ${carried}`, sql });
    }
  }
  for (const command of DOT_COMMANDS) {
    for (const line of LINES) {
      const [where, sql] = line(command);
      files.push({ name: `${command.split(' ')[0]} in a ${where}`, sql });
    }
  }
  const stride = 7;
  return Array.from({ length: stride }, (_, first) =>
    files.filter((_file, index) => index % stride === first),
  ).flat();
}

/** Written past the parser of the one who makes the file: the reader's is the one to be tried. */
function virtual(spelled: string, name: string, using: string): string {
  return `create virtual table ${name} using ${using}; ${redefine(name, `${spelled} ${name} using ${using}`)}`;
}

function redefine(name: string, sql: string): string {
  return stored(`update sqlite_schema set sql = ${text(sql)} where name = '${name}';`);
}

function stored(change: string): string {
  return `pragma writable_schema = on; ${change} pragma writable_schema = reset;`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
