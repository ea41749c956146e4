import { quote } from '../../hosts/quote.ts';
import type { SwapByHand } from '../in-place.ts';

/**
 * For a file that was restored beside: its application is stopped by a person, since a rename is safe only where nobody has the file open.
 * What lies beside it goes with it: its `-wal` may hold the newest rows, and must never meet another file.
 */
export function swapSqliteByHand({
  live,
  restored,
  kept,
}: {
  readonly live: string;
  readonly restored: string;
  readonly kept: string;
}): SwapByHand {
  return {
    check: `find -L /proc/[0-9]*/fd -maxdepth 1 -samefile ${quote(live)} 2>/dev/null`,
    statements: `(
live=${quote(live)}
restored=${quote(restored)}
kept=${quote(kept)}
refuse() { echo "$1" >&2; exit 1; }
for file in "$live" "$restored"; do
  [ -f "$file" ] && [ ! -L "$file" ] || refuse "no file, or a link: $file"
done
for end in '' -wal -shm -journal; do
  [ ! -e "$kept$end" ] && [ ! -L "$kept$end" ] || refuse "there already: $kept$end"
done
for end in -wal -journal; do
  [ ! -s "$restored$end" ] || refuse "open, or not closed rightly: $restored$end"
done
mv -n -- "$live" "$kept" && [ ! -e "$live" ] || refuse "could not be moved: $live"
for end in -wal -shm -journal; do
  [ ! -e "$live$end" ] || mv -n -- "$live$end" "$kept$end" && [ ! -e "$live$end" ] || refuse "could not be moved: $live$end"
done
mv -n -- "$restored" "$live" && [ ! -e "$restored" ] || refuse "could not be moved: $restored"
)`,
    notes: [
      `The safest way moves nothing: point the application to ${restored}, register that as a database here, and keep ${live} until nobody needs it. From then on ${restored} is the file in use: never drop it from this page.`,
      'Otherwise stop the application and all else that uses the file, and run the check on the host as root: it names the processes that have it open, by /proc/NUMBER. Where it prints nothing, run the commands as the owner of the folder.',
      `They move the file with its -wal, -shm and -journal away to ${kept}, and then give the restored one its name. Where they refuse, nothing is replaced: see what they say, and that ${live} is there, before the application starts.`,
      `To go back, stop the application, and move the files the other way in the same order: first ${live} away, with what lies beside it, then ${kept} to its name, with its own.`,
    ],
  };
}
