import { quote } from '../../../hosts/quote.ts';
import type { DropPlan, KeptFacts } from '../../drop.ts';
import { explainSqliteDrop, KEPT_FAILURES } from '../drop-failures.ts';
import { LOOK_WHO, SEES_ALL } from './openers.ts';
import {
  goneLines,
  type KeptFile,
  keptIn,
  lookAtSwap,
  type ReplacedFile,
  readPlace,
  type SwapIds,
  TELL_PLACE,
} from './state.ts';

/** Drops what a restore in place has kept of a file, where it is the very one, and nobody goes on with it. */
export function dropKept(file: ReplacedFile, ids: SwapIds, facts: KeptFacts): DropPlan {
  return {
    command: { script: `${file.lines}\n${dropScript(file, ids, facts)}` },
    where: { command: { script: `${file.lines}\nrequire_parent\n${TELL_PLACE}` }, read: readPlace },
    read: (stdout) => (/^bridgeport:taken back$/m.test(stdout) ? 'taken-back' : 'dropped'),
    explain: (failure) => explainSqliteDrop(KEPT_FAILURES, file.inPlace.keptName, failure),
  };
}

function dropScript(
  { newName, token, inPlace }: ReplacedFile,
  ids: SwapIds,
  { kept, registered, isUnused, ...gone }: KeptFacts,
): string {
  return `${lookAtSwap({ newName, token }, inPlace.keptName, ids)}
${LOOK_WHO}
${SEES_ALL}
${toldLines(ids, keptIn(kept), isUnused)}
require_parent
set -- ${registered.map(quote).join(' ')}
if is_gone "$kept"; then
  if is_kept_one "$new"; then
    echo 'bridgeport:taken back'
    exit
  fi
  for file do
    ! is_kept_one "$file" || refuse "is a database now: $file"
  done
  set -- "$kept"
  ${goneLines(gone)}
fi
kept_is_ours && is_kept_one "$kept" && [ ! "$kept" -ef "$new" ] || refuse 'the kept file is another'
for file do
  [ ! "$file" -ef "$kept" ] || refuse "is a database now: $file"
done
new=$kept
look_who
[ -z "$who" ] || refuse "kept in use: $who"
for file in "$kept-wal" "$kept-shm" "$kept-journal"; do
  [ ! -e "$file" ] && [ ! -L "$file" ] || refuse "used since: $file"
done
refuse_used
${isUnused ? '' : "sees_all || refuse 'unseen'\n"}rm -f -- "$kept"`;
}

/** By its inode alone where nobody could tell more: that may be another file's by now, as soon as it is free. */
function toldLines({ kept }: SwapIds, told: KeptFile | undefined, isUnused: boolean): string {
  const [tell, identity] =
    told === undefined || told.madeAt === null
      ? ['inode "$1"', kept ?? 'none']
      : [`stat -Lc '%i %.9W' -- "$1" 2>/dev/null`, `${told.inode} ${told.madeAt}`];
  const unknown = isUnused ? ':' : "refuse 'nobody knows whether it was used'";
  const refuseUsed =
    told === undefined
      ? unknown
      : `[ "$(stat -Lc %.9Y -- "$kept" 2>/dev/null)" = '${told.writtenAt}' ] || refuse "used since: $kept"`;
  return `is_kept_one() {
  [ "$(${tell})" = '${identity}' ]
}
is_gone() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  one=$(${tell}) && [ "$one" ] && [ "$one" != '${identity}' ]
}
refuse_used() {
  ${refuseUsed}
}`;
}
