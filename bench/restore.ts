import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../test/support/postgres.ts';
import { fillDatabase } from '../test/support/postgres-data.ts';
import { type Sshd, startSshd } from '../test/support/sshd.ts';
import type { Api, Json } from './api.ts';
import { median } from './figures.ts';
import { forgetPeakRss, type Measured, measure, peakRss } from './measure.ts';
import { type Site, startSite } from './site.ts';
import { newFolder, type Storage } from './storage.ts';
import { cleanEnvironment, rcloneEnvironment } from './upload.ts';
import { ZSTD_LEVEL } from './whole-path.ts';

export interface RestoreFigures {
  readonly dumpBytes: number;
  readonly storedBytes: number;
  readonly backupSeconds: number;
  /** Of the reading in full that the `parsed` proof takes. */
  readonly verifySeconds: number;
  /** From the request to the compared and named database, in the median of the rounds. */
  readonly appSeconds: number;
  /** Of it, from the dump's first byte to its last: without the looks, the comparison and the statistics. */
  readonly loadSeconds: number;
  readonly pipelineSeconds: number;
  /** The pipeline's seconds by the app's, in the median of the rounds: above 1, the app is faster. */
  readonly ratio: number;
  /** Of the app's process while it does each; of the restores, the most of all. */
  readonly peakRssBytes: { readonly backup: number; readonly verification: number; readonly restore: number };
}

const WITHIN_MS = 60 * 60_000;
const POLL_MS = 100;
const DATABASE = 'orders';
const [BY_APP, BY_PIPELINE] = ['orders_by_app', 'orders_by_pipeline'];

/**
 * A plain dump with zstd out of a bucket over SSH into a new database: the app, which looks, proves, compares every table, analyses
 * and names it, against `rclone cat | zstd -d | ssh … psql`, which has none of it to do.
 */
export async function benchRestore(
  storage: Storage,
  options: { readonly mebibytes: number; readonly rounds: number; readonly say: (line: string) => void },
): Promise<RestoreFigures> {
  const { say } = options;
  const [postgres, sshd] = [await startPostgres(), await startSshd()];
  let site: Site | undefined;
  try {
    await postgres.createDatabase(DATABASE);
    say(`filling a database with ${options.mebibytes} MiB`);
    await fillDatabase(postgres, DATABASE, options.mebibytes);
    site = await startSite(storage, sshd, postgres);
    const { api } = site;
    const settings = { backupCompression: 'zstd', backupCompressionLevel: ZSTD_LEVEL };
    const database = await site.addDatabase(DATABASE, settings);
    const { pid } = site.app;
    const backedUp = await watched(pid, () => api.backUp(database, WITHIN_MS));
    const backup = backedUp.value;
    const read = await watched(pid, () => run(api, `/api/backups/${backup['id']}/verify`, {}));
    say(`backup ${backedUp.seconds.toFixed(1)} s, reading in full ${read.seconds.toFixed(1)} s`);
    const pipeline = await preparePipeline(storage, sshd, postgres);
    const [loads, peaks]: [number[], number[]] = [[], []];
    const byApp = async () => {
      const body = { newName: BY_APP };
      const path = `/api/backups/${backup['id']}/restore`;
      const { value: row, seconds, peakRssBytes } = await watched(pid, () => run(api, path, body));
      peaks.push(peakRssBytes);
      say(`restored in ${seconds.toFixed(1)} s, peak ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB`);
      await postgres.dropDatabase(BY_APP);
      loads.push(Number((row['restore'] as Json)['loadedMs']) / 1000);
      return seconds;
    };
    const byPipeline = async () => {
      await postgres.createDatabase(BY_PIPELINE);
      const { seconds } = await pipeline(String(backup['storagePath']));
      await postgres.dropDatabase(BY_PIPELINE);
      return seconds;
    };
    const runs: { readonly app: number; readonly pipeline: number }[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const first = round % 2 === 0 ? await byApp() : null;
      const piped = await byPipeline();
      const app = first ?? (await byApp());
      runs.push({ app, pipeline: piped });
      say(`restore, round ${round + 1}: app ${app.toFixed(1)} s; shell pipeline ${piped.toFixed(1)} s`);
    }
    return {
      ...{ dumpBytes: Number(backup['bytesRead']), storedBytes: Number(backup['size']) },
      ...{ backupSeconds: backedUp.seconds, verifySeconds: read.seconds },
      loadSeconds: median(loads),
      appSeconds: median(runs.map(({ app }) => app)),
      pipelineSeconds: median(runs.map((one) => one.pipeline)),
      ratio: median(runs.map((one) => one.pipeline / one.app)),
      peakRssBytes: {
        ...{ backup: backedUp.peakRssBytes, verification: read.peakRssBytes },
        restore: Math.max(...peaks),
      },
    };
  } finally {
    await site?.app.stop();
    await sshd.stop();
    await postgres.stop();
  }
}

/** What work of the app takes: seconds, and the most memory that its process held meanwhile. */
async function watched<T>(pid: number, work: () => Promise<T>) {
  forgetPeakRss(pid);
  const startedAt = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - startedAt) / 1000, peakRssBytes: peakRss(pid) };
}

/** Asks for a run, waits until it is completed, and gives it. */
async function run(api: Api, path: string, body: Json): Promise<Json> {
  const { runId } = await api.ask('POST', path, body);
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    const { run: row } = (await api.ask('GET', `/api/runs/${runId}`)) as { run: Json };
    if (row['state'] === 'completed') return row;
    if (!['pending', 'running'].includes(String(row['state']))) {
      throw new Error(`the run failed: ${JSON.stringify(row['error'])}`);
    }
    if (Date.now() > deadline) throw new Error('the run took too long');
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

/** The same cipher as the app's, which is faster than the one that ssh would choose. */
async function preparePipeline(
  storage: Storage,
  sshd: Sshd,
  postgres: TestPostgres,
): Promise<(objectKey: string) => Promise<Measured>> {
  const folder = await newFolder();
  const [key, knownHosts] = [join(folder, 'key'), join(folder, 'known_hosts')];
  const password = join(folder, 'password');
  await writeFile(key, sshd.privateKey);
  await chmod(key, 0o600);
  await writeFile(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey()}\n`);
  await writeFile(password, `${postgres.superuser.password}\n`, { mode: 0o600 });
  const restore =
    `IFS= read -r PGPASSWORD && export PGPASSWORD && exec ${postgres.programs}/psql -X -q -v ON_ERROR_STOP=1 ` +
    `--host=127.0.0.1 --port=${postgres.port} --username=${postgres.superuser.username} ${BY_PIPELINE}`;
  const options = ['-F', 'none', '-c', 'aes128-gcm@openssh.com', '-o', `UserKnownHostsFile=${knownHosts}`];
  const ssh = ['ssh', ...options, '-i', key, '-p', String(sshd.port), `${sshd.user}@${sshd.host}`, restore];
  return (objectKey) => {
    const remote = `bench:${storage.bucket}/${objectKey}`;
    const line = `set -o pipefail; { cat "$0"; rclone cat --ca-cert ${storage.caFile} "$1" | zstd -dcq; } | "\${@:2}" >/dev/null`;
    return measure(['bash', '-c', line, password, remote, ...ssh], {
      env: { ...cleanEnvironment(), ...rcloneEnvironment(storage, folder) },
      withinMs: WITHIN_MS,
    });
  };
}
