import { fixed, GIB, mib } from './figures.ts';
import type { MemoryFigures } from './memory.ts';
import type { StartFigures } from './start.ts';
import type { UploadFigures } from './upload.ts';
import { type WholePathFigures, ZSTD_LEVEL } from './whole-path.ts';

export interface Results {
  readonly at: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly arguments: readonly string[];
  readonly upload?: UploadFigures;
  readonly wholePath?: WholePathFigures;
  readonly memory?: readonly MemoryFigures[];
  readonly start?: StartFigures;
}

/** The results as Markdown. */
export function describeResults(results: Results): string {
  const { at, machine, upload, wholePath, memory, start } = results;
  return [
    `Measured ${at} on ${Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}.`,
    ...(upload ? [describeUpload(upload)] : []),
    ...(wholePath ? [describeWholePath(wholePath)] : []),
    ...(memory ? [describeMemory(memory)] : []),
    ...(start ? [describeStart(start)] : []),
  ].join('\n\n');
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

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}
