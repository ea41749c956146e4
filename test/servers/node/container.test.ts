import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { isContainer } from '../../../src/servers/node/container.ts';

let root: string;
afterEach(() => rmSync(root, { recursive: true }));

function machineWith(files: Readonly<Record<string, string>>): string {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const MOUNT = (point: string, type: string) =>
  `22 1 0:20 / /proc rw - proc proc rw\n21 1 8:1 / ${point} rw,relatime shared:1 - ${type} /dev/x rw\n`;

it.each([
  ['Docker', { '.dockerenv': '' }],
  ['Podman', { 'run/.containerenv': '' }],
  ['Kubernetes', { 'proc/1/cgroup': '12:cpu:/kubepods/besteffort/pod1/2\n' }],
  ['an overlay', { 'proc/1/cgroup': '0::/\n', 'proc/1/mountinfo': MOUNT('/', 'overlay') }],
])('a machine with the mark of %s is a container', (_, files) => {
  expect(isContainer(machineWith(files))).toBe(true);
});

it.each([
  ['nothing at all', {}],
  ['systemd', { 'proc/1/cgroup': '0::/init.scope\n', 'proc/1/mountinfo': MOUNT('/', 'ext4') }],
  [
    'Docker on it',
    { 'proc/1/mountinfo': `${MOUNT('/', 'btrfs')}${MOUNT('/var/lib/docker/overlay2/a', 'overlay')}` },
  ],
])('a machine with %s is none', (_, files) => {
  expect(isContainer(machineWith(files))).toBe(false);
});
