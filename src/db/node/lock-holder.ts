import { readFileSync, statSync } from 'node:fs';

/** A message is made in each of the many tries; the system is asked this often. */
const GOOD_FOR_MS = 1_000;
const answers = new Map<string, { readonly at: number; readonly holder: string | null }>();

/**
 * The other process that holds the write lock on a SQLite file, such as `sqlite3, process 4711`; null where the system does
 * not tell (not Linux, another container).
 */
export function lockHolderOf(file: string): string | null {
  const known = answers.get(file);
  const at = performance.now();
  if (known !== undefined && at - known.at < GOOD_FOR_MS) return known.holder;
  const holder = findHolder(file);
  answers.set(file, { at, holder });
  return holder;
}

/** In WAL mode the lock lies on the -shm, otherwise on the file itself. */
function findHolder(file: string): string | null {
  try {
    const locks = readFileSync('/proc/locks', 'utf8').split('\n');
    for (const path of [`${file}-shm`, file]) {
      const inode = statSync(path, { throwIfNoEntry: false })?.ino;
      const holder = locks
        .map(parseLock)
        .find((lock) => lock?.isWrite && lock.inode === inode && isOther(lock.pid));
      if (holder) return `${readFileSync(`/proc/${holder.pid}/comm`, 'utf8').trim()}, process ${holder.pid}`;
    }
    return null;
  } catch {
    return null;
  }
}

/** proc_locks(5): `1: POSIX  ADVISORY  WRITE 4711 fe:00:131083 120 120`; the number of a waiting lock is followed by `->`. */
function parseLock(line: string): { isWrite: boolean; pid: number; inode: number } | null {
  const [, type, pid, inode] = /^\d+: POSIX +\S+ +(\w+) +(-?\d+) +\w+:\w+:(\d+) /.exec(line) ?? [];
  return type === undefined ? null : { isWrite: type === 'WRITE', pid: Number(pid), inode: Number(inode) };
}

const isOther = (pid: number) => pid > 0 && pid !== process.pid;
