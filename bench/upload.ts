import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { appEnvironment, appFlags } from '../scripts/app-memory.mjs';
import { writeDumpText } from './dump-text.ts';
import { GIB, MIB, median, rotate } from './figures.ts';
import { type Measured, measure } from './measure.ts';
import { newFolder, type Storage } from './storage.ts';

export interface UploadFigures {
  readonly storage: string;
  readonly bytes: number;
  readonly clients: readonly ClientFigures[];
}

/** Medians of the rounds; the ratios are to ours, of the same round. */
export interface ClientFigures {
  readonly name: string;
  readonly mibPerSecond: number;
  readonly cpuSecondsPerGib: number;
  readonly peakRssBytes: number;
  readonly cpuToOurs: number;
  readonly secondsToOurs: number;
}

/** One client: the command that puts its stdin under the key. */
export interface Uploader {
  readonly name: string;
  readonly command: (key: string) => readonly string[];
  readonly env: (key: string) => NodeJS.ProcessEnv;
}

const REPOSITORY = resolve(import.meta.dirname, '..');
const BLOCK_MIB = 64;
const WITHIN_MS = 10 * 60_000;

/** The same bytes by the same pipe into the same server, by each client in turn. */
export async function benchUpload(
  storage: Storage,
  options: { readonly mebibytes: number; readonly rounds: number; readonly say: (line: string) => void },
): Promise<UploadFigures> {
  const folder = await newFolder();
  const block = join(folder, 'dump.sql');
  await writeDumpText(block, BLOCK_MIB);
  const feed = { file: block, times: Math.max(1, Math.round(options.mebibytes / BLOCK_MIB)) };
  const bytes = feed.times * BLOCK_MIB * MIB;
  const uploaders = await uploadersTo(storage, folder);
  const taken = new Map<string, Measured[]>(uploaders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const { name, command, env } of rotate(uploaders, round)) {
      const key = `upload/${round}/${name.replaceAll(/\W+/g, '-')}.sql`;
      const measured = await measure(command(key), { env: env(key), feed, withinMs: WITHIN_MS });
      taken.get(name)?.push(measured);
      options.say(
        `upload, round ${round + 1}: ${name}: ${measured.seconds.toFixed(1)} s, ${((measured.cpuSeconds / bytes) * GIB).toFixed(2)} CPU s/GiB, ${(measured.peakRssBytes / MIB).toFixed(0)} MiB`,
      );
    }
  }
  return { storage: storage.name, bytes, clients: compare(taken, bytes) };
}

function compare(taken: ReadonlyMap<string, readonly Measured[]>, bytes: number): ClientFigures[] {
  const [ours = []] = taken.values();
  return [...taken].map(([name, rounds]) => {
    const over = (pick: (one: Measured) => number) => median(rounds.map(pick));
    const toOurs = (pick: (one: Measured) => number) =>
      median(rounds.map((one, round) => pick(one) / pick(ours[round] ?? one)));
    return {
      name,
      mibPerSecond: over(({ seconds }) => bytes / MIB / seconds),
      cpuSecondsPerGib: over(({ cpuSeconds }) => (cpuSeconds / bytes) * GIB),
      peakRssBytes: over(({ peakRssBytes }) => peakRssBytes),
      cpuToOurs: toOurs(({ cpuSeconds }) => cpuSeconds),
      secondsToOurs: toOurs(({ seconds }) => seconds),
    };
  });
}

async function uploadersTo(storage: Storage, folder: string): Promise<Uploader[]> {
  const programs = await bundleClients();
  const own = (key: string) => ({
    ...cleanEnvironment(),
    BENCH_ENDPOINT: storage.endpoint,
    BENCH_REGION: storage.region,
    BENCH_ACCESS_KEY: storage.accessKey,
    BENCH_SECRET_KEY: storage.secretKey,
    BENCH_CA_FILE: storage.caFile,
    BENCH_BUCKET: storage.bucket,
    BENCH_KEY: key,
  });
  return [
    {
      name: 'BRIDGEPORT Storage',
      command: () => [process.execPath, ...appFlags, programs.ours],
      env: (key) => ({ ...own(key), ...appEnvironment }),
    },
    { name: '@aws-sdk/lib-storage', command: () => [process.execPath, programs.libStorage], env: own },
    {
      name: '@aws-sdk/lib-storage, 16 MiB parts, no checksum',
      command: () => [process.execPath, programs.libStorage],
      env: (key) => ({ ...own(key), BENCH_TUNED: '1' }),
    },
    {
      name: 'aws s3 cp -',
      command: (key) => [
        ...['/usr/bin/aws', 's3', 'cp', '--no-progress', '--endpoint-url', storage.endpoint],
        ...['-', `s3://${storage.bucket}/${key}`],
      ],
      env: () => ({
        ...cleanEnvironment(),
        AWS_ACCESS_KEY_ID: storage.accessKey,
        AWS_SECRET_ACCESS_KEY: storage.secretKey,
        AWS_DEFAULT_REGION: storage.region,
        AWS_CA_BUNDLE: storage.caFile,
        AWS_CONFIG_FILE: join(folder, 'no-aws-config'),
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-aws-credentials'),
        AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
        AWS_EC2_METADATA_DISABLED: 'true',
      }),
    },
    {
      name: 'rclone rcat',
      command: (key) => rcloneCommand(storage, key),
      env: () => rcloneEnvironment(storage, folder),
    },
  ];
}

/** Bundled alike, so that none pays more than another for being loaded. */
async function bundleClients(): Promise<{ readonly ours: string; readonly libStorage: string }> {
  const folder = join(REPOSITORY, 'dist/bench');
  await build({
    entryPoints: [
      join(REPOSITORY, 'bench/clients/ours.ts'),
      join(REPOSITORY, 'bench/clients/lib-storage.ts'),
    ],
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return { ours: join(folder, 'ours.js'), libStorage: join(folder, 'lib-storage.js') };
}

/** Debian's rclone with its defaults. */
export function rcloneCommand(storage: Storage, key: string): readonly string[] {
  return ['/usr/bin/rclone', 'rcat', '--ca-cert', storage.caFile, `bench:${storage.bucket}/${key}`];
}

export function rcloneEnvironment(storage: Storage, folder: string): NodeJS.ProcessEnv {
  return {
    ...cleanEnvironment(),
    RCLONE_CONFIG: join(folder, 'no-rclone-config'),
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
    RCLONE_CONFIG_BENCH_ENDPOINT: storage.endpoint,
    RCLONE_CONFIG_BENCH_REGION: storage.region,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: storage.accessKey,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: storage.secretKey,
    RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: 'true',
    RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
  };
}

/** The system's tools, and nothing of the caller's configuration. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent' };
}
