import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isInside } from '../../paths.ts';

/** What keeps files of a folder from being written, in two halves of a sentence. */
export interface Hindrance {
  /** Such as `there is no room left on its disk (ENOSPC)`. */
  readonly why: string;
  /** A sentence. */
  readonly advice: string;
}

/** What the system's error number says about a file that could not be read or written; null for any other error. */
export function hindranceOf(error: unknown): Hindrance | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  const code = ('errno' in error && UNNAMED[String(error.errno)]) || String(error.code);
  const known = HINDRANCES[code];
  return known === undefined ? null : { why: `${known[0]} (${code})`, advice: known[1] };
}

/** Numbers of Linux that Node has no name for. */
const UNNAMED: Readonly<Record<string, string>> = { '-116': 'ESTALE', '-122': 'EDQUOT' };

/**
 * Tries it: a file of a page is made, synced and removed. SQLite tells only that a write failed, and the number of the
 * error, which says why, is lost. Null where all went well.
 */
export function whyNotWritable(folder: string): Hindrance | null {
  const file = join(folder, `.write-test-${randomBytes(6).toString('hex')}`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, new Uint8Array(4096));
    fsyncSync(descriptor);
    return null;
  } catch (error) {
    return hindranceOf(error);
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
      rmSync(file, { force: true });
    }
  }
}

/** Type and place of the file system that the path lies on, such as `nfs4 at /data`; null where the system does not tell. */
export function fileSystemOf(path: string): string | null {
  try {
    const real = realpathSync(path);
    let best: { mountPoint: string; type: string } | undefined;
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const mount = parseMount(line);
      // Of two at the same place, the later one lies above.
      if (mount && isInside(real, mount.mountPoint) && !isShorter(mount, best)) best = mount;
    }
    return best === undefined ? null : `${best.type} at ${best.mountPoint}`;
  } catch {
    return null;
  }
}

/** proc_pid_mountinfo(5): the mount point is the fifth field, the type the first one after the separator. */
function parseMount(line: string): { mountPoint: string; type: string } | null {
  const [left = '', right = ''] = line.split(' - ');
  const mountPoint = left.split(' ')[4];
  const type = right.split(' ')[0];
  if (mountPoint === undefined || type === undefined || type === '') return null;
  const plain = mountPoint.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return { mountPoint: plain, type };
}

const isShorter = (one: { mountPoint: string }, other: { mountPoint: string } | undefined) =>
  other !== undefined && one.mountPoint.length < other.mountPoint.length;

const RIGHTS = `Check the owner and the rights of the folder and its files; this program runs as user ${process.getuid?.() ?? 'unknown'}.`;

const HINDRANCES: Readonly<Record<string, readonly [why: string, advice: string]>> = {
  ENOSPC: ['there is no room left on its disk', 'Free some space on it.'],
  EDQUOT: ['the disk quota is used up', 'Raise the quota or free some space.'],
  EFBIG: ['a limit of the size of files is reached', 'Raise the limit (ulimit -f).'],
  EROFS: [
    'its file system is mounted read-only',
    'Mount it for writing. If it was, the system has met errors of the disk: its log says which.',
  ],
  EACCES: ['the rights do not allow it', RIGHTS],
  EPERM: ['the rights do not allow it', RIGHTS],
  EIO: ['the disk reports errors', 'The log of the system says more. Check the disk before anything else.'],
  EMFILE: ['this process has too many files open', 'Raise its limit (ulimit -n).'],
  ENFILE: ['the system has too many files open', 'Raise its limit (fs.file-max).'],
  ESTALE: ['its file server has lost it', 'Mount it again.'],
  ENOTDIR: ['a part of its path is no folder', 'Set DATA_DIR to a folder.'],
  ENOENT: ['its folder is not there', 'Was it removed, or its volume unmounted? Bring it back.'],
};

/** Bytes of the file system that the path lies on, free ones as far as this user may use them; null where the system does not tell. */
export async function spaceOf(
  path: string,
): Promise<{ readonly free: number; readonly total: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return blocks === 0 ? null : { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return null;
  }
}
