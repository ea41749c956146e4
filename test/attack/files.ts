import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { backupsOf, create, createEnvironment, type Ground, isOpen } from './ground.ts';
import { type HostileFile, hostileFiles } from './hostile-files.ts';

const run = promisify(execFile);
const ENDED_WITHIN_MS = 90_000;
const SECRET = 'the-secret-that-no-backup-may-hold';

interface Site extends Ground {
  readonly app: ChildApp;
  readonly sshd: Sshd;
  readonly environment: string;
  readonly server: string;
  /** Of the app's own machine. */
  readonly folder: string;
}

/** One machine that files lie on, the app's own or one behind SSH. */
interface Machine {
  readonly name: string;
  readonly serverId: string | null;
  readonly folder: string;
  shell(command: string): Promise<string>;
  /** Where this process sees a path of it. */
  see(path: string): string;
}

/**
 * Backs hostile SQLite files up, on a host and on the app's own machine, and restores what was completed with
 * `sqlite3 -safe`: nothing that a file says is run, written or given away.
 */
export async function attackWithFiles(ground: Ground, atMost: number): Promise<void> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'attack-files-'));
  const sshd = await startSshd();
  const local = join(folder, 'local');
  await mkdir(local);
  const app = await startChildApp(ground.program, {
    DATA_DIR: join(folder, 'data'),
    LOCAL_PATHS: local,
    LOG_LEVEL: 'debug',
  });
  try {
    const { environment, server } = await createEnvironment(app, sshd);
    const site: Site = { ...ground, app, sshd, environment, server, folder };
    const machines: readonly Machine[] = [
      {
        name: 'a host',
        serverId: server,
        folder: '/var/backups',
        shell: (command) => sshd.insideHost(command),
        see: (path) => sshd.hostPath(path),
      },
      {
        name: "the app's machine",
        serverId: null,
        folder: local,
        shell: async (command) => (await run('sh', ['-c', command])).stdout,
        see: (path) => path,
      },
    ];
    const files = hostileFiles().slice(0, atMost);
    const outcomes: Record<string, number> = {};
    for (const [index, file] of files.entries()) {
      const machine = machines[index % machines.length];
      if (machine === undefined) continue;
      const outcome = await tryFile(site, machine, file, index);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    console.log(
      `files: ${files.length} ${JSON.stringify(outcomes)} in ${Math.round((performance.now() - startedAt) / 1000)} s`,
    );
  } finally {
    await app.kill();
    await sshd.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function tryFile(site: Site, machine: Machine, file: HostileFile, index: number): Promise<string> {
  const { app, verdict } = site;
  const what = `${file.name} on ${machine.name}`;
  const paths = {
    canary: `${machine.folder}/canary-${index}`,
    secret: `${machine.folder}/secret-${index}`,
    file: `${machine.folder}/hostile-${index}.sqlite`,
    kept: `${machine.folder}/kept-${index}`,
  };
  const sql = file.sql.replaceAll('CANARY', paths.canary).replaceAll('SECRET', paths.secret);
  await writeFile(machine.see(paths.secret), SECRET);
  await writeFile(machine.see(`${paths.file}.sql`), sql);
  await machine.shell(
    `chmod 644 '${paths.secret}'; sqlite3 '${paths.file}' <'${paths.file}.sql' >/dev/null 2>&1; rm -f '${paths.canary}'; chmod 666 '${paths.file}'`,
  );
  const database = await create(app, 'database', `/api/environments/${site.environment}/databases`, {
    name: `hostile ${index} ü + 😀`,
    type: 'sqlite',
    filePath: paths.file,
    serverId: machine.serverId,
    backupStorageType: 'local',
    backupLocalPath: paths.kept,
  });
  await app.ask('POST', `/api/environments/${site.environment}/databases/${database}/test-connection`, {});
  await app.ask('POST', `/api/databases/${database}/backups`, {});
  const backup = await untilEnded(app, database);
  verdict.check(`${what}: the backup ends`, backup !== undefined);
  verdict.check(`${what}: no command is run by the backup`, !(await exists(machine.see(paths.canary))));
  if (backup?.['status'] !== 'completed') return 'refused';
  await checkDump(site, machine, what, { ...paths, dump: String(backup['storagePath']) });
  return 'completed';
}

async function untilEnded(app: ChildApp, database: string): Promise<Json | undefined> {
  const deadline = Date.now() + ENDED_WITHIN_MS;
  while (Date.now() < deadline) {
    const [backup] = await backupsOf(app, database);
    if (backup !== undefined && !isOpen(backup)) return backup;
    await pause(50);
  }
  return undefined;
}

/** What was completed holds no other file, and runs nothing where it is restored. */
async function checkDump(
  { verdict, folder }: Site,
  machine: Machine,
  what: string,
  paths: { readonly canary: string; readonly dump: string },
): Promise<void> {
  const stored = await readFile(machine.see(paths.dump));
  const dump = unpack(paths.dump, stored);
  const hex = Buffer.from(SECRET).toString('hex');
  verdict.check(
    `${what}: no other file is given away`,
    !dump.includes(SECRET) && !dump.toLowerCase().includes(hex),
  );
  const restore = join(folder, 'restore');
  await mkdir(restore, { recursive: true });
  // Of the machine that restores: a canary of its own.
  const canary = join(restore, 'canary');
  await writeFile(join(restore, 'dump.sql'), dump.replaceAll(paths.canary, canary));
  const restoring = run('sh', [
    '-c',
    'cd "$1" && sqlite3 -safe -bail restored.sqlite <dump.sql',
    'restore',
    restore,
  ]);
  await restoring.catch(() => undefined);
  const left = await readdir(restore);
  verdict.check(`${what}: no command is run by the restore`, !left.includes('canary'));
  await rm(restore, { recursive: true, force: true });
}

function unpack(name: string, stored: Buffer): string {
  if (name.endsWith('.gz')) return gunzipSync(stored).toString();
  if (name.endsWith('.zst')) return zstdDecompressSync(stored).toString();
  return stored.toString();
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
