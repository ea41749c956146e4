import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import { bytesIn } from '../end-proof/postgres-encoding.ts';
import type { CountedTable, CountPlan, RestorePlan } from '../restore.ts';
import { newArchiveGuard } from './archive-guard.ts';
import { newCommandGuard } from './command-guard.ts';
import { connectionSecrets } from './connection.ts';
import { oid } from './identity.ts';
import { adoptScript, giveBackScript } from './in-place/adopt.ts';
import { swapPostgres } from './in-place/in-place.ts';
import { keepReplaced, refuseSwapped, refuseUnknown, trySettings } from './in-place/restore-beside.ts';
import { restoreLive } from './live/live.ts';
import { isNamedPostgres, madeByPostgres, refuseRenamed, requireOwnServer } from './made.ts';
import { explainPostgresRestore } from './restore-failures.ts';
import { loadByJobs, spoolLines } from './restore-jobs.ts';
import {
  endOwnSessions,
  findPgRestore,
  identifier,
  insideLines,
  literal,
  maintenanceLines,
  majorOf,
  WITHOUT_TIMEOUTS,
} from './restore-lines.ts';
import { preflightPostgres } from './restore-preflight.ts';
import { type PostgresRestoreTarget, workName } from './restore-target.ts';
import { requireSystem } from './server.ts';
import { IN_USE, PSQL_SETTINGS } from './tools.ts';

const MOST_NAME_BYTES = 63;

/**
 * Restores into a new database, under a name that nobody knows until it is whole, and then renames it: so that there is never half a
 * database under the name that was asked for. All of it happens in one transaction, but for an archive that several jobs load. Throws
 * `invalid` for a name that no database can have.
 */
export function restorePostgres(target: PostgresRestoreTarget): RestorePlan {
  checkName(target.newName);
  if (target.live) {
    const { newName } = target;
    return {
      ...restoreLive(target, target.live),
      preflight: preflightPostgres(target),
      count: countRows(target, newName),
    };
  }
  const adopts = target.inPlace?.adopts;
  const isPlain = target.format !== 'custom' && target.format !== 'tar';
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  const encoder = new TextEncoder();
  return {
    preflight: preflightPostgres(target),
    create: command(adopts ? adoptScript(target, adopts) : createScript(target)),
    load: command(isPlain ? loadPlain(target) : loadArchive(target)),
    before: encoder.encode(isPlain ? 'BEGIN;\n' : ''),
    after: encoder.encode(isPlain ? 'COMMIT;\n' : ''),
    newGuard: (isInTransaction) =>
      isPlain
        ? newCommandGuard(isInTransaction)
        : newArchiveGuard(target.format === 'tar' ? 'tar' : 'custom'),
    count: countRows(target, workName(target)),
    check: command(
      `${maintenanceLines(target)}\nPGDATABASE=${workName(target)}; sql --command=${quote(WITHOUT_TIMEOUTS)} --command=ANALYZE >/dev/null`,
    ),
    finish: target.inPlace ? null : command(finishScript(target)),
    ...(target.inPlace ? { swap: swapPostgres(target, target.inPlace) } : besideOf(target)),
    remove: command(
      adopts && target.inPlace ? giveBackScript(target, adopts, target.inPlace) : removeScript(target),
    ),
    explain: (failure) => explainPostgresRestore(target, failure),
  };
}

function besideOf(target: PostgresRestoreTarget): Pick<RestorePlan, 'made' | 'isNamed'> {
  const isNamed = target.made ? isNamedPostgres(target, target.made) : undefined;
  return { made: madeByPostgres(target), ...(isNamed && { isNamed }) };
}

function checkName(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  if (name !== '' && bytes <= MOST_NAME_BYTES && !name.includes('\0')) return;
  const why = name === '' ? 'is missing' : `has ${bytes} bytes; PostgreSQL takes ${MOST_NAME_BYTES} at most`;
  throw new AppError('invalid', `The name of the new database ${why}. Choose another.`, {
    details: { field: 'newName' },
  });
}

/**
 * Of template0, which nobody has put anything into, with encoding and locale of the database that was dumped where it is on the same
 * server; with owner and tablespace, too, of the one that it is to replace.
 */
function createScript(target: PostgresRestoreTarget): string {
  return `${maintenanceLines(target)}
statement=$(ask ${quote(createStatement(target))}) || exit
sql --command="$statement"${target.inPlace ? ` || exit\n${trySettings(target)}` : ''}`;
}

/** Gives the statement that makes it. `to_jsonb` knows no column that a server's version has not. */
function createStatement(target: PostgresRestoreTarget): string {
  const work = literal(workName(target));
  const replaced = target.inPlace
    ? `|| pg_catalog.format(' OWNER %I TABLESPACE %I', pg_catalog.pg_get_userbyid(d.datdba),
      (SELECT spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = d.dattablespace))`
    : '';
  return `SELECT coalesce((
  SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', ${work},
    pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
    || CASE j.j->>'datlocprovider'
      WHEN 'c' THEN ' LOCALE_PROVIDER libc'
      WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j.j->>'datlocale', j.j->>'daticulocale'))
        || coalesce(pg_catalog.format(' ICU_RULES %L', j.j->>'daticurules'), '')
      WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j.j->>'datlocale')
      ELSE '' END ${replaced}
  FROM pg_catalog.pg_database d, LATERAL (SELECT pg_catalog.to_jsonb(d) AS j) j
  WHERE d.datname = ${literal((target.inPlace ? target.newName : target.databaseName) ?? '')}
), pg_catalog.format('CREATE DATABASE %I TEMPLATE template0', ${work}))`;
}

function loadPlain(target: PostgresRestoreTarget): string {
  return `${insideLines(target, workName(target))}
loading "$psql" --no-psqlrc --no-password --quiet ${PSQL_SETTINGS} --output=/dev/null --file=-`;
}

function loadArchive(target: PostgresRestoreTarget): string {
  const work = workName(target);
  return `${insideLines(target, work)}
${findPgRestore(majorOf(target.clientVersion))}
{ ask_server && find_pg_restore${makeSchemas(target)}; } </dev/null || exit
${
  target.jobs
    ? loadByJobs(target, target.jobs, `--dbname=${work}${only(target)}`)
    : `loading "$pg_restore" --single-transaction --exit-on-error --no-password --dbname=${work}${only(target)}${target.tables ? READ_ON : ''}`
}`;
}

/** It ends with the last table that was chosen, and the rest of the archive is still to be proven. */
const READ_ON = ' || exit\ncat >/dev/null';

/** Those that tables were chosen of: pg_restore makes none for them. */
function makeSchemas({ tables }: PostgresRestoreTarget): string {
  if (!tables) return '';
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  // Nothing of a schema that is there already: pg_restore has the next word, and tells no SQLSTATE.
  const commands = [
    'SET client_min_messages = error',
    ...schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`),
  ].map(quote);
  return ` && ( export PGCLIENTENCODING=UTF8; sql ${commands.map((command) => `--command=${command}`).join(' ')} )`;
}

/**
 * It takes names as they are, without patterns, and restores what is of one of the schemas and one of the names. Row security and
 * policies are not among that, so grants must not be, either: who sees some rows of it would see them all.
 */
function only({ tables, encoding }: PostgresRestoreTarget): string {
  if (!tables) return '';
  const word = (text: string) => wordIn(encoding, text);
  const schemas = [...new Set(tables.map(({ schema }) => schema))].map((schema) => `--schema=${schema}`);
  const names = [...new Set(tables.map(({ name }) => name))].map((name) => `--table=${name}`);
  return ` --strict-names --no-owner --no-privileges ${[...schemas, ...names].map(word).join(' ')}`;
}

/** A word of the shell in the encoding of the archive, in which pg_restore compares names byte for byte. */
function wordIn(encoding: string | undefined, text: string): string {
  if (encoding === undefined || /^[\0-\x7f]*$/.test(text)) return quote(text);
  const pieces = text.split(/([^\0-\x7f]+)/).map((piece, index) => {
    if (index % 2 === 0) return quote(piece);
    const bytes = bytesIn(encoding, piece);
    if (bytes !== undefined) {
      const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
      return `"$(printf ${quote(octal)})"`;
    }
    throw new AppError(
      'invalid',
      `The name of a chosen table can’t be given to pg_restore in ${encoding}, the encoding of the backup: only ASCII in it could. Restore all of it.`,
      { details: { field: 'tables' } },
    );
  });
  return pieces.join('');
}

/**
 * Every table that a dump may have rows of or defines, counted in one query: a partitioned one has none by itself. The
 * function is the session's own and lasts as long.
 */
export function countRows(target: PostgresRestoreTarget, databaseName: string): CountPlan {
  const script = `${insideLines(target, databaseName)}
export PGCLIENTENCODING=UTF8
sql --command=${quote(COUNT_FUNCTION)} --command=${quote(COUNT_TABLES)} --command="SELECT 'bridgeport:end'"`;
  return { command: { script, secrets: connectionSecrets(target) }, read: readCounts };
}

const COUNT_FUNCTION = `CREATE FUNCTION pg_temp.bridgeport_count(pg_catalog.oid) RETURNS bigint LANGUAGE plpgsql AS $count$
DECLARE found bigint;
BEGIN
  EXECUTE 'SELECT pg_catalog.count(*) FROM ONLY ' || $1::pg_catalog.regclass INTO found;
  RETURN found;
END $count$`;

const COUNT_TABLES = String.raw`SELECT 'bridgeport:' || pg_catalog.json_build_array(n.nspname, c.relname, pg_temp.bridgeport_count(c.oid),
  EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND e.objid = c.oid AND e.deptype = 'e'))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1`;

function readCounts(stdout: string): readonly CountedTable[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('bridgeport:'));
  if (lines.pop() !== 'bridgeport:end') {
    throw new AppError('dump_failed', 'Counting the rows of the restored database gave no usable answer.', {
      details: { answer: stdout.slice(0, 500) },
    });
  }
  return lines.map((line) => {
    const [schema, name, rows, isOfExtension]: unknown[] = JSON.parse(line.slice('bridgeport:'.length));
    return {
      schema: String(schema),
      name: String(name),
      rows: Number(rows),
      isOfExtension: isOfExtension === true,
    };
  });
}

/** The last session of the counting may take a moment to leave. */
function finishScript(target: PostgresRestoreTarget): string {
  const work = workName(target);
  return `${maintenanceLines(target)}
${EXISTS}
if exists ${quote(literal(work))}; then
  ( PGDATABASE=${work}; sql --command=${quote(WITHOUT_TIMEOUTS)} --command=ANALYZE ) >/dev/null || exit
  tries=0
  until said=$(sql --command=${quote(`ALTER DATABASE ${work} RENAME TO ${identifier(target.newName)}`)} 2>&1); do
    tries=$((tries + 1))
    case $said in ${IN_USE}) [ "$tries" -lt 10 ] && sleep 1 && continue ;; esac
    printf '%s\\n' "$said" >&2
    exit 3
  done
elif ! exists ${quote(`${literal(target.newName)}${target.made ? ` AND oid = ${oid(target.made)}` : ''}`)}; then
  echo 'bridgeport: the restored database is gone' >&2
  exit 65
else
  ${requireOwnServer(target)}
fi`;
}

/**
 * Ends its own sessions there, and one that still makes it: a server goes on with a CREATE DATABASE whose client is gone. Nothing
 * else has that name. The archive of several jobs goes first: the server may be down for want of the room that it takes.
 */
function removeScript(target: PostgresRestoreTarget): string {
  const work = workName(target);
  return `${target.jobs ? `${spoolLines(target)}\nremove_spool` : ''}
${maintenanceLines(target)}
${endOwnSessions(work)}
${target.inPlace ? keepReplaced(target, target.inPlace) : ''}
tries=0
until said=$(sql --command='DROP DATABASE ${work}' 2>&1); do
  tries=$((tries + 1))
  case $said in *':  3D000: '*)
    ${requireSystem(target.madeIn)}
    ${refuseUnknown(target)}
    ${refuseRenamed(target)}
    break
    ;;
  ${IN_USE}) [ "$tries" -lt 10 ] && sleep 1 && continue ;; esac
  printf '%s\\n' "$said" >&2
  exit 3
done
${refuseSwapped(target)}
${target.jobs ? REMOVE_SPOOL : ''}`;
}

/** Once more, behind the end of the sessions: a load that had only begun may have made it meanwhile. */
const REMOVE_SPOOL = `remove_spool || { printf 'bridgeport: the archive is still there: %s\\n' "$spool" >&2; exit 68; }`;

/** `exists LITERAL`: whether there is a database of that name. Fails the script where it can't be told. */
const EXISTS = `exists() {
  there=$(ask "SELECT pg_catalog.count(*) FROM pg_catalog.pg_database WHERE datname = $1") || exit
  [ "$there" = 1 ]
}`;
