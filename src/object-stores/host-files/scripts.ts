import { quote } from '../../hosts/quote.ts';
import type { ByteRange } from '../object-store.ts';
import type { HostPath } from './path.ts';

/** Exit statuses of the scripts here, beside those of the tools. */
export const TAKEN = 81;
export const WRONG_SIZE = 82;
export const MISSING = 83;

/*
 * POSIX sh and tools that coreutils and busybox both have. Messages are parsed, so they are asked for in English.
 * busybox reads the whole file for `wc -c`, hence stat where it knows -c; `sync FILE` is an fsync (old versions sync
 * everything, which is as good).
 */
const PRELUDE = `LC_ALL=C; export LC_ALL; umask 077
size_of() { stat -L -c %s -- "$1" 2>/dev/null || wc -c <"$1"; }
taken() { [ -e "$1" ] || [ -L "$1" ]; }
sync_folder() { sync "$1" 2>/dev/null || sync; }
`;

function script(variables: Readonly<Record<string, string | number>>, body: string): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}\n`);
  return `${PRELUDE}${lines.join('')}${body}`;
}

/** Makes the folder and the empty file that will be written; `TAKEN` when the target is there already. */
export function createScript({ path, folder }: HostPath, partial: string): string {
  return script(
    { path, folder, partial },
    `mkdir -p -- "$folder" || exit 1
if taken "$path"; then exit ${TAKEN}; fi
set -C
: >"$partial"`,
  );
}

/**
 * Writes stdin to that file, brings it to the disk and prints its size. A connection that drops looks like the end of
 * the input here, so nothing becomes final: `sealScript` does that, with the size that was sent.
 */
export function writeScript(partial: string): string {
  return script(
    { partial },
    `[ -f "$partial" ] || exit ${MISSING}
if cat >"$partial" && sync "$partial"; then size_of "$partial"; else rm -f -- "$partial"; exit 1; fi`,
  );
}

/**
 * Makes the written file appear under its name, unless that is taken: by a hard link, or a move that overwrites nothing
 * where the file system has no links. May be run again when its outcome is unknown (`isAgain`).
 */
export function sealScript(
  { path, folder }: HostPath,
  partial: string,
  bytes: number,
  isAgain: boolean,
): string {
  return script(
    { path, folder, partial, bytes, again: isAgain ? 'yes' : '' },
    // A caller that goes away between the link and the removal would leave both names.
    `trap '' TERM HUP
if [ "$again" ] && [ ! -e "$partial" ] && [ -f "$path" ]; then
  [ "$(size_of "$path")" -eq "$bytes" ] || exit ${WRONG_SIZE}
  sync_folder "$folder"; exit
fi
[ "$(size_of "$partial")" -eq "$bytes" ] || exit ${WRONG_SIZE}
if [ "$again" ] && [ "$path" -ef "$partial" ]; then
  rm -f -- "$partial" && sync_folder "$folder"; exit
fi
# Without this look, ln would put the link into a folder of that name.
if taken "$path"; then exit ${TAKEN}; fi
if why=$(ln -- "$partial" "$path" 2>&1); then rm -f -- "$partial" || exit 1
elif taken "$path"; then exit ${TAKEN}
else
  case $why in *'No space left'*|*'quota'*) echo "$why" >&2; exit 1;; esac
  mv -n -- "$partial" "$path" || exit 1
  if [ -e "$partial" ]; then exit ${TAKEN}; fi
fi
sync_folder "$folder"`,
  );
}

/** Removes the unfinished file and, where its seal stopped half-way, the name that it had got by then. */
export function takeBackScript({ path, folder }: HostPath, partial: string): string {
  return script(
    { path, folder, partial },
    `if [ "$path" -ef "$partial" ]; then rm -f -- "$path" || exit 1; fi
rm -f -- "$partial" || exit 1
if [ -d "$folder" ]; then sync_folder "$folder"; fi`,
  );
}

/** Removes a file and prints nothing; an absent one is a success. */
export function removeScript({ path, folder }: HostPath): string {
  return script(
    { path, folder },
    `rm -f -- "$path" || exit 1
if [ -d "$folder" ]; then sync_folder "$folder"; fi`,
  );
}

/** Removes a scratch file with its folder, and what SQLite may have put beside it; an absent one is a success. */
export function removeScratchScript({ path, folder }: HostPath): string {
  return script(
    { path, folder },
    `rm -f -- "$path" "$path-journal" "$path-wal" "$path-shm" || exit 1
[ -d "$folder" ] || exit 0
rmdir -- "$folder" || exit 1
sync_folder "\${folder%/*}/"`,
  );
}

/** Prints the size of a regular file; `MISSING` only when it is certain that there is none. */
export function sizeScript(path: string): string {
  return script(
    { path },
    `if [ -f "$path" ]; then size_of "$path"; exit; fi
if [ -e "$path" ]; then exit ${MISSING}; fi
why=$(ls -d -- "$path" 2>&1)
case $why in *'No such file'*|*'Not a directory'*) exit ${MISSING};; esac
if [ -L "$path" ]; then exit ${MISSING}; fi
echo "$why" >&2; exit 1`,
  );
}

/** Prints the file, or a range of it. dd seeks; tail and head are for a dd without byte counts (BSD). */
export function readScript(path: string, range: ByteRange | undefined): string {
  if (!range) return script({ path }, 'exec cat -- "$path"');
  return script(
    { path, start: range.start, count: range.end - range.start + 1 },
    `if dd if=/dev/null iflag=skip_bytes,count_bytes count=0 status=none 2>/dev/null; then
  exec dd if="$path" bs=1048576 iflag=skip_bytes,count_bytes,fullblock skip="$start" count="$count" status=none
fi
tail -c "+$((start + 1))" <"$path" | head -c "$count"`,
  );
}
