/**
 * What it costs to count what a dump holds while it goes by: CPU seconds per GiB of the scanners alone, of the pipeline without them
 * (SHA-256 of the dump, zstd 3, SHA-256 of what is stored), and of a run's whole way of the bytes without them (SSH, the pipeline, the
 * upload over TLS). Each is measured in each round; printed are medians, and the least and the most of the shares.
 *
 *   node scripts/with-node.mjs --build bench/counting.ts [MEBIBYTES] [--rounds N] [--no-run]
 *
 * Ends with status 1 where counting takes more than a tenth of a run. Needs root and openssh-server, but with --no-run.
 */

import { parseArgs } from 'node:util';
import type { EndProof } from '../src/engines/engine.ts';
import { openPipeline } from '../src/transfer/node/pipeline.ts';
import { CASES, type CountingCase, chunksOf } from './counting-rows.ts';
import { openRunBed, type RunBed } from './counting-run.ts';
import { fixed, GIB, MIB, median } from './figures.ts';

const MOST_PERCENT = 10;
const SILENT: EndProof = { observe: () => {}, finish: () => {} };

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, 'no-run': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const mebibytes = Number(positionals[0] ?? 256);
const bed = values['no-run'] ? null : await openRunBed();
const missed: string[] = [];
console.log(
  `| ${mebibytes} MiB of | scanner, CPU s/GiB | pipeline without | share | run without | share of the run |`,
);
console.log('|---|---|---|---|---|---|');
for (const one of CASES) {
  const rounds = await measured(one);
  const of = (key: keyof Round) => rounds.map((round) => round[key]);
  const share = (key: 'pipeline' | 'run') =>
    rounds.map((round) => (100 * round.scanner) / (round[key] + round.scanner));
  const cells = [
    ...[
      one.name,
      fixed(median(of('scanner')), 2),
      fixed(median(of('pipeline'))),
      described(share('pipeline')),
    ],
    ...(bed === null ? ['', ''] : [fixed(median(of('run'))), described(share('run'))]),
  ];
  console.log(`| ${cells.join(' | ')} |`);
  if (bed !== null && median(share('run')) > MOST_PERCENT) missed.push(one.name);
}
await bed?.stop();
for (const name of missed)
  console.error(`missed: counting ${name} takes more than ${MOST_PERCENT} % of a run`);
process.exit(missed.length === 0 ? 0 : 1);

/** CPU seconds per GiB. */
interface Round {
  readonly scanner: number;
  readonly pipeline: number;
  /** NaN without a bed. */
  readonly run: number;
}

async function measured(one: CountingCase): Promise<readonly Round[]> {
  const chunks = chunksOf(one);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const times = Math.ceil((mebibytes * MIB) / bytes);
  const perGib = async (work: () => Promise<unknown>) => ((await cpuOf(work)) * GIB) / (times * bytes);
  const rounds: Round[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    rounds.push({
      scanner: await perGib(async () => scan(one, chunks, times)),
      pipeline: await perGib(() => through(repeated(chunks, times), drain)),
      run: bed === null ? Number.NaN : await perGib(() => run(bed, chunks, times)),
    });
  }
  return rounds;
}

function scan({ newProof, head }: CountingCase, chunks: readonly Buffer[], times: number): void {
  const proof = newProof();
  proof.observe(head);
  for (let time = 0; time < times; time += 1) for (const chunk of chunks) proof.observe(chunk);
}

async function run(bed: RunBed, chunks: readonly Buffer[], times: number): Promise<void> {
  await through(await bed.source(chunks, times), bed.store);
}

async function through(
  source: AsyncIterable<Uint8Array>,
  store: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const plan = { newEndProof: () => SILENT, compression: { type: 'zstd', level: 3 } } as const;
  await store(openPipeline(source, plan, new AbortController().signal).stream);
}

async function* repeated(chunks: readonly Buffer[], times: number) {
  for (let time = 0; time < times; time += 1) yield* chunks;
}

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function described(shares: readonly number[]): string {
  return `${fixed(median(shares))} % (${fixed(Math.min(...shares))} to ${fixed(Math.max(...shares))})`;
}
