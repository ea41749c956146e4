import * as z from 'zod';
import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck, PreflightPlan } from '../restore.ts';
import { connectionSecrets, describeTarget } from './connection.ts';
import { adoptedCheck, adoptedQuery } from './in-place/adopted-preflight.ts';
import { inPlaceChecks, replacedQuery } from './in-place/preflight.ts';
import { liveChecks, liveRightsCheck, liveScript } from './live/preflight.ts';
import { explainPostgresRestore } from './restore-failures.ts';
import { jobsCheck, SPOOL_ROOM } from './restore-jobs.ts';
import {
  findPgRestore,
  literal,
  maintenanceLines,
  majorOf,
  pastedIdentifier,
  textArray,
} from './restore-lines.ts';
import { isOnHost, ROOM_OF, roomOf } from './restore-room.ts';
import { tableChecks } from './restore-tables.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';
import { READ_SYSTEM, readSystem, TELL_SYSTEM } from './server.ts';

/** Looks at server, programs, name, rights, room, and what the dump needs, before anything is made. */
export function preflightPostgres(target: PostgresRestoreTarget): PreflightPlan {
  return {
    command: { script: preflightScript(target), secrets: connectionSecrets(target) },
    read: (stdout) => readChecks(target, stdout),
    place: (stdout) => placeIn(target, stdout),
    explain: (failure) => explainPostgresRestore(target, failure),
  };
}

function preflightScript(target: PostgresRestoreTarget): string {
  return `${maintenanceLines(target)}
ask_server || exit
${findPgRestore(majorOf(target.clientVersion))}
printf 'bridgeport:psql=%s\\n' "$("$psql" --version)"
if find_pg_restore 2>/dev/null; then printf 'bridgeport:pg_restore=%s\\n' "$("$pg_restore" --version)"; fi
facts=$(ask ${quote(factsQuery(target))}) || exit
printf 'bridgeport:facts=%s\\n' "$facts"
${READ_SYSTEM}
${TELL_SYSTEM}
${target.inPlace ? `replaced=$(ask ${quote(replacedQuery(target, target.inPlace))}) || exit\nprintf 'bridgeport:replaced=%s\\n' "$replaced"` : ''}
${target.inPlace?.adopts ? `adopted=$(ask ${quote(adoptedQuery(target.inPlace.adopts))}) || exit\nprintf 'bridgeport:adopted=%s\\n' "$adopted"` : ''}
${target.live ? liveScript(target) : ''}
${target.jobs ? SPOOL_ROOM : ''}
${isOnHost(target.host) ? ROOM : ''}`;
}

/** Where the server is the host's own, and the user may know where its files are. */
const ROOM = `folder=$(ask 'SHOW data_directory' 2>/dev/null) &&
free=$(df -Pk "$folder" 2>/dev/null | ${ROOM_OF}) &&
printf 'bridgeport:free=%s\\n' "$free"
:`;

function factsQuery({ newName, needs }: PostgresRestoreTarget): string {
  return `SELECT pg_catalog.json_build_object(
    'version', pg_catalog.current_setting('server_version'),
    'isStandby', pg_catalog.pg_is_in_recovery(),
    'isTaken', EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(newName)}),
    'oid', (SELECT oid::pg_catalog.text FROM pg_catalog.pg_database WHERE datname = ${literal(newName)}),
    'user', CURRENT_USER,
    'mayCreate', (SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER),
    'roles', (SELECT pg_catalog.json_agg(needed.name) FROM pg_catalog.unnest(${textArray(needs?.roles ?? [])}) needed(name)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = needed.name::pg_catalog.name)),
    'extensions', (SELECT pg_catalog.json_agg(needed.name) FROM pg_catalog.unnest(${textArray(needs?.extensions ?? [])}) needed(name)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions e WHERE e.name = needed.name::pg_catalog.name)))`;
}

const factsShape = z.object({
  version: z.string(),
  isStandby: z.boolean(),
  isTaken: z.boolean(),
  oid: z.string().nullable(),
  user: z.string(),
  mayCreate: z.boolean().nullable(),
  roles: z.array(z.string()).nullable(),
  extensions: z.array(z.string()).nullable(),
});
type Facts = z.infer<typeof factsShape>;

/** Of one that goes into a database in use, that is told, too: another one of its name has other tables. */
function placeIn({ live }: PostgresRestoreTarget, stdout: string): string | null {
  const system = readSystem(stdout);
  if (!live) return system;
  const { oid = null } = factsOf(/^bridgeport:facts=(.*)$/m.exec(stdout)?.[1]) ?? {};
  return oid === null ? null : `${system ?? '-'} ${oid}`;
}

function readChecks(target: PostgresRestoreTarget, stdout: string): readonly PreflightCheck[] {
  const answers = new Map<string, string>();
  for (const [, name, value] of stdout.matchAll(/^bridgeport:(\w+)=(.*)$/gm)) {
    if (name !== undefined && value !== undefined) answers.set(name, value.trim());
  }
  const facts = factsOf(answers.get('facts'));
  if (facts === null) {
    throw new AppError(
      'dump_failed',
      `The look at ${describeTarget(target)} before the restore gave no usable answer.`,
      { details: { answer: stdout.slice(0, 500) } },
    );
  }
  const adopts = target.inPlace?.adopts;
  if (target.inPlace && adopts) {
    return [
      serverCheck(target, facts),
      ...inPlaceChecks(target, target.inPlace, answers.get('replaced') ?? ''),
      adoptedCheck(adopts, answers.get('adopted') ?? ''),
      rightsCheck(facts),
    ];
  }
  return [
    serverCheck(target, facts),
    target.format === 'custom' || target.format === 'tar'
      ? archiveCheck(target, answers.get('pg_restore'))
      : psqlCheck(answers.get('psql')),
    ...(target.live
      ? liveChecks(target, target.live, { is: answers.get('replaced') ?? '', holds: answers.get('live') })
      : target.inPlace
        ? inPlaceChecks(target, target.inPlace, answers.get('replaced') ?? '')
        : [nameCheck(target, facts)]),
    target.live ? liveRightsCheck(facts) : rightsCheck(facts),
    ...tableChecks(target),
    ...(target.jobs
      ? [jobsCheck(target, target.jobs, { spool: answers.get('spool'), server: answers.get('free') })]
      : []),
    // None is made for chosen tables.
    ...(target.tables ? [] : [needCheck(EXTENSIONS, target.needs?.extensions, facts.extensions)]),
    needCheck(ROLES, target.needs?.roles, facts.roles),
    roomCheck(target, answers.get('free')),
  ];
}

function factsOf(text: string | undefined): Facts | null {
  try {
    return factsShape.parse(JSON.parse(text ?? ''));
  } catch {
    return null;
  }
}

function serverCheck({ serverVersion, inPlace }: PostgresRestoreTarget, facts: Facts): PreflightCheck {
  const name = 'Server';
  if (facts.isStandby) {
    return { name, ok: false, says: 'The server is a standby and takes no changes. Restore to its primary.' };
  }
  if (inPlace?.adopts) return { name, ok: true, says: `PostgreSQL ${facts.version}.` };
  const dumped =
    serverVersion === null ? 'nobody knows of which version the dump is' : `the dump is of ${serverVersion}`;
  const isOlder = majorOf(facts.version) < majorOf(serverVersion);
  return {
    name,
    ok: true,
    ...(serverVersion === null ? { isUnknown: true } : {}),
    says: `PostgreSQL ${facts.version}; ${dumped}.${isOlder ? ' An older server may not know all that is in it: then the restore fails, and nothing is kept.' : ''}`,
  };
}

/** First minor that knows `\restrict`, and first whose `\unrestrict` runs no shell commands (CVE-2026-18408), by major version. */
const RESTRICTING: Readonly<Record<number, readonly [number, number]>> = {
  13: [22, 99],
  14: [19, 24],
  15: [14, 19],
  16: [10, 15],
  17: [6, 11],
  18: [0, 6],
};

function psqlCheck(found: string | undefined): PreflightCheck {
  const name = 'Programs';
  const version = versionIn(found);
  if (version === null) {
    return { name, ok: false, says: 'psql was not found on the host. Install postgresql-client there.' };
  }
  if (!knowsRestrict(version)) {
    return {
      name,
      ok: false,
      obstacle: 'version',
      says: `psql ${version} does not know \\restrict, which keeps a forged dump from running commands on the host. Install psql 14.24, 15.19, 16.15, 17.11, 18.6 or later on the host.`,
    };
  }
  const isSafe = minorOf(version) >= (RESTRICTING[majorOf(version)]?.[1] ?? 0);
  return {
    name,
    ok: true,
    says: isSafe
      ? `psql ${version}.`
      : `psql ${version}, whose lock against commands in a dump can be opened by a forged one; commands that are seen end the restore before they are sent. Update psql on the host when you can.`,
  };
}

function knowsRestrict(version: string | null): boolean {
  const major = majorOf(version);
  return major > 18 || minorOf(version) >= (RESTRICTING[major]?.[0] ?? Number.POSITIVE_INFINITY);
}

function archiveCheck({ clientVersion }: PostgresRestoreTarget, found: string | undefined): PreflightCheck {
  const name = 'Programs';
  const version = versionIn(found);
  if (version === null) {
    return {
      name,
      ok: false,
      says: 'pg_restore was not found on the host. Install postgresql-client there.',
    };
  }
  const isOlder = majorOf(version) < majorOf(clientVersion);
  return {
    name,
    ok: !isOlder,
    ...(isOlder ? { obstacle: 'version' as const } : {}),
    says: isOlder
      ? `pg_restore ${version} is older than the pg_dump that made the archive (${clientVersion}), and may not read it. Install postgresql-client-${majorOf(clientVersion)} on the host.`
      : `pg_restore ${version}.`,
  };
}

function nameCheck({ newName }: PostgresRestoreTarget, { isTaken }: Facts): PreflightCheck {
  return {
    name: 'Name',
    ok: !isTaken,
    says: isTaken
      ? `There is a database “${newName}” already. Choose another name.`
      : `There is no database “${newName}” yet.`,
  };
}

function rightsCheck({ user, mayCreate }: Facts): PreflightCheck {
  const name = 'Rights';
  if (mayCreate === true) return { name, ok: true, says: `User “${user}” may create databases.` };
  const command = `ALTER ROLE ${pastedIdentifier(user)} CREATEDB;`;
  const says = `User “${user}” may not create databases. Give another user for this restore, or have a superuser let it: ${command}`;
  return { name, ok: false, says, command };
}

const EXTENSIONS = {
  name: 'Extensions',
  obstacle: 'extension',
  advice: 'Install what is missing there.',
} as const;
const ROLES = { name: 'Roles', obstacle: 'role', advice: 'Create what is missing there.' } as const;

function needCheck(
  { name, obstacle, advice }: typeof EXTENSIONS | typeof ROLES,
  needed: readonly string[] | undefined,
  missing: readonly string[] | null,
): PreflightCheck {
  if (needed === undefined) {
    const says = 'Which ones the dump needs is not known: one that is missing ends it.';
    return { name, ok: true, isUnknown: true, says };
  }
  if (missing !== null && missing.length > 0) {
    return { name, ok: false, obstacle, says: `The server lacks ${missing.join(', ')}. ${advice}` };
  }
  return {
    name,
    ok: true,
    says: areThere(needed.length),
  };
}

function areThere(count: number): string {
  if (count === 0) return 'None are needed.';
  return count === 1 ? 'The one that is needed is there.' : `All ${count} are there.`;
}

const MIB = 1024 * 1024;

function roomCheck({ expectedBytes }: PostgresRestoreTarget, free: string | undefined): PreflightCheck {
  const name = 'Room';
  const room = roomOf(free);
  if (room === null) {
    const says = 'How much is free on the server can’t be seen from the host.';
    return { name, ok: true, isUnknown: true, says };
  }
  const { freeBytes } = room;
  const has = `${Math.floor(freeBytes / MIB)} MiB are free on the server`;
  if (expectedBytes === null) {
    return { name, ok: true, isUnknown: true, says: `${has}; how much is needed is not known.` };
  }
  const ok = freeBytes > expectedBytes;
  const needs = `about ${Math.ceil(expectedBytes / MIB)} MiB are needed`;
  return { name, ok, says: ok ? `${has}; ${needs}.` : `${has}, but ${needs}. Free some of it.` };
}

function versionIn(text: string | undefined): string | null {
  return /\d+(?:\.\d+|devel|beta\d+|rc\d+)*/.exec(text ?? '')?.[0] ?? null;
}

function minorOf(version: string | null): number {
  return Number(/^\d+\.(\d+)/.exec(version ?? '')?.[1] ?? 0);
}
