import type { DropFacts } from '../drop.ts';

/**
 * Shell function `place_of`: prints what tells a folder from the one that is seen there while its disk is not mounted. Its file system is
 * told by the number that it has for itself, which outlives a reboot on most, else by its device; and the folder by its inode, since two of one file
 * system may be mounted there in turns (volumes of containers).
 */
export const PLACE = `place_of() {
  set -- "$1/" $(ls -Ldi -- "$1/" 2>/dev/null)
  disk=$(stat -f -c %i -- "$1" 2>/dev/null)
  case $disk in *[!0-9a-f]*) disk= ;; *[1-9a-f]*) ;; *) disk= ;; esac
  [ "$disk" ] || disk=dev$(stat -Lc %d -- "$1" 2>/dev/null)
  printf '%s:%s\\n' "$disk" "$2"
}`;

/** Prints what `readPlace` reads, of the folder that a word of the shell names; behind `PLACE`. */
export function tellPlace(word: string): string {
  return `printf 'bridgeport:place=%s\\n' "$(place_of ${word})"`;
}

const A_PLACE = String.raw`(?:[0-9a-f]{1,32}|dev\d{0,20}):\d{1,20}`;

/** Null where the host can't tell. */
export function readPlace(stdout: string): string | null {
  return new RegExp(`^bridgeport:place=(${A_PLACE})$`, 'm').exec(stdout)?.[1] ?? null;
}

/** A condition of the shell: whether `$parent` is that place; undefined where that is not known. Nothing else gets into a script. */
function isPlace(told: string | null | undefined): string | undefined {
  return new RegExp(`^${A_PLACE}$`).test(told ?? '') ? `[ "$(place_of "$parent")" = '${told}' ]` : undefined;
}

/** For a folder of a restore that is not there: it is gone where it was made, and of another place nobody knows; `refuse` ends the script then. */
export function goneLines(madeIn: string | null | undefined): string {
  const isThere = isPlace(madeIn);
  return isThere === undefined ? 'exit 0' : `${isThere} && exit 0 || refuse "made elsewhere: $folder"`;
}

/** For a file that is not there under its name, whether that is another's by now or nobody's; `refuse` ends the script unless it counts as dropped. */
export function droppedLines({ mayBeGone, begunIn }: Pick<DropFacts, 'mayBeGone' | 'begunIn'>): string {
  if (mayBeGone) return 'exit 0';
  const isThere = isPlace(begunIn);
  return `[ ! -e "$1" ] && [ ! -L "$1" ] || refuse 'its name is taken'
${isThere === undefined ? '' : `! ${isThere} || exit 0\n`}refuse 'no longer there'`;
}
