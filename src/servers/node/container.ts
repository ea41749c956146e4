import { existsSync, readFileSync } from 'node:fs';

/**
 * Whether this machine is a container, whose files and programs are not those of the machine it runs on: by the marks of
 * Docker and Podman, the names of its control groups, or a root that is laid over another. `root` is where the machine's
 * files are, for tests.
 */
export function isContainer(root = ''): boolean {
  if (existsSync(`${root}/.dockerenv`) || existsSync(`${root}/run/.containerenv`)) return true;
  if (/docker|containerd|kubepods|libpod|lxc/.test(textOf(`${root}/proc/1/cgroup`))) return true;
  // mountinfo(5): the fifth field is the mount point, the type follows the separator.
  return /^(?:\S+ ){4}\/ .* - (?:overlay|aufs) /m.test(textOf(`${root}/proc/1/mountinfo`));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
