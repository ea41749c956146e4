import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck, PreflightPlan, RestoreTarget } from '../restore.ts';
import { ROOM_SCRIPT, roomCheck } from '../room.ts';
import { connectionLines, connectionSecrets, describeTarget, type MysqlTarget } from './connection.ts';
import { mayGiveAway, missingToRestore } from './grants.ts';
import { readPlace, TELL_PLACE } from './place.ts';
import { explainMysqlRestore } from './restore-failures.ts';
import { isMariadb, versionOf } from './server-version.ts';
import { toolLines } from './tools.ts';

/** Asks the server what a restore into a new database needs; nothing is made. `target` connects to no database of anybody. */
export function preflightMysql(target: MysqlTarget, restore: RestoreTarget): PreflightPlan {
  return {
    command: {
      script: `${connectionLines(target)}\n${toolLines(target)}\n${preflightScript(restore.newName)}`,
      secrets: connectionSecrets(target),
    },
    read: (stdout) => readChecks(target, restore, stdout),
    place: readPlace,
    explain: (failure) => explainMysqlRestore(target, failure),
  };
}

/** The folder of the server's files counts only where the server is this very machine. */
function preflightScript(newName: string): string {
  const hex = [...new TextEncoder().encode(newName)].map((byte) => byte.toString(16).padStart(2, '0'));
  const name = `CONVERT(X'${hex.join('')}' USING utf8mb4)`;
  const questions = `SELECT CONCAT('bridgeport:server=', VERSION());
SELECT CONCAT('bridgeport:folded=', @@lower_case_table_names);
SELECT CONCAT('bridgeport:taken=', COUNT(*)) FROM information_schema.SCHEMATA
WHERE IF(@@lower_case_table_names = 0, BINARY SCHEMA_NAME = BINARY ${name}, LOWER(SCHEMA_NAME) = LOWER(${name}));
SELECT CONCAT('bridgeport:user=', CURRENT_USER());
${TELL_PLACE}`;
  return `choose_tools && refuse_plain || { tell_tls; exit; }
printf 'bridgeport:client=%s\\n' "$("$client" --no-defaults --version)"
ask ${quote(questions)} || exit
grants=$(ask "SET SESSION sql_mode = ''; SHOW GRANTS") || exit
printf '%s\\n' "$grants" | sed 's/ IDENTIFIED .*//; s/^/bridgeport:grant=/'
place=$(ask 'SELECT @@datadir') machine=$(ask 'SELECT @@hostname')
if [ "$machine" = "$(uname -n)" ] && [ -d "$place" ]; then
  ${ROOM_SCRIPT}
fi
exit 0`;
}

function readChecks(
  target: MysqlTarget,
  { newName, serverVersion: dumped, expectedBytes }: RestoreTarget,
  stdout: string,
): readonly PreflightCheck[] {
  const answers = [...stdout.matchAll(/^bridgeport:(\w+)=(.*)$/gm)];
  const all = (wanted: string) =>
    answers.flatMap(([, name, value]) => (name === wanted ? [value ?? ''] : []));
  const [[server], [client], [taken]] = [all('server'), all('client'), all('taken')];
  if (!server || !client || taken === undefined) {
    throw new AppError(
      'dump_failed',
      `Looking at ${describeTarget(target)} before the restore gave no usable answer.`,
    );
  }
  const isFolded = !['', '0'].includes(all('folded')[0] ?? '');
  const of = { database: newName, isMariadb: isMariadb(server), isFolded };
  const missing = missingToRestore(all('grant'), of);
  return [
    { name: 'Programs', ok: true, says: `The client of the host is ${versionOf(client) ?? client}.` },
    versionCheck(server, dumped),
    taken === '0'
      ? { name: 'Name', ok: true, says: `There is no database “${newName}” yet.` }
      : {
          name: 'Name',
          ok: false,
          says: `There is a database “${newName}” already. Take another name; nothing is ever overwritten.`,
        },
    missing.length === 0
      ? {
          name: 'Rights',
          ok: true,
          says: `${all('user')[0] ?? 'The user'} may make a database and all in it.`,
        }
      : {
          name: 'Rights',
          ok: false,
          says: `${all('user')[0] ?? 'The user'} lacks ${missing.join(', ')} on “${newName}”. Grant them, or type a user who has them.`,
        },
    ...(mayGiveAway(all('grant'), of) === false ? [CAN_NOT_GIVE] : []),
    ...roomCheck(stdout, expectedBytes),
    {
      name: 'Events',
      ok: true,
      says: 'Events are restored switched off, so that none does a second time what the original does.',
    },
  ];
}

const CAN_NOT_GIVE: PreflightCheck = {
  name: 'Definers',
  ok: true,
  says: 'This user may make views, triggers, routines and events of its own alone: with others in the dump the restore stops there, and nothing stays. A user with SET USER (MariaDB), SET_ANY_DEFINER (MySQL) or SUPER may.',
};

function versionCheck(server: string, dumped: string | null): PreflightCheck {
  const name = 'Server';
  const there = `${isMariadb(server) ? 'MariaDB' : 'MySQL'} ${versionOf(server) ?? server}`;
  if (dumped === null) {
    return { name, ok: true, isUnknown: true, says: `It is ${there}; what was dumped is not known.` };
  }
  const here = `${isMariadb(dumped) ? 'MariaDB' : 'MySQL'} ${versionOf(dumped) ?? dumped}`;
  if (isMariadb(server) !== isMariadb(dumped)) {
    return {
      name,
      ok: false,
      obstacle: 'version',
      says: `It is ${there}, and the dump is of ${here}: one does not know all that the other writes. Choose a server of the dump's own kind.`,
    };
  }
  return isOlder(server, dumped)
    ? {
        name,
        ok: true,
        says: `It is ${there}, older than the ${here} that was dumped: it may refuse what it does not know, and then nothing stays.`,
      }
    : { name, ok: true, says: `It is ${there}, and the dump is of ${here}.` };
}

function isOlder(one: string, other: string): boolean {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [numbersOf(one), numbersOf(other)];
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

function numbersOf(version: string): readonly number[] {
  return (versionOf(version) ?? '').split('.').map(Number);
}
