import type { AuditFigures } from './audit.ts';
import { fixed, GIB, mib } from './figures.ts';
import type { LargeFigures } from './large.ts';
import type { MemoryFigures } from './memory.ts';
import type { MetricFigures } from './metrics.ts';
import type { RestoreFigures } from './restore.ts';
import type { StartFigures } from './start.ts';
import type { TokenFigures } from './tokens.ts';
import type { UnattendedFigures } from './unattended.ts';
import type { UploadFigures } from './upload.ts';
import { type WholePathFigures, ZSTD_LEVEL } from './whole-path.ts';

export interface Results {
  readonly at: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly arguments: readonly string[];
  readonly upload?: UploadFigures;
  readonly wholePath?: WholePathFigures;
  readonly restore?: RestoreFigures;
  readonly memory?: readonly MemoryFigures[];
  readonly start?: StartFigures;
  readonly large?: LargeFigures;
  readonly unattended?: UnattendedFigures;
  readonly tokens?: TokenFigures;
  readonly audit?: AuditFigures;
  readonly metrics?: MetricFigures;
}

/** The results as Markdown. */
export function describeResults(results: Results): string {
  const { at, machine, upload, wholePath, restore, memory, start, large, unattended, tokens, audit } =
    results;
  const { metrics } = results;
  return [
    `Measured ${at} on ${Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}.`,
    ...(upload ? [describeUpload(upload)] : []),
    ...(wholePath ? [describeWholePath(wholePath)] : []),
    ...(restore ? [describeRestore(restore)] : []),
    ...(memory ? [describeMemory(memory)] : []),
    ...(start ? [describeStart(start)] : []),
    ...(large ? [describeLarge(large)] : []),
    ...(unattended ? [describeUnattended(unattended)] : []),
    ...(tokens ? [describeTokens(tokens)] : []),
    ...(audit ? [describeAudit(audit)] : []),
    ...(metrics ? [describeMetrics(metrics)] : []),
  ].join('\n\n');
}

function describeAudit({ rows, pages, verify, exported }: AuditFigures): string {
  const costs = table(
    ['', 'ms', 'at most'],
    pages.map(({ name, cpuMs, mostCpuMs }) => [name, fixed(cpuMs, 1), fixed(mostCpuMs, 1)]),
  );
  const all = `Checking the chain takes ${fixed(verify.seconds, 1)} s, ${fixed(verify.blockMs, 0)} ms at most in one piece; exporting all as CSV ${fixed(exported.seconds, 1)} s and ${fixed(exported.blockMs, 0)} ms.`;
  return `**The audit**, ${rows} rows, CPU time of a request:\n\n${costs}\n\n${all}`;
}

function describeMetrics({ bytes, cpuMs, mostCpuMs, blockMs }: MetricFigures): string {
  return `**/metrics**, of 1,000 databases with 100,000 backups, ${mib(bytes)} MiB: ${fixed(cpuMs)} ms of CPU time (at most ${fixed(mostCpuMs)}), ${fixed(blockMs)} ms at most in one piece.`;
}

function describeTokens({ tokens, knownMs, unknownMs }: TokenFigures): string {
  return `**API tokens**, ${tokens} of them: the check of one takes ${fixed(knownMs, 2)} ms of CPU time, of one that is none ${fixed(unknownMs, 2)} ms.`;
}

function describeUnattended(figures: UnattendedFigures): string {
  return `**Schedules and retention**, CPU time:\n\n${table(
    ['', 'ms'],
    [
      ['`plan()` over 100,000 backups', fixed(figures.planMs)],
      ['its longest piece where others have their turn', fixed(figures.planBlockMs)],
      ['what is due, of 10,000 schedules', fixed(figures.dueMs)],
      ['preview of a database, of 1,000 with 100,000 backups', fixed(figures.previewMs)],
      ['what is to come within a day, of 1,000 databases', fixed(figures.upcomingMs)],
    ],
  )}`;
}

function describeUpload({ storage, bytes, clients }: UploadFigures): string {
  const rows = clients.map((client) => [
    client.name,
    fixed(client.mibPerSecond, 0),
    fixed(client.cpuSecondsPerGib, 2),
    `${fixed(client.cpuToOurs, 2)}×`,
    mib(client.peakRssBytes),
  ]);
  return `**Upload** of ${fixed(bytes / GIB, 2)} GiB from a pipe to the ${storage}:\n\n${table(
    ['client', 'MiB/s', 'CPU s/GiB', 'CPU to ours', 'peak RSS, MiB'],
    rows,
  )}`;
}

function describeWholePath(figures: WholePathFigures): string {
  const { dumpBytes, storedBytes, app, pipeline, ratio } = figures;
  const row = (name: string, run: typeof app) => [
    name,
    fixed(run.seconds),
    fixed(dumpBytes / run.seconds / 2 ** 20, 0),
    fixed(run.cpuSeconds),
    mib(run.peakRssBytes),
  ];
  return `**Whole path**: a PostgreSQL database over SSH, a plain dump of ${mib(dumpBytes)} MiB with zstd ${ZSTD_LEVEL}, ${mib(storedBytes)} MiB stored (the pipeline takes ${fixed(ratio, 2)}× the app's time):\n\n${table(
    ['', 'seconds', 'MiB/s', 'CPU s on this side', 'peak RSS, MiB'],
    [
      row('BRIDGEPORT Storage, proven and read back', app),
      row('`ssh … pg_dump \\| zstd \\| rclone rcat`', pipeline),
    ],
  )}`;
}

function describeRestore(figures: RestoreFigures): string {
  const { dumpBytes, storedBytes, appSeconds, pipelineSeconds, ratio, peakRssBytes: peak } = figures;
  const row = (name: string, seconds: number) => [
    name,
    fixed(seconds),
    fixed(dumpBytes / seconds / 2 ** 20, 0),
  ];
  return `**Restore** of a plain dump of ${mib(dumpBytes)} MiB with zstd ${ZSTD_LEVEL}, ${mib(storedBytes)} MiB stored, over SSH into PostgreSQL (the pipeline takes ${fixed(ratio, 2)}× the app's time). Peak RSS of the app: ${mib(peak.restore)} MiB (of the backup ${mib(peak.backup)}, of reading it in full ${mib(peak.verification)}). Reading it in full took ${fixed(figures.verifySeconds)} s, its backup ${fixed(figures.backupSeconds)} s:\n\n${table(
    ['', 'seconds', 'MiB/s'],
    [
      row('BRIDGEPORT Storage, proven, compared and analysed', appSeconds),
      row('of it, the loading', figures.loadSeconds),
      row('`rclone cat \\| zstd -d \\| ssh … psql`', pipelineSeconds),
    ],
  )}`;
}

function describeMemory(memory: readonly MemoryFigures[]): string {
  return `**Memory** of the app, for synthetic dumps over SSH:\n\n${table(
    ['', 'dump, GiB', 'seconds', 'peak RSS, MiB'],
    memory.map(({ name, dumpBytes, seconds, peakRssBytes }) => [
      name,
      fixed(dumpBytes / GIB),
      fixed(seconds, 0),
      mib(peakRssBytes),
    ]),
  )}`;
}

function describeStart({ firstStartMs, coldStartMs, idleRssBytes, idleAfterMs }: StartFigures): string {
  return `**Start** to the first answer of \`/health\`: ${fixed(coldStartMs, 0)} ms; the first of all, which makes the database: ${fixed(firstStartMs, 0)} ms. Idle RSS after ${idleAfterMs / 1000} s: ${mib(idleRssBytes)} MiB.`;
}

function describeLarge(figures: LargeFigures): string {
  const { size, fillSeconds, bytes, startMs, pages, rounds, abandoned } = figures;
  const rows = pages.map((page) => [
    page.name,
    fixed(page.cpuMs),
    fixed(page.blockMs),
    fixed(page.p99Ms, 0),
    fixed(page.healthP99Ms, 0),
  ]);
  return [
    `**Large installation**: ${size.databases} databases, ${size.backups} backups, ${size.environments} environments, ${size.servers} servers; ${mib(bytes)} MiB, made in ${fixed(fillSeconds, 0)} s. Start: ${fixed(startMs, 0)} ms. Longest block of CPU time of the worker in ${rounds.seconds} s: ${fixed(rounds.blockMs)} ms. 300 abandoned storage pages: p99 of \`/health\` ${fixed(abandoned.healthP99Ms, 0)} ms, idle ${fixed(abandoned.idleP99Ms)} ms. A fixed piece of work (bench/reference.ts), by which two runs compare, took ${fixed(figures.referenceMs, 0)} ms beside the CPU times.`,
    table(['', 'CPU ms', 'longest block, CPU ms', 'p99 at 50/s, ms', 'p99 of /health beside it, ms'], rows),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}
