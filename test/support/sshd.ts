import { execFile, spawn } from 'node:child_process';
import { type Dirent, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const REPOSITORY = resolve(import.meta.dirname, '../..');
const READY_WITHIN_MS = 60_000;

export interface SshdOptions {
  readonly hostKeyType?: 'ed25519' | 'rsa' | 'ecdsa';
  /** Sessions that one connection may have at once (MaxSessions). */
  readonly maxSessions?: number;
}

export interface VisibleProcess {
  /** Read last: a shell may become another program between two looks, and never the other way round. */
  readonly name: string;
  readonly command: string;
  /** One variable a line. */
  readonly environment: string;
}

export type LoginShell = 'dash' | 'bash' | 'busybox' | 'zsh' | 'fish';

export interface Sshd {
  /** An address of this machine that the app does not take for its own (127.0.0.1 it does); both answer. */
  readonly host: '127.0.0.2';
  readonly port: number;
  /** `type base64`, as pinned. */
  hostKey(): string;
  fingerprint(): string;
  /** The user whose login shell, `sh` and tools are Debian's: `usersByShell.dash`. */
  readonly user: string;
  readonly usersByShell: Readonly<Record<LoginShell, string>>;
  /** OpenSSH text; authorized for every user and for root. */
  readonly privateKey: string;
  /** A folder of the host that every user may write to. */
  readonly folder: string;
  /** A folder of the host on a file system of 1 MiB. */
  readonly smallFolder: string;
  /** Runs a shell command as root inside the host; gives its stdout, throws on a failure. */
  insideHost(command: string): Promise<string>;
  /** Where the test sees a path of the host. */
  hostPath(path: string): string;
  /** Paths on the host of the files in a folder and its folders; none where it is not there. Starts nothing there. */
  files(folder: string): Promise<string[]>;
  /** Command lines of the host's processes, but for sshd's own. */
  processes(): Promise<string[]>;
  /** What `ps` shows of the host's processes to root. */
  visible(): Promise<readonly VisibleProcess[]>;
  /** Kills the session processes, so that clients see their connections end. */
  dropConnections(): Promise<void>;
  /** Stops the session processes where they are, so that clients hear nothing any more. */
  freezeConnections(): Promise<void>;
  rotateHostKey(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real sshd on a high port of 127.0.0.1 (shared with the test) in namespaces of its own: none of the test's files
 * under /tmp, /dev/shm, /home, /root, /srv, /run, /var/backups, /var/tmp or the repository exist there, and all its
 * processes end with it.
 * Needs root, openssh-server, busybox and bash.
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const type = options.hostKeyType ?? 'ed25519';
  const outer = await mkdtemp(join(tmpdir(), 'sshd-'));
  await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'host', '-f', join(outer, 'ssh_host_test_key')]);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(outer, 'user_key')]);
  const port = await freePort();
  await writeFile(join(outer, 'sshd_config'), configure(port, options.maxSessions ?? 10));
  await writeFile(join(outer, 'setup.sh'), SETUP);
  const privateKey = await readFile(join(outer, 'user_key'), 'utf8');

  // Everything ends with this process, also when that is killed.
  const command = ['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES, 'sh', join(outer, 'setup.sh')];
  const server = spawn('setpriv', [...command, outer, REPOSITORY], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = new Promise<void>((done) => server.once('close', () => done()));
  const listening = (times: number) =>
    until('sshd to listen', READY_WITHIN_MS, () => {
      if (server.exitCode !== null) throw new Error(`sshd did not start:\n${log}`);
      return log.split('Server listening on 127.0.0.2').length > times;
    });
  await listening(1);
  const unsharePid = server.pid ?? 0;
  const children = await readFile(`/proc/${unsharePid}/task/${unsharePid}/children`, 'utf8');
  const pid = Number.parseInt(children, 10);
  await answers(port);
  // The host has its own copies.
  await rm(outer, { recursive: true, force: true });

  const insideHost = async (command: string) =>
    (await run('nsenter', ['-t', String(pid), '-m', '-p', 'sh', '-c', command], { maxBuffer: 1 << 28 }))
      .stdout;
  const hostPath = (path: string) => `/proc/${pid}/root${path}`;
  const readHostKey = async () => {
    const text = await readFile(hostPath('/etc/ssh/ssh_host_test_key.pub'), 'utf8');
    const printed = await run('ssh-keygen', ['-lf', hostPath('/etc/ssh/ssh_host_test_key.pub')]);
    return {
      key: text.split(' ').slice(0, 2).join(' '),
      fingerprint: printed.stdout.split(' ')[1] ?? '',
    };
  };
  let hostKey = await readHostKey();
  let starts = 1;

  return {
    host: '127.0.0.2',
    port,
    hostKey: () => hostKey.key,
    fingerprint: () => hostKey.fingerprint,
    user: 'dash',
    usersByShell: { dash: 'dash', bash: 'bash', busybox: 'busybox', zsh: 'zsh', fish: 'fish' },
    privateKey,
    folder: '/var/backups',
    smallFolder: '/srv/small',
    insideHost,
    hostPath,
    async files(folder) {
      const root = hostPath('');
      return (await entriesIn(hostPath(folder)))
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(root.length))
        .sort();
    },
    async processes() {
      // The host's own view, which is small: that of the machine lists every process of every test.
      const folder = hostPath('/proc');
      const found = await Promise.all(
        (await readdir(folder)).filter(isPid).map((id) => entryOf(`${folder}/${id}`)),
      );
      return found.flatMap((entry) => (entry && entry.name !== 'sshd' ? [entry.command] : []));
    },
    async visible() {
      // No process of the host for it: tests ask many times a second while they wait for one to end.
      const folder = hostPath('/proc');
      const read = (path: string) => readFile(path, 'latin1').catch(() => '');
      const seen = async (id: string) => {
        const environment = (await read(`${folder}/${id}/environ`)).replaceAll('\0', '\n');
        const command = (await read(`${folder}/${id}/cmdline`)).replaceAll('\0', ' ');
        return { environment, command, name: (await read(`${folder}/${id}/comm`)).trim() };
      };
      return Promise.all((await readdir(folder)).filter(isPid).map(seen));
    },
    dropConnections: () => signalSessions(pid, 'SIGKILL'),
    freezeConnections: () => signalSessions(pid, 'SIGSTOP'),
    async rotateHostKey() {
      await insideHost(
        `rm /etc/ssh/ssh_host_test_key*; ssh-keygen -q -t ${type} -N '' -C host -f /etc/ssh/ssh_host_test_key && kill -HUP 1`,
      );
      starts += 1;
      await listening(starts);
      await answers(port);
      hostKey = await readHostKey();
    },
    async stop() {
      // The init of the PID namespace: with it go all processes inside and, with the last of them, the mounts.
      kill(pid);
      await exited;
    },
  };
}

function configure(port: number, maxSessions: number): string {
  const path = (shell: string) => `/srv/shells/${shell}:/usr/local/bin:/usr/bin:/bin`;
  return `Port ${port}
ListenAddress 127.0.0.1
ListenAddress 127.0.0.2
HostKey /etc/ssh/ssh_host_test_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions ${maxSessions}
PrintMotd no
LogLevel INFO
${['dash', 'bash', 'busybox'].map((shell) => `Match User ${shell}\n  SetEnv PATH=${path(shell)}`).join('\n')}
`;
}

const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/**
 * -r: a connection is served by a copy of the server's process instead of one that is loaded anew, which is a fifth of what
 * it costs. Since 9.8, whose server is two programs, OpenSSH takes the option and does as always.
 */
const SETUP = `set -e
outer=$1 repository=$2
mount -t tmpfs -o mode=755 tmpfs /etc/ssh
cp "$outer/ssh_host_test_key" "$outer/ssh_host_test_key.pub" "$outer/sshd_config" /etc/ssh/
cp "$outer/user_key.pub" /etc/ssh/authorized_keys
chmod 600 /etc/ssh/ssh_host_test_key
{ cat /etc/passwd
  echo 'dash:*:2101:65534::/home/dash:/srv/shells/dash/sh'
  echo 'bash:*:2102:65534::/home/bash:/srv/shells/bash/bash'
  echo 'busybox:*:2103:65534::/home/busybox:/srv/shells/busybox/ash'
  echo "zsh:*:2104:65534::/home/zsh:$(command -v zsh)"
  echo "fish:*:2105:65534::/home/fish:$(command -v fish)"
} >/etc/ssh/passwd
mount --bind /etc/ssh/passwd /etc/passwd
for folder in /home /root /srv /run /opt /mnt /media; do
  [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder"
done
mkdir -p /run/sshd /srv/small /srv/shells/dash /srv/shells/bash /srv/shells/busybox
mount -t tmpfs -o mode=1777,size=1m tmpfs /srv/small
ln -s "$(command -v dash)" /srv/shells/dash/sh
ln -s "$(command -v bash)" /srv/shells/bash/sh
ln -s "$(command -v bash)" /srv/shells/bash/bash
busybox --install -s /srv/shells/busybox
for user in dash bash busybox zsh fish; do mkdir "/home/$user"; chown "$user" "/home/$user"; done
cd /
mkdir -p /var/backups /var/tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t tmpfs -o mode=1777 tmpfs /var/backups
[ ! -d "$repository" ] || mount -t tmpfs -o mode=755 tmpfs "$repository"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
mount -t tmpfs -o mode=1777 tmpfs /tmp
[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm
exec "$sshd" -r -D -e -f /etc/ssh/sshd_config
`;

/** Of a folder and its folders; none where it is not there. */
async function entriesIn(folder: string): Promise<readonly Dirent[]> {
  for (;;) {
    try {
      return await readdir(folder, { recursive: true, withFileTypes: true });
    } catch (error) {
      if (!existsSync(folder)) return [];
      // One of its folders may have gone on the way: what lies in the others is there all the same.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

const isPid = (name: string) => /^\d+$/.test(name);

/** Name and command line of a process by its folder; null where it has ended. */
async function entryOf(folder: string): Promise<{ name: string; command: string } | null> {
  try {
    const status = await readFile(`${folder}/status`, 'utf8');
    if (/^State:\s+Z/m.test(status)) return null;
    const command = (await readFile(`${folder}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return { name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '', command };
  } catch {
    return null;
  }
}

async function signalSessions(pid: number, signal: NodeJS.Signals): Promise<void> {
  const namespace = await readlink(`/proc/${pid}/ns/pid`);
  const isInside = async (id: string) =>
    (await readlink(`/proc/${id}/ns/pid`).catch(() => null)) === namespace;
  const pids = (await readdir('/proc')).filter((name) => isPid(name) && Number(name) !== pid);
  await Promise.all(
    pids.map(async (id) => {
      if ((await isInside(id)) && (await entryOf(`/proc/${id}`))?.name === 'sshd') kill(Number(id), signal);
    }),
  );
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // already gone
  }
}

async function answers(port: number): Promise<void> {
  await until(
    'sshd to answer',
    READY_WITHIN_MS,
    () =>
      new Promise<boolean>((done) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('data', () => done(true)).once('error', () => done(false));
        socket.once('close', () => done(false));
        socket.once('data', () => socket.destroy());
      }),
  );
}
