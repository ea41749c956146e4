import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck } from '../restore.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** Where hosts keep what is large and for a while. */
const PLACE = '/var/tmp';

/** Of one restore alone: its name is known before it is made. */
function folderOf({ token }: PostgresRestoreTarget): string {
  return `${PLACE}/bp_restore_${token}`;
}

/**
 * Shell lines that load an archive by several jobs at once, behind those that set `$pg_restore`: it reads no pipe then, so the archive lies
 * in a file meanwhile, of which it sees nothing before the end was sent, and so before all of it is proven. Each job connects by itself, so
 * that a given authority lies in a file, too.
 */
export function loadByJobs(target: PostgresRestoreTarget, jobs: number, more: string): string {
  const { tlsMode, tlsCa } = target.options;
  const isGiven = tlsMode === 'verify' && tlsCa !== null;
  return `umask 077
spool=${quote(folderOf(target))}
mkdir -- "$spool" && [ -O "$spool" ] || { echo 'bridgeport: no folder for the archive' >&2; exit 66; }
cat >"$spool/archive" || { echo 'bridgeport: no room for the archive' >&2; exit 66; }
${isGiven ? `printf '%s\\n' "$TLS_CA" >"$spool/authority" || exit\nPGSSLROOTCERT=$spool/authority ` : 'loading '}"$pg_restore" --jobs=${jobs} --exit-on-error --no-password ${more} "$spool/archive" </dev/null
loaded=$?
${removeSpool(target)}
exit "$loaded"`;
}

/** Shell lines that remove what those of `loadByJobs` have left. */
export function removeSpool(target: PostgresRestoreTarget): string {
  return `spool=${quote(folderOf(target))}
if [ -d "$spool" ] && [ ! -L "$spool" ]; then
  rm -f -- "$spool/archive" "$spool/authority" && rmdir -- "$spool" || exit
fi`;
}

/** Prints what `jobsCheck` reads. */
export const SPOOL_ROOM = `printf 'bridgeport:spool=%s\\n' "$(df -Pk ${PLACE} 2>/dev/null | awk 'NR == 2 { print $4 }')"`;

const KIB = 1024;
const MIB = 1024 * KIB;

export function jobsCheck(
  { dumpBytes = null }: PostgresRestoreTarget,
  jobs: number,
  free: string | undefined,
): PreflightCheck {
  const name = 'Jobs';
  const how = `${jobs} at once, for which the archive lies in a file of ${PLACE} on the host meanwhile`;
  if (free === undefined || !/^\d{1,15}$/.test(free)) {
    return {
      name,
      ok: false,
      says: `${how}: there is no such folder, or how much is free in it can’t be told. Restore without jobs.`,
    };
  }
  const freeBytes = Number(free) * KIB;
  const has = `${Math.floor(freeBytes / MIB)} MiB are free there`;
  if (dumpBytes === null) return { name, ok: true, says: `${how}: ${has}; how much is needed is not known.` };
  const ok = freeBytes > dumpBytes + MIB;
  const needs = `${Math.ceil(dumpBytes / MIB) + 1} MiB are needed`;
  return {
    name,
    ok,
    says: ok
      ? `${how}: ${has}, ${needs}.`
      : `${how}: only ${has}, but ${needs}. Free some of it, or restore without jobs.`,
  };
}
