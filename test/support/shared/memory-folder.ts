import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const NAME = 'bridgeport-tests-';
/** Of the file system, and of the machine: several times what the files of a run ever need at once. */
const NEEDED_BYTES = 4 * 2 ** 30;

/**
 * vitest's global setup: what tests write to a temporary folder, they write to memory, where there is enough of it and
 * nobody has set TMPDIR. Each commit of a database waits for its disk: with an app and its tests in one process, all of
 * them wait. What needs a disk takes the folder that TEST_DISK names. Stands before what starts servers, so that the
 * folder goes after they have ended.
 */
export default function setUp(): (() => void) | undefined {
  process.env['TEST_DISK'] = tmpdir();
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  removeThoseOfDeadRuns();
  const folder = mkdtempSync(join(MEMORY, `${NAME}${process.pid}-`));
  // Servers that refuse to run as root have their folders in it.
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  return () => {
    delete process.env['TMPDIR'];
    remove(folder);
  };
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    const mount = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').findLast(isOfMemory) ?? '';
    // Docker mounts it without: programs that tests write could not be started there.
    const canExecute = / - tmpfs /.test(mount) && !/\bnoexec\b/.test(mount);
    return canExecute && Math.min(bavail * bsize, process.availableMemory()) >= NEEDED_BYTES;
  } catch {
    return false; // no such file system here
  }
}

/** proc_pid_mountinfo(5): the mount point is the fifth field. */
const isOfMemory = (line: string) => line.split(' ')[4] === MEMORY;

/** A run that was killed, or could not empty its folder, has left it; it holds memory for nobody. */
function removeThoseOfDeadRuns(): void {
  for (const name of readdirSync(MEMORY)) {
    const pid = Number(name.startsWith(NAME) ? name.slice(NAME.length).split('-')[0] : Number.NaN);
    if (pid > 0 && !isAlive(pid)) remove(join(MEMORY, name));
  }
}

/** A browser outlives its worker for a moment, and writes there: that is left to the next run, and no failure of this one. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    console.error(`${folder} is left to the next run of the tests: ${error}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
