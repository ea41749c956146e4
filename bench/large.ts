import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LOGIN } from '../dev/fill/fill.ts';
import type { Size } from '../dev/fill/size.ts';
import { type App, startApp } from './app.ts';
import { median, percentile, rotate } from './figures.ts';
import { fillFolder, signInToPages, untilQuiet } from './filled.ts';
import { findTargets } from './large-targets.ts';
import { cpuMsOf } from './measure.ts';
import { referenceMs } from './reference.ts';
import { freePort } from './site.ts';
import { newFolder } from './storage.ts';

export interface LargeFigures {
  readonly size: Size;
  readonly fillSeconds: number;
  /** Of the database file. */
  readonly bytes: number;
  /** Median, to the first answer of /health. */
  readonly startMs: number;
  readonly pages: readonly PageFigures[];
  /** CPU time of the reference, the median of the rounds: how fast the machine was while it asked for the pages. */
  readonly referenceMs: number;
  /** What the worker does by itself. */
  readonly rounds: { readonly seconds: number; readonly blockMs: number };
  readonly abandoned: { readonly idleP99Ms: number; readonly healthP99Ms: number };
}

export interface PageFigures {
  readonly name: string;
  /** CPU time of the process for one request, asked one after the other: the median of the rounds. */
  readonly cpuMs: number;
  readonly mostCpuMs: number;
  /** The most CPU time in one piece. */
  readonly blockMs: number;
  /** At 50 requests a second, and of /health at the same time: how loaded the machine is. */
  readonly p99Ms: number;
  readonly healthP99Ms: number;
}

const BLOCK_MS = 50;
const START_MS = 600;
const P99_MS = 50;
/** With /health slower than that, the machine is too busy for its times to tell anything. */
const QUIET_HEALTH_MS = 5;
const ABANDONED_RATIO = 20;

const STARTS = 3;
const WARM_UP = 25;
/** After the other pages have been asked for. */
const WARM_AGAIN = 5;
/** Of rounds over all pages the median counts: what disturbs the machine for a minute falls into one of them. */
const ROUNDS = 5;
const MEASURED = 25;
const PER_SECOND = 50;
const SECONDS = 4;
const ABANDONED = 300;
/** Of which the median counts: the first one runs through code that V8 has not compiled yet. */
const BURSTS = 3;
/** Longer than the pause between two sweeps. */
const ROUNDS_SECONDS = 20;

/** Lists and pages of a large installation: what they cost, and what they do to each other. */
export async function benchLarge(options: {
  readonly size: Size;
  readonly say: (line: string) => void;
}): Promise<LargeFigures> {
  const { size, say } = options;
  const dataDir = join(await newFolder(), 'data');
  const fillSeconds = await fillFolder(dataDir, size);
  const { size: bytes } = statSync(join(dataDir, 'bridgeport.sqlite'));
  say(`large: filled in ${fillSeconds.toFixed(1)} s`);
  const starts: number[] = [];
  while (starts.length < STARTS) {
    const app = await startApp({ dataDir, port: await freePort() });
    starts.push(app.startedInMs);
    await app.stop();
  }
  say(`large: start ${median(starts).toFixed(0)} ms`);
  await withApp({ dataDir, watchLoop: false }, scheduleAll);
  const blocks = await withApp({ dataDir, watchLoop: true }, (app) => measureBlocks(app, say));
  const costs = await withApp({ dataDir, watchLoop: false }, (app) => measureCosts(app, say));
  return {
    size,
    fillSeconds,
    bytes,
    startMs: median(starts),
    pages: costs.pages.map((page) => ({ ...page, blockMs: blocks.pages.get(page.name) ?? Number.NaN })),
    referenceMs: costs.referenceMs,
    rounds: { seconds: ROUNDS_SECONDS, blockMs: blocks.roundsMs },
    abandoned: costs.abandoned,
  };
}

/** What the figures say against what is wanted, a sentence each. */
export function missedBounds({ pages, startMs, rounds, abandoned }: LargeFigures): readonly string[] {
  const { idleP99Ms, healthP99Ms } = abandoned;
  return [
    ...pages.flatMap((page) => [
      ...over(`CPU of ${page.name}`, page.cpuMs, page.mostCpuMs),
      ...over(`a block of ${page.name}`, page.blockMs, BLOCK_MS),
      ...(page.healthP99Ms <= QUIET_HEALTH_MS ? over(`p99 of ${page.name}`, page.p99Ms, P99_MS) : []),
    ]),
    ...over('start', startMs, START_MS),
    ...over('a block of the worker', rounds.blockMs, BLOCK_MS),
    ...over('/health beside abandoned storage pages', healthP99Ms, ABANDONED_RATIO * idleP99Ms),
  ];
}

function over(what: string, ms: number, mostMs: number): readonly string[] {
  return ms <= mostMs ? [] : [`${what}: ${ms.toFixed(1)} ms, at most ${mostMs.toFixed(1)} ms are wanted`];
}

/** A rule for all databases, so that pages have schedules to tell of; none of them is due while the bench runs. */
async function scheduleAll(app: App): Promise<void> {
  const api = await app.signIn(LOGIN);
  const hour = (new Date().getUTCHours() + 12) % 24;
  const rule = { name: 'All', cronExpression: `0 ${hour} * * *`, timeZone: 'UTC' };
  await api.ask('POST', '/api/schedules/rules', rule);
}

async function withApp<T>(
  options: { readonly dataDir: string; readonly watchLoop: boolean },
  use: (app: App) => Promise<T>,
): Promise<T> {
  const app = await startApp({ ...options, port: await freePort() });
  try {
    return await use(app);
  } finally {
    await app.stop();
  }
}

async function repeat(times: number, ask: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) await ask();
}

async function measureBlocks(app: App, say: (line: string) => void) {
  const targets = await findTargets(app);
  await untilQuiet(app);
  const pages = new Map<string, number>();
  for (const { name, ask } of targets) {
    await repeat(WARM_UP, ask);
    await app.longestBlockMs();
    await repeat(MEASURED, ask);
    const blockMs = await app.longestBlockMs();
    pages.set(name, blockMs);
    say(`large: ${name}: longest block ${blockMs.toFixed(1)} CPU ms`);
  }
  await new Promise((done) => setTimeout(done, ROUNDS_SECONDS * 1000));
  const roundsMs = await app.longestBlockMs();
  say(
    `large: longest block ${Math.max(...pages.values()).toFixed(1)} ms, of the worker ${roundsMs.toFixed(1)} ms`,
  );
  return { pages, roundsMs };
}

async function measureCosts(app: App, say: (line: string) => void) {
  const targets = await findTargets(app);
  await untilQuiet(app);
  // What the pages share is compiled before any of them is measured, as in an app that has run for an hour: else the first ones would pay
  // for all.
  for (const { ask } of targets) await repeat(WARM_UP, ask);
  const { costs, references } = await costsOf(app, targets);
  say(`large: the reference took ${median(references).toFixed(0)} CPU ms`);
  const pages: Omit<PageFigures, 'blockMs'>[] = [];
  for (const { name, mostCpuMs, ask } of targets) {
    const cpuMs = median(costs.get(name) ?? []);
    const [times, health] = await Promise.all([
      atRate(PER_SECOND, SECONDS, ask),
      atRate(PER_SECOND / 2, SECONDS, () => askHealth(app)),
    ]);
    const [p99Ms, healthP99Ms] = [percentile(times, 99), percentile(health, 99)];
    pages.push({ name, mostCpuMs, cpuMs, p99Ms, healthP99Ms });
    say(
      `large: ${name}: ${cpuMs.toFixed(1)} CPU ms, p99 ${p99Ms.toFixed(0)} ms, /health ${healthP99Ms.toFixed(0)} ms`,
    );
  }
  const idleP99Ms = percentile(await atRate(100, 3, () => askHealth(app)), 99);
  const cookie = await signInToPages(app);
  const bursts: number[] = [];
  while (bursts.length < BURSTS) {
    const asked = atRate(100, 3, () => askHealth(app));
    for (let page = 0; page < ABANDONED; page += 1) abandon(app, '/admin/storage', cookie);
    bursts.push(percentile(await asked, 99));
  }
  const healthP99Ms = median(bursts);
  say(`large: abandoned pages: /health ${healthP99Ms.toFixed(0)} ms, idle ${idleP99Ms.toFixed(1)} ms`);
  return { pages, referenceMs: median(references), abandoned: { idleP99Ms, healthP99Ms } };
}

/** By the name of the page, the CPU time of one request in each round, and that of the reference beside it. */
async function costsOf(app: App, targets: Awaited<ReturnType<typeof findTargets>>) {
  const costs = new Map<string, number[]>(targets.map(({ name }) => [name, []]));
  const references: number[] = [];
  // Compiled, as the pages are.
  referenceMs();
  for (let round = 0; round < ROUNDS; round += 1) {
    // Begun elsewhere each time: what the app does once a minute by itself must not meet the same pages in each round.
    for (const { name, ask } of rotate(targets, Math.floor((round * targets.length) / ROUNDS))) {
      await repeat(WARM_AGAIN, ask);
      const before = cpuMsOf(app.pid);
      await repeat(MEASURED, ask);
      costs.get(name)?.push((cpuMsOf(app.pid) - before) / MEASURED);
    }
    references.push(referenceMs());
  }
  return { costs, references };
}

/** Again where the app has just closed a connection that stood idle while it was busy. */
async function askHealth(app: App): Promise<void> {
  const ask = async () => (await fetch(`${app.url}/health`)).text();
  await ask().catch(ask);
}

/** Starts one at each beat, whether earlier ones have ended or not; gives the ms of each, in no order. */
async function atRate(
  perSecond: number,
  seconds: number,
  ask: () => Promise<void>,
): Promise<readonly number[]> {
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let beat = 0; beat < perSecond * seconds; beat += 1) {
    const wait = startedAt + (beat * 1000) / perSecond - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    const at = performance.now();
    asked.push(ask().then(() => void times.push(performance.now() - at)));
  }
  await Promise.all(asked);
  return times;
}

/** Asks for a page and goes away before the answer. */
function abandon(app: App, path: string, cookie: string): void {
  const { hostname, port, host } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\n\r\n`, () => socket.destroy());
}
