import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck } from '../restore.ts';
import { isOnHost, isSameDisk, ROOM_OF, reserveOf, roomOf } from './restore-room.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** Where hosts keep what is large and for a while. */
const PLACE = '/var/tmp';

/** Where the archive of a restore lies meanwhile, on the host: of one restore alone, and its name is known before it is made. */
export function spoolOf(token: string): string {
  return `${PLACE}/bp_restore_${token}`;
}

/**
 * Shell lines that load an archive by several jobs at once, behind those that set `$pg_restore`: it reads no pipe then, so the archive lies
 * in a file meanwhile, of which it sees nothing before the end was sent, and so before all of it is proven. Each job connects by itself, so
 * that a given authority lies in a file, too. A disk that it has filled is freed before anything else is done.
 */
export function loadByJobs(target: PostgresRestoreTarget, jobs: number, more: string): string {
  const { tlsMode, tlsCa } = target.options;
  const isGiven = tlsMode === 'verify' && tlsCa !== null;
  const orNoRoom = `|| { remove_spool; echo 'bridgeport: no room for the archive' >&2; exit 66; }`;
  return `umask 077
${spoolLines(target)}
mkdir -- "$spool" && [ -O "$spool" ] || { echo 'bridgeport: no folder for the archive' >&2; exit 66; }
cat >"$spool/archive" ${orNoRoom}
${isGiven ? `printf '%s\\n' "$TLS_CA" >"$spool/authority" ${orNoRoom}\nPGSSLROOTCERT=$spool/authority ` : 'loading '}"$pg_restore" --jobs=${jobs} --exit-on-error --no-password ${more} "$spool/archive" </dev/null
loaded=$?
remove_spool
exit "$loaded"`;
}

/**
 * Shell lines that set `spool`, and `remove_spool`, which removes what those of `loadByJobs` have left and fails where that is still
 * there: a folder that is gone, or somebody else's, is not.
 */
export function spoolLines({ token }: PostgresRestoreTarget): string {
  return `spool=${quote(spoolOf(token))}
is_spool() { [ -d "$spool" ] && [ ! -L "$spool" ] && [ -O "$spool" ]; }
remove_spool() {
  is_spool || return 0
  rm -f -- "$spool/archive" "$spool/authority" && rmdir -- "$spool" && return
  ! is_spool
}`;
}

/** Prints what `jobsCheck` reads. */
export const SPOOL_ROOM = `printf 'bridgeport:spool=%s\\n' "$(df -Pk ${PLACE} 2>/dev/null | ${ROOM_OF})"`;

const MIB = 1024 * 1024;

/** Whether there is room for the archive, and where it lies on the same file system as the server's files, for them beside it. */
export function jobsCheck(
  { dumpBytes = null, expectedBytes, host }: PostgresRestoreTarget,
  jobs: number,
  { spool, server }: { readonly spool: string | undefined; readonly server: string | undefined },
): PreflightCheck {
  const name = 'Jobs';
  const how = `${jobs} at once, for which the archive lies in a file of ${PLACE} on the host meanwhile`;
  const room = roomOf(spool);
  if (room === null) {
    return {
      name,
      ok: false,
      says: `${how}: there is no such folder, or how much is free in it can’t be told. Restore without jobs.`,
    };
  }
  const has = `${Math.floor(room.freeBytes / MIB)} MiB are free there`;
  if (dumpBytes === null) {
    return { name, ok: true, isUnknown: true, says: `${how}: ${has}; how much is needed is not known.` };
  }
  const files = roomOf(server);
  const isShared = isSameDisk(room, files);
  const neededBytes = dumpBytes + (isShared ? (expectedBytes ?? 0) : 0) + reserveOf(room);
  const ok = room.freeBytes > neededBytes;
  const of = isShared
    ? expectedBytes === null
      ? 'for the archive and a reserve; what the database needs on the same disk is not known'
      : 'for the archive, the database on the same disk, and a reserve'
    : 'for the archive and a reserve';
  const needs = `${Math.ceil(neededBytes / MIB)} MiB are needed, ${of}`;
  const mayNeedMore = files === null && isOnHost(host) && expectedBytes !== null;
  const more = mayNeedMore
    ? ` Where the server keeps its files can’t be seen: on the same disk, ${Math.ceil((neededBytes + expectedBytes) / MIB)} MiB are needed.`
    : '';
  return {
    name,
    ok,
    ...(ok && (mayNeedMore || (isShared && expectedBytes === null)) ? { isUnknown: true } : {}),
    says: ok
      ? `${how}: ${has}, ${needs}.${more}`
      : `${how}: only ${has}, but ${needs}. Free some of it, or restore without jobs.`,
  };
}
