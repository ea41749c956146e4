import { quote } from '../../hosts/quote.ts';

/** Behind `maintenanceLines`: sets `system`, empty where the user may not read it. */
export const READ_SYSTEM = `system=$(ask 'SELECT system_identifier FROM pg_catalog.pg_control_system()' 2>/dev/null) || system=`;

/** Behind `READ_SYSTEM`: prints what `readSystem` reads. */
export const TELL_SYSTEM = `printf 'bridgeport:system=%s\\n' "$system"`;

/** Null where the user may not read it. */
export function readSystem(stdout: string): string | null {
  return /^bridgeport:system=(\d{1,20})$/m.exec(stdout)?.[1] ?? null;
}

/** Behind `maintenanceLines`: ends the script, with these words, unless this is known to be the server on which it was made. */
export function requireSystem(madeIn: string | null | undefined, words = 'made on another server'): string {
  if (!/^\d{1,20}$/.test(madeIn ?? '')) return ':';
  return `${READ_SYSTEM}
[ "$system" = ${madeIn} ] || { echo 'bridgeport: ${words}' >&2; exit 69; }`;
}

/**
 * A server that is asked again: its system identifier where the user may read it; and for every user when it was started, and since when it
 * counts, which only a crash begins anew. One that is the same says that it is the same server; others say nothing.
 */
interface ToldServer {
  readonly system: string | null;
  readonly startedAt: string;
  readonly countsSince: string | null;
}

const INSTANT = (of: string) => `pg_catalog.to_char(${of} AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')`;
const READ_INSTANTS = `SELECT pg_catalog.concat_ws(' ', ${INSTANT('pg_catalog.pg_postmaster_start_time()')},
  (SELECT coalesce(${INSTANT('stats_reset')}, '-') FROM pg_catalog.pg_stat_bgwriter))`;

/** Behind `READ_SYSTEM`: prints what `readServer` reads. */
export const TELL_SERVER = `printf 'bridgeport:server=%s %s\\n' "\${system:--}" "$(ask ${quote(READ_INSTANTS)} 2>/dev/null)"`;

const SERVER = String.raw`(\d{1,20}|-) (\d{20,22}) (\d{20,22}|-)`;

/** As it is recorded; null where there is nothing. */
export function readServer(stdout: string): string | null {
  return new RegExp(`^bridgeport:server=(${SERVER})$`, 'm').exec(stdout)?.[1] ?? null;
}

function serverIn(recorded: string | null): ToldServer | undefined {
  const [, system = '-', startedAt, since = '-'] = new RegExp(`^${SERVER}$`).exec(recorded ?? '') ?? [];
  if (startedAt === undefined) return undefined;
  return { system: system === '-' ? null : system, startedAt, countsSince: since === '-' ? null : since };
}

/** Behind `READ_SYSTEM`: ends the script well where this is known to be that server; goes on where it is another, or nobody can tell. */
export function exitOnServer(recorded: string | null): string {
  const told = serverIn(recorded);
  if (told === undefined) return ':';
  const { system, startedAt, countsSince } = told;
  const patterns = [`"${startedAt} "*`, ...(countsSince === null ? [] : [`*" ${countsSince}"`])].join(' | ');
  return `${system === null ? '' : `[ "$system" != ${system} ] || exit 0\n`}case $(ask ${quote(READ_INSTANTS)} 2>/dev/null) in ${patterns}) exit 0 ;; esac`;
}
