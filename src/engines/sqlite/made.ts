import { AppError } from '../../errors.ts';
import type { MadePlan } from '../restore.ts';
import { LOOK_WHO } from './in-place/openers.ts';
import { INODE } from './in-place/state.ts';

/** A restored file is told by the number of its inode, which the link that names it does not change. `lines` come before all. */
export function madeBySqlite(lines: string): MadePlan {
  const command = (script: string) => ({ script: `${lines}\n${script}` });
  return {
    identify: { command: command(IDENTIFY), read: readInode },
    drop: (id) => command(dropScript(inodeOf(id))),
  };
}

const IDENTIFY = `enter
${INODE}
printf 'bridgeport:inode=%s\\n' "$(inode restored.sqlite)"`;

function readInode(stdout: string): string {
  const [, found] = /^bridgeport:inode=(\d{1,20})$/m.exec(stdout) ?? [];
  if (found !== undefined) return found;
  throw new AppError('dump_failed', 'Looking at the restored file gave no usable answer.');
}

/** As it was recorded: digits alone get into a script. */
function inodeOf(id: string): string {
  if (/^\d{1,20}$/.test(id)) return id;
  throw new AppError('internal', 'What a restore has made was not recorded as it should be.');
}

function dropScript(inode: string): string {
  return `${INODE}
${LOOK_WHO}
[ -d "$parent/" ] || refuse "no folder: $parent"
[ -e "$new" ] || [ -L "$new" ] || exit 0
[ -f "$new" ] && [ ! -L "$new" ] && [ "$(inode "$new")" = ${inode} ] || refuse 'the restored file is another'
look_who
[ -z "$who" ] || refuse "kept in use: $who"
rm -f -- "$new" "$new-wal" "$new-shm" "$new-journal"`;
}
