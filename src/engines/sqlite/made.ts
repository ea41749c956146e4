import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { DropFacts } from '../drop.ts';
import type { MadePlan, RestorePlan, RestoreTarget } from '../restore.ts';
import { explainSqliteDrop, MADE_FAILURES } from './drop-failures.ts';
import { LOOK_WHO, SEES_ALL } from './in-place/openers.ts';
import { INODE } from './in-place/state.ts';
import { droppedLines, PLACE, readPlace, tellPlace } from './place.ts';

/**
 * A restored file is told by its inode, its device and when it was made, none of which the link that names it changes: an inode alone is
 * given to another file as soon as it is free (ext4). `lines` come before all.
 */
export function madeBySqlite(path: string, lines: string): MadePlan {
  const command = (script: string) => ({ script: `${lines}\n${TOLD}\n${script}` });
  return {
    identify: { command: command(IDENTIFY), read: readMade },
    drop: (id, facts) => ({
      command: command(dropScript(idsOf(id), facts)),
      where: { command: command(whereScript(idsOf(id))), read: readPlace },
      read: () => 'dropped',
      explain: (failure) => explainSqliteDrop(MADE_FAILURES, path, failure),
    }),
  };
}

/** Of GNU: others know no time of making, or print something that `IDS` does not take. */
const TOLD = `identity() {
  stat -Lc '%i %d %.9W' -- "$1" 2>/dev/null
}
changed_at() {
  stat -Lc %.9Y -- "$1" 2>/dev/null
}`;

const IDENTIFY = `enter
printf 'bridgeport:made=%s %s\\n' "$(identity restored.sqlite)" "$(changed_at restored.sqlite)"`;

const AT = String.raw`[1-9]\d{0,11}(?:\.\d{1,9})?`;
/** Inode, device, when it was made; and when it was written last, before it had its name. */
const IDS = new RegExp(String.raw`^(\d{1,20} \d{1,20} ${AT}) (${AT})$`);

function readMade(stdout: string): string {
  const [, found = ''] = /^bridgeport:made=(.*)$/m.exec(stdout) ?? [];
  if (IDS.test(found)) return found;
  throw new AppError(
    'dump_failed',
    'The file system of the host, or its program stat, does not tell when a file was made.',
  );
}

interface Ids {
  readonly identity: string;
  readonly changedAt: string;
}

/** As `RestorePlan.isNamed`. */
export function isNamedSqlite(target: RestoreTarget, lines: string): RestorePlan['isNamed'] {
  if (!target.made && !target.foundWhole) return undefined;
  return {
    command: { script: `${lines}\nrequire_parent\n! ${isNamedFile(target)} || echo bridgeport:named` },
    read: (stdout) => /^bridgeport:named$/m.test(stdout),
  };
}

/**
 * A condition of the shell: whether the file `$new` is the one that was restored. Where the host tells no time at which a file was made (not
 * GNU), its second name does, as long as that is there; then a person.
 */
export function isNamedFile({ made, isThatOne }: Pick<RestoreTarget, 'made' | 'isThatOne'>): string {
  const isSecond = '[ "$new" -ef "$folder/restored.sqlite" ]';
  return (
    isMade(made) ??
    (isThatOne ? `{ ${isSecond} || { [ -f "$new" ] && [ ! -e "$folder/restored.sqlite" ]; }; }` : isSecond)
  );
}

/**
 * Before what was found whole is removed, for where its work is not in its folder any more: ends the script where the file `$new` may be it,
 * which is not taken for somebody else's then, nor for one that is gone.
 */
export function refuseFound({ made, foundWhole }: Pick<RestoreTarget, 'made' | 'foundWhole'>): string {
  if (!foundWhole) return ':';
  return `[ -e "$folder/restored.sqlite" ] || [ ! -f "$new" ] || ! ${isMade(made) ?? ':'} || refuse "found whole: $new"`;
}

/** A condition of the shell: whether the file `$new` is the one of which that was recorded. */
export function isMade(id: string | null | undefined): string | undefined {
  const identity = IDS.exec(id ?? '')?.[1];
  if (identity === undefined) return undefined;
  return `[ "$(stat -Lc '%i %.9W' -- "$new" 2>/dev/null)" = '${withoutDisk(identity)}' ]`;
}

/** As it was recorded: nothing else gets into a script. */
function idsOf(id: string): Ids {
  const [, identity, changedAt] = IDS.exec(id) ?? [];
  if (identity !== undefined && changedAt !== undefined) return { identity, changedAt };
  throw new AppError(
    'conflict',
    'This file was recorded by its inode alone, which another file may have by now, so it is not dropped from here. Look at it on its host, and remove it there.',
  );
}

/** Its disk may have another number by now: that alone makes it no other. */
const withoutDisk = (identity: string) => identity.replace(/ \d+ /, ' ');

/** Of what is there alone: where it is not, a drop that breaks off has dropped nothing. */
function whereScript({ identity }: Ids): string {
  return `${PLACE}
require_parent
[ "$(identity "$new")" != '${identity}' ] || ${tellPlace('"$parent"')}`;
}

function dropScript(
  { identity, changedAt }: Ids,
  { registered, isUnused, isOnlyCopy, ...gone }: DropFacts,
): string {
  const known = withoutDisk(identity);
  return `${INODE}
${LOOK_WHO}
${SEES_ALL}
${PLACE}
require_parent
set -- ${registered.map(quote).join(' ')}
is_gone() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  one=$(stat -Lc '%i %.9W' -- "$1" 2>/dev/null) && [ "$one" ] && [ "$one" != '${known}' ]
}
if is_gone "$new"; then
  for file do
    [ "$(identity "$file")" != '${identity}' ] || refuse "is a database now: $file"
  done
  set -- "$new"
  ${droppedLines(gone)}
fi
[ -f "$new" ] && [ ! -L "$new" ] && [ "$(identity "$new")" = '${identity}' ] || refuse 'the restored file is another'
${isOnlyCopy ? "refuse 'the restored one is the only copy'" : ':'}
for file do
  [ ! "$file" -ef "$new" ] || refuse "is a database now: $file"
done
look_who
[ -z "$who" ] || refuse "kept in use: $who"
for file in "$new-wal" "$new-shm" "$new-journal"; do
  [ ! -e "$file" ] && [ ! -L "$file" ] || refuse "used since: $file"
done
[ "$(changed_at "$new")" = '${changedAt}' ] || refuse "used since: $new"
${isUnused ? '' : "sees_all || refuse 'unseen'\n"}rm -f -- "$new"`;
}
