import { AppError } from '../../errors.ts';
import type { Looked, LookPlan } from '../engine.ts';
import { connectionLines, connectionSecrets, describeTarget, type MysqlTarget } from './connection.ts';
import { explainMysql, limitedRows } from './failures.ts';
import { missingPrivileges } from './grants.ts';
import { replicaWarnings, TELL_REPLICA } from './replica.ts';
import { COUNT_WIDE, HAS_NO_TRANSACTIONS, NO_LIMIT } from './tables.ts';
import { toolLines } from './tools.ts';

/** Asks the server for its version, the database's size and what the user may read. */
export function lookAtMysql(target: MysqlTarget): LookPlan {
  return {
    command: { script: lookScript(target), secrets: connectionSecrets(target) },
    read: (stdout) => readLook(target, stdout),
    explain: (failure) => explainMysql(target, failure),
  };
}

// A word of our own before each answer: a login script of the host may print, too. MariaDB's grants hold the hash of
// the password, which is nobody's business.
function lookScript(target: MysqlTarget): string {
  return `${connectionLines(target)}
${toolLines(target)}
choose_tools && refuse_plain || { tell_tls; exit; }
printf 'bridgeport:client=%s\\n' "$dump_version"
ask "SELECT CONCAT('bridgeport:server=', VERSION());
SELECT CONCAT('bridgeport:size=', COALESCE(SUM(DATA_LENGTH), 0)) FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW';
SELECT CONCAT('bridgeport:most=', @@sql_select_limit);
SELECT CONCAT('bridgeport:folded=', @@lower_case_table_names);
SELECT CONCAT('bridgeport:locked=', COUNT(*)) FROM information_schema.TABLES WHERE ${HAS_NO_TRANSACTIONS};
SELECT CONCAT('bridgeport:float=', COUNT(*)) FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'float';
SELECT CONCAT('bridgeport:wide=', (${COUNT_WIDE}));
SELECT CONCAT('bridgeport:endless=', COUNT(*)) FROM information_schema.EVENTS
  WHERE EVENT_SCHEMA = DATABASE() AND EVENT_DEFINITION LIKE '%;;%'" || exit
grants=$(ask "SET SESSION sql_mode = ''; SHOW GRANTS") || exit
printf '%s\\n' "$grants" | sed 's/ IDENTIFIED .*//; s/^/bridgeport:grant=/'
${TELL_REPLICA}`;
}

function readLook(target: MysqlTarget, stdout: string): Looked {
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
  const [most] = all('most');
  if (most !== undefined && !NO_LIMIT.includes(most))
    throw new AppError('dump_refused', limitedRows(describeTarget(target), most));
  const isFolded = !['', '0'].includes(all('folded')[0] ?? '');
  refuseMissing(target, { serverVersion, isFolded, grants: all('grant') });
  const size = Number(all('size')[0] || Number.NaN);
  return {
    serverVersion,
    clientVersion,
    estimatedBytes: Number.isSafeInteger(size) ? size : null,
    warnings: [
      ...Object.entries(WARNINGS).flatMap(([name, text]) => {
        const count = Number(all(name)[0] ?? 0);
        return count > 0 ? [text(count)] : [];
      }),
      ...replicaWarnings(all('replica')),
    ],
  };
}

const WARNINGS: Readonly<Record<string, (count: number) => string>> = {
  locked: (count) =>
    `Tables without transactions (MyISAM, Aria, MEMORY): ${count}. All tables are locked against writers for as long as the dump takes, uploading included. ALTER TABLE … ENGINE=InnoDB avoids that.`,
  float: (count) =>
    `Columns of type FLOAT: ${count}. The dump tools write six digits of them, so that a restore loses the rest. DOUBLE is restored exactly.`,
  wide: (count) =>
    `Tables whose rows may be wider than innodb_strict_mode allows: ${count}. A restore in strict mode, the default, stops there with ERROR 1118. Restore with --init-command="SET SESSION innodb_strict_mode=OFF", as the page on backup and restore shows.`,
  endless: (count) =>
    `Events with ";;" in their body: ${count}. mariadb-dump 10.11 never ends at one. Write them without it.`,
};

/** `Ver 10.19 Distrib 10.11.6-MariaDB`, `from 11.4.2-MariaDB`, `Ver 8.0.36 for Linux`: the program's own is the server's. */
function versionOf(text: string): string | null {
  return /(?:Distrib|from) (\d[\w.-]*)/.exec(text)?.[1] ?? /Ver (\d[\w.-]*)/.exec(text)?.[1] ?? null;
}

/** mysqldump leaves out what its user may not see, most of it without a word: triggers, routines, tables. */
function refuseMissing(
  target: MysqlTarget,
  {
    serverVersion,
    isFolded,
    grants,
  }: { serverVersion: string; isFolded: boolean; grants: readonly string[] },
): void {
  const missing = missingPrivileges(grants, {
    database: target.databaseName ?? '',
    isMariadb: serverVersion.includes('MariaDB'),
    isFolded,
  });
  if (missing.length === 0) return;
  throw new AppError(
    'dump_refused',
    `The user of ${describeTarget(target)} may not see all of it, and the dump would lack what it can't see. Missing: ` +
      `${missing.join('; ')}. Grant them, as the page on databases shows.`,
    { details: { missing } },
  );
}
