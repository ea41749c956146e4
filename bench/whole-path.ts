import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../test/support/postgres.ts';
import { fillDatabase } from '../test/support/postgres-data.ts';
import { type Sshd, startSshd } from '../test/support/sshd.ts';
import { median } from './figures.ts';
import { cpuSecondsOf, measure, peakRss } from './measure.ts';
import { type Site, startSite } from './site.ts';
import { newFolder, type Storage } from './storage.ts';
import { cleanEnvironment, rcloneCommand, rcloneEnvironment } from './upload.ts';

export interface WholePathFigures {
  readonly dumpBytes: number;
  readonly storedBytes: number;
  readonly app: RunFigures;
  readonly pipeline: RunFigures;
  /** The pipeline's seconds by the app's, in the median of the rounds: above 1, the app is faster. */
  readonly ratio: number;
}

interface RunFigures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export const ZSTD_LEVEL = 3;
const WITHIN_MS = 15 * 60_000;
const DATABASE = 'orders';

/**
 * A real database over a real sshd into the bucket: the app, from the request to the completed backup (looked at, proven
 * whole, read back), against `ssh … pg_dump | zstd | rclone rcat`, which has none of it to do.
 */
export async function benchWholePath(
  storage: Storage,
  options: { readonly mebibytes: number; readonly rounds: number; readonly say: (line: string) => void },
): Promise<WholePathFigures> {
  const { say } = options;
  const postgres = await startPostgres();
  const sshd = await startSshd();
  let site: Site | undefined;
  try {
    await postgres.createDatabase(DATABASE);
    say(`filling a database with ${options.mebibytes} MiB`);
    await fillDatabase(postgres, DATABASE, options.mebibytes);
    site = await startSite(storage, sshd, postgres);
    const database = await site.addDatabase(DATABASE, {
      backupCompression: 'zstd',
      backupCompressionLevel: ZSTD_LEVEL,
    });
    const pipeline = await preparePipeline(storage, sshd, postgres);
    const runs: { app: RunFigures; pipeline: RunFigures }[] = [];
    let bytes = { dumpBytes: 0, storedBytes: 0 };
    const runApp = async (running: Site) => {
      const { figures, ...sizes } = await backUp(running, database);
      bytes = sizes;
      return figures;
    };
    // The first one to read the database would read it from the disk, and find the app cold.
    await pipeline('whole-path/warm-up.sql.zst');
    await runApp(site);
    for (let round = 0; round < options.rounds; round += 1) {
      const first = round % 2 === 0 ? await runApp(site) : null;
      const piped = await pipeline(`whole-path/${round}.sql.zst`);
      const run = { app: first ?? (await runApp(site)), pipeline: piped };
      say(
        `whole path, round ${round + 1}: app ${describe(run.app)}; shell pipeline ${describe(run.pipeline)}`,
      );
      runs.push(run);
    }
    return {
      ...bytes,
      app: medians(runs.map(({ app }) => app)),
      pipeline: medians(runs.map((run) => run.pipeline)),
      ratio: median(runs.map((run) => run.pipeline.seconds / run.app.seconds)),
    };
  } finally {
    await site?.app.stop();
    await sshd.stop();
    await postgres.stop();
  }
}

async function backUp(site: Site, database: string) {
  const cpuBefore = cpuSecondsOf(site.app.pid);
  const startedAt = performance.now();
  const backup = await site.api.backUp(database, WITHIN_MS);
  return {
    figures: {
      seconds: (performance.now() - startedAt) / 1000,
      cpuSeconds: cpuSecondsOf(site.app.pid) - cpuBefore,
      peakRssBytes: peakRss(site.app.pid),
    },
    dumpBytes: Number(backup['bytesRead']),
    storedBytes: Number(backup['size']),
  };
}

/** The same cipher as the app's, which is faster than the one that ssh would choose. */
async function preparePipeline(storage: Storage, sshd: Sshd, postgres: TestPostgres) {
  const folder = await newFolder();
  const key = join(folder, 'key');
  const knownHosts = join(folder, 'known_hosts');
  const password = join(folder, 'password');
  await writeFile(key, sshd.privateKey);
  await chmod(key, 0o600);
  await writeFile(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey()}\n`);
  await writeFile(password, `${postgres.superuser.password}\n`, { mode: 0o600 });
  const dump =
    `IFS= read -r PGPASSWORD && export PGPASSWORD && exec ${postgres.programs}/pg_dump --format=plain ` +
    `--host=127.0.0.1 --port=${postgres.port} --username=${postgres.superuser.username} ${DATABASE}`;
  const options = ['-F', 'none', '-c', 'aes128-gcm@openssh.com', '-o', `UserKnownHostsFile=${knownHosts}`];
  const ssh = ['ssh', ...options, '-i', key, '-p', String(sshd.port), `${sshd.user}@${sshd.host}`, dump];
  return (objectKey: string) => {
    const upload = rcloneCommand(storage, objectKey);
    const line = `set -o pipefail; n=$1; shift; "\${@:1:n}" <"$0" | zstd -q -${ZSTD_LEVEL} | "\${@:n+1}"`;
    return measure(['bash', '-c', line, password, String(ssh.length), ...ssh, ...upload], {
      env: { ...cleanEnvironment(), ...rcloneEnvironment(storage, folder) },
      withinMs: WITHIN_MS,
    });
  };
}

function medians(runs: readonly RunFigures[]): RunFigures {
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
    peakRssBytes: median(runs.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

function describe({ seconds, cpuSeconds }: RunFigures): string {
  return `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s`;
}
