import { AppError } from '../errors.ts';
import type { Probe, ProbePlan } from './engine.ts';
import { connectionLines, connectionSecrets, describeTarget, type MysqlTarget } from './mysql-connection.ts';
import { explainMysql } from './mysql-failures.ts';
import { missingPrivileges } from './mysql-grants.ts';
import { MYSQL_TOOLS } from './mysql-tools.ts';

/** Asks the server for its version, the database's size and what the user may read. */
export function probeMysql(target: MysqlTarget): ProbePlan {
  return {
    command: { script: probeScript(target), secrets: connectionSecrets(target) },
    read: (stdout) => readProbe(target, stdout),
    explain: (failure) => explainMysql(target, failure),
  };
}

/** The tools for this target, as a dump needs them, too. */
export function toolLines(target: MysqlTarget): string {
  return `require_tls=${target.options.useSsl ? '1' : ''}\n${MYSQL_TOOLS}`;
}

// A word of our own before each answer: a login script of the host may print, too. MariaDB's grants hold the hash of
// the password, which is nobody's business.
function probeScript(target: MysqlTarget): string {
  return `${connectionLines(target)}
${toolLines(target)}
choose_tools && refuse_plain || exit
printf 'bridgeport:client=%s\\n' "$("$dump_tool" --no-defaults --version)"
ask "SELECT CONCAT('bridgeport:server=', VERSION());
SELECT CONCAT('bridgeport:size=', COALESCE(SUM(DATA_LENGTH), 0)) FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW'" || exit
ask "SET SESSION sql_mode = ''; SHOW GRANTS" | sed 's/ IDENTIFIED .*//; s/^/bridgeport:grant=/'`;
}

function readProbe(target: MysqlTarget, stdout: string): Probe {
  const answers = [...stdout.matchAll(/^bridgeport:(\w+)=(.*)$/gm)];
  const all = (wanted: string) =>
    answers.flatMap(([, name, value]) => (name === wanted ? [value ?? ''] : []));
  const [serverVersion] = all('server');
  const clientVersion = versionOf(all('client')[0] ?? '');
  if (!serverVersion || clientVersion === null) {
    throw new AppError(
      'dump_failed',
      `Asking ${describeTarget(target)} for its version gave no usable answer.`,
    );
  }
  refuseMissing(target, serverVersion, all('grant'));
  const size = Number(all('size')[0] || Number.NaN);
  return { serverVersion, clientVersion, estimatedBytes: Number.isSafeInteger(size) ? size : null };
}

/** `Ver 10.19 Distrib 10.11.6-MariaDB`, `from 11.4.2-MariaDB`, `Ver 8.0.36 for Linux`: the program's own is the server's. */
function versionOf(text: string): string | null {
  return /(?:Distrib|from) (\d[\w.-]*)/.exec(text)?.[1] ?? /Ver (\d[\w.-]*)/.exec(text)?.[1] ?? null;
}

/** mysqldump leaves out what its user may not see, most of it without a word: triggers, routines, tables. */
function refuseMissing(target: MysqlTarget, serverVersion: string, grants: readonly string[]): void {
  const isMariadb = serverVersion.includes('MariaDB');
  const missing = missingPrivileges(grants, target.databaseName ?? '', isMariadb);
  if (missing.length === 0) return;
  throw new AppError(
    'dump_refused',
    `The user of ${describeTarget(target)} may not see all of it, and the dump would lack what it can't see. Missing: ` +
      `${missing.join('; ')}. Grant them, as the page on databases shows.`,
    { details: { missing } },
  );
}
