interface Grant {
  readonly isRevoked: boolean;
  readonly privileges: readonly string[];
  /** A pattern of database names as GRANT has it, or null for all. */
  readonly database: string | null;
  /** Null for all of the database's. */
  readonly table: string | null;
}

const NAME = '\\*|`(?:[^`]|``)*`';
const GRANT = new RegExp(`^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(${NAME})\\.(${NAME}) (?:TO|FROM) `);
/** A role that is granted; its own privileges follow with MariaDB, not with MySQL. */
const ROLE = /^GRANT [`'][^()]*? TO /;

/**
 * What a user lacks to see all of a database, by the lines of SHOW GRANTS; empty also where they can't tell. Each is
 * worded for a GRANT. Without TRIGGER and without any right to routines mysqldump leaves those out silently, and with
 * rights to some tables only, the others (measured with MariaDB 10.11); routines that are seen but not readable make it
 * fail by itself.
 */
export function missingPrivileges(lines: readonly string[], server: GrantsOf): readonly string[] {
  const held = heldBy(lines, server);
  if (held === null) return [];
  const { has, everywhere, grants } = held;
  const seesRoutines =
    ['EXECUTE', 'ALTER ROUTINE', 'CREATE ROUTINE', 'SHOW CREATE ROUTINE'].some(has) ||
    allows(everywhere, 'SELECT') ||
    allows(everywhere, 'SHOW_ROUTINE') ||
    grants.some((grant) => isProc(grant) && allows([grant], 'SELECT'));
  return [
    ...['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'].filter((privilege) => !has(privilege)),
    ...(seesRoutines
      ? []
      : [server.isMariadb ? 'SELECT on mysql.proc (for routines)' : 'SHOW_ROUTINE on *.* (for routines)']),
  ];
}

const MAKES = [
  ...['CREATE', 'DROP', 'ALTER', 'INDEX', 'INSERT', 'SELECT', 'REFERENCES', 'CREATE VIEW', 'SHOW VIEW'],
  ...['CREATE ROUTINE', 'ALTER ROUTINE', 'TRIGGER', 'EVENT'],
];
/** Any of them lets a user make what runs as another; the first is SUPER's old name for it all. */
const GIVES = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'];

/** What a user lacks to make a database of that name and all that a dump may hold; empty also where the lines can't tell. */
export function missingToRestore(lines: readonly string[], server: GrantsOf): readonly string[] {
  const held = heldBy(lines, server);
  return held === null ? [] : MAKES.filter((privilege) => !held.has(privilege));
}

/** Whether the user may make views, triggers, routines and events that run as somebody else; null where the lines can't tell. */
export function mayGiveAway(lines: readonly string[], server: GrantsOf): boolean | null {
  const held = heldBy(lines, server);
  return held === null ? null : GIVES.some((privilege) => allows(held.everywhere, privilege));
}

export interface GrantsOf {
  readonly database: string;
  readonly isMariadb: boolean;
  /** Names of databases are the same in upper and lower case (lower_case_table_names). */
  readonly isFolded: boolean;
}

/** Null where the lines can't tell: roles of MySQL. */
function heldBy(lines: readonly string[], { database, isMariadb, isFolded }: GrantsOf) {
  const grants = lines.flatMap(parseGrant);
  if (grants.length === 0 || (!isMariadb && lines.some((line) => ROLE.test(line)))) return null;
  const everywhere = grants.filter((grant) => grant.database === null && grant.table === null);
  const here = grants.filter(
    ({ database: pattern, table }) =>
      pattern !== null && table === null && matches(pattern, database, isFolded),
  );
  const has = (privilege: string): boolean =>
    allows([...everywhere, ...here], privilege) &&
    !here.some(({ isRevoked, privileges }) => isRevoked && privileges.includes(privilege));
  return { grants, everywhere, has };
}

function parseGrant(line: string): readonly Grant[] {
  const [, verb, list = '', database = '', table = ''] = GRANT.exec(line) ?? [];
  if (verb === undefined) return [];
  // Privileges to single columns, `SELECT (a, b)`, are none to the table.
  const privileges = list
    .replaceAll(/[A-Z ]+\([^)]*\)/g, '')
    .split(',')
    .map((name) => name.trim());
  return [{ isRevoked: verb === 'REVOKE', privileges, database: nameOf(database), table: nameOf(table) }];
}

function nameOf(text: string): string | null {
  return text === '*' ? null : text.slice(1, -1).replaceAll('``', '`');
}

function allows(grants: readonly Grant[], privilege: string): boolean {
  return grants.some(
    ({ isRevoked, privileges }) =>
      !isRevoked && (privileges.includes(privilege) || privileges.includes('ALL PRIVILEGES')),
  );
}

function isProc({ database, table }: Grant): boolean {
  return database === 'mysql' && (table === null || table === 'proc');
}

/** In the name of a database, GRANT knows `%`, `_` and their escape by a backslash. */
function matches(pattern: string, name: string, isFolded: boolean): boolean {
  const source = pattern.replaceAll(/\\?./gsu, (part) => {
    if (part === '%') return '.*';
    if (part === '_') return '.';
    const character = part.length > 1 && part.startsWith('\\') ? part.slice(1) : part;
    return character.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, isFolded ? 'isu' : 'su').test(name);
}
