/** The programs that tests run, and the Debian packages that bring them. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Program, as a name to find in PATH or a pattern of absolute paths, to package. */
const packages = {
  '/usr/lib/postgresql/*/bin/postgres': 'postgresql',
  '/usr/sbin/mariadbd': 'mariadb-server',
  'mariadb-dump': 'mariadb-client',
  '/usr/sbin/sshd': 'openssh-server',
  'ssh-keygen': 'openssh-client',
  busybox: 'busybox',
  bash: 'bash',
  fish: 'fish',
  zsh: 'zsh',
  sqlite3: 'sqlite3',
  radosgw: 'radosgw',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  ceph: 'ceph-common',
  aws: 'awscli',
  rclone: 'rclone',
  s3cmd: 's3cmd',
  'swift-proxy-server': 'swift-proxy',
  'swift-account-server': 'swift-account',
  'swift-container-server': 'swift-container',
  'swift-object-server': 'swift-object',
  memcached: 'memcached',
  '/usr/lib/chromium/chromium-headless-shell': 'chromium-headless-shell',
  curl: 'curl',
  openssl: 'openssl',
  pkill: 'procps',
  promtool: 'prometheus',
  gcc: 'gcc',
  '/usr/include/dlfcn.h': 'libc6-dev',
};

/** Names of the packages whose program this machine lacks. */
export function missingDebianPackages() {
  return Object.entries(packages)
    .filter(([program]) => !isPresent(program))
    .map(([, name]) => name);
}

/** @param {readonly string[]} names */
export function installCommand(names) {
  return `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`;
}

/**
 * Installs packages without starting the services they bring. Needs root.
 *
 * @param {readonly string[]} names
 * @returns {boolean} whether all went well
 */
export function installDebianPackages(names) {
  // Debian asks this file before it starts a service; 101 is "not allowed" (invoke-rc.d(8)).
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return ['update', `install -y --no-install-recommends ${names.join(' ')}`].every((action) =>
      aptGet(action.split(' ')),
    );
  } finally {
    if (ours) rmSync(policy);
  }
}

/** @param {string[]} args */
function aptGet(args) {
  const { status } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

/** @param {string} program */
function isPresent(program) {
  if (program.startsWith('/')) return globSync(program).length > 0;
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
