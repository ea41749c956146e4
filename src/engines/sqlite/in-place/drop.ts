import { quote } from '../../../hosts/quote.ts';
import type { DropPlan, KeptFacts } from '../../drop.ts';
import { explainSqliteDrop, KEPT_FAILURES } from '../drop-failures.ts';
import { droppedLines, PLACE, readPlace, tellPlace } from '../place.ts';
import { LOOK_WHO, SEES_ALL } from './openers.ts';
import { INODE, type KeptFile, keptIn, lookAtSwap, type ReplacedFile, type SwapIds } from './state.ts';

/** Drops what a restore in place has kept of a file, where it is the very one, and nobody goes on with it. */
export function dropKept(file: ReplacedFile, ids: SwapIds, facts: KeptFacts): DropPlan {
  return {
    command: { script: `${file.lines}\n${dropScript(file, ids, facts)}` },
    where: { command: { script: `${file.lines}\n${whereScript(file, ids, facts)}` }, read: readPlace },
    read: (stdout) => (/^bridgeport:taken back$/m.test(stdout) ? 'taken-back' : 'dropped'),
    explain: (failure) => explainSqliteDrop(KEPT_FAILURES, file.inPlace.keptName, failure),
  };
}

/** Of what is there alone: where it is not, a drop that breaks off has dropped nothing. */
function whereScript({ inPlace }: ReplacedFile, ids: SwapIds, { kept, isUnused }: KeptFacts): string {
  return `kept=${quote(inPlace.keptName)}
${INODE}
${PLACE}
${toldLines(ids, keptIn(kept), isUnused)}
require_parent
! is_kept_one "$kept" || ${tellPlace('"$parent"')}`;
}

function dropScript(
  { newName, token, inPlace }: ReplacedFile,
  ids: SwapIds,
  { kept, registered, isUnused, isOnlyCopy, ...gone }: KeptFacts,
): string {
  return `${lookAtSwap({ newName, token }, inPlace.keptName, ids)}
${LOOK_WHO}
${SEES_ALL}
${PLACE}
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
  ${droppedLines(gone)}
fi
kept_is_ours && is_kept_one "$kept" && [ ! "$kept" -ef "$new" ] || refuse 'the kept file is another'
${isOnlyCopy ? "refuse 'the kept one is the only copy'" : ':'}
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
function toldLines({ kept, keptMadeAt }: SwapIds, told: KeptFile | undefined, isUnused: boolean): string {
  const madeAt = told?.madeAt ?? keptMadeAt;
  const [tell, identity] =
    madeAt === null
      ? ['inode "$1"', kept ?? 'none']
      : [`stat -Lc '%i %.9W' -- "$1" 2>/dev/null`, `${told?.inode ?? kept ?? 'none'} ${madeAt}`];
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
