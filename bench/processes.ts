/** Started processes and folders that must be gone when the bench ends, however it ends. */
import { rmSync } from 'node:fs';

const groups = new Set<number>();
const folders = new Set<string>();

/** A process that leads a group of its own (`detached`); it is killed with its children if the bench ends before it. */
export function endWithBench(pid: number | undefined): () => void {
  if (pid === undefined) return () => {};
  groups.add(pid);
  return () => groups.delete(pid);
}

export function removeWithBench(folder: string): void {
  folders.add(folder);
}

export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // already gone
  }
}

process.on('exit', () => {
  for (const pid of groups) killGroup(pid);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
