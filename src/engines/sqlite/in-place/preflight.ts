import type { InPlaceTarget } from '../../in-place.ts';
import type { PreflightCheck } from '../../restore.ts';

/** Prints what `inPlaceChecks` reads: the file that is to be replaced, and who has it open. */
export const LOOK_AT_REPLACED = `kind=missing
if [ -L "$new" ]; then kind=link
elif [ -f "$new" ]; then kind=file
elif [ -e "$new" ]; then kind=other
fi
printf 'bridgeport:kind=%s\\n' "$kind"
printf 'bridgeport:users=%s\\n' "$(users_of "$new")"
printf 'bridgeport:user=%s\\n' "$(id -u)"
keptTaken=
for name in "$kept" "$kept-wal" "$kept-shm" "$kept-journal"; do
  [ ! -e "$name" ] && [ ! -L "$name" ] || keptTaken=yes
done
printf 'bridgeport:keptTaken=%s\\n' "$keptTaken"`;

/** The lines that a restore in place has instead of a free name. */
export function inPlaceChecks(
  path: string,
  { keptName }: InPlaceTarget,
  answer: (name: string) => string | undefined,
): readonly PreflightCheck[] {
  const kind = answer('kind');
  if (kind !== 'file') {
    const what = kind === 'link' ? 'is a link' : kind === 'other' ? 'is no file' : 'is not there';
    const advice =
      kind === 'link'
        ? 'Set the path of the file itself in the settings of the database.'
        : 'Restore it under that name as a new one.';
    return [{ name: 'Name', ok: false, says: `${path} ${what}, so it can’t be replaced. ${advice}` }];
  }
  if (answer('keptTaken') !== '') {
    const says = `There is ${keptName} already, or what belongs to it: the name that ${path} is to be kept under. Ask again.`;
    return [{ name: 'Name', ok: false, says }];
  }
  const users = answer('users') ?? '';
  const seen =
    answer('user') === '0'
      ? ''
      : ' Programs of other users may have it open without a lock, and can’t be seen: stop those that use it.';
  return [
    { name: 'Name', ok: true, says: `${path} is there, and will be kept as ${keptName}.` },
    users === ''
      ? { name: 'In use', ok: true, says: `No program that can be seen has it open.${seen}` }
      : { name: 'In use', ok: false, says: `It is open in ${users}. Stop what uses it, and look again.` },
  ];
}
