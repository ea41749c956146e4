import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { LOGIN } from '../dev/fill/fill.ts';
import type { Size } from '../dev/fill/size.ts';
import type { Api, Json } from './api.ts';
import { type App, startApp } from './app.ts';
import { median, percentile } from './figures.ts';
import { cpuMsOf } from './measure.ts';
import { endWithBench } from './processes.ts';
import { freePort } from './site.ts';
import { newFolder } from './storage.ts';
import { cleanEnvironment } from './upload.ts';

export interface LargeFigures {
  readonly size: Size;
  readonly fillSeconds: number;
  /** Of the database file. */
  readonly bytes: number;
  /** Median, to the first answer of /health. */
  readonly startMs: number;
  readonly pages: readonly PageFigures[];
  /** What the worker does by itself. */
  readonly rounds: { readonly seconds: number; readonly blockMs: number };
  readonly abandoned: { readonly idleP99Ms: number; readonly healthP99Ms: number };
}

export interface PageFigures {
  readonly name: string;
  /** CPU time of the process for one request, asked one after the other. */
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
const MEASURED = 50;
const PER_SECOND = 50;
const SECONDS = 4;
const ABANDONED = 300;
/** Of which the median counts: the first one runs through code that V8 has not compiled yet. */
const BURSTS = 3;
const QUIET_LOOKS = 180;
/** In each of so many seconds one after the other. */
const QUIET_CPU_MS = 30;
const QUIET_SECONDS = 4;
/** As many people: pages are limited for each session. */
const SESSIONS = 8;
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

/** Gives the seconds that it took. */
export async function fillFolder(dataDir: string, size: Size): Promise<number> {
  const program = resolve(import.meta.dirname, '../dev/fill/main.ts');
  const args = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
    env: { ...cleanEnvironment(), DATA_DIR: dataDir },
  });
  const forget = endWithBench(child.pid);
  const status = await new Promise((done) => child.once('close', done));
  forget();
  if (status !== 0) throw new Error(`filling ended with status ${status}`);
  return (performance.now() - startedAt) / 1000;
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

/** A rule for all databases, so that pages have schedules to tell of; none of them is due while the bench runs. */
async function scheduleAll(app: App): Promise<void> {
  const api = await app.signIn(LOGIN);
  const hour = (new Date().getUTCHours() + 12) % 24;
  const rule = { name: 'All', cronExpression: `0 ${hour} * * *`, timeZone: 'UTC' };
  await api.ask('POST', '/api/schedules/rules', rule);
}

/** The worker's first minutes, in which it finds a storage that does not answer, are nobody's page. */
export async function untilQuiet(app: App): Promise<void> {
  let quiet = 0;
  for (let look = 0; look < QUIET_LOOKS && quiet < QUIET_SECONDS; look += 1) {
    const before = cpuMsOf(app.pid);
    await new Promise((done) => setTimeout(done, 1000));
    quiet = cpuMsOf(app.pid) - before < QUIET_CPU_MS ? quiet + 1 : 0;
  }
}

interface Target {
  readonly name: string;
  readonly mostCpuMs: number;
  /** Asks it once, as the next of the sessions, to the end of the answer. Throws where that is no success. */
  ask(): Promise<void>;
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
  const pages: Omit<PageFigures, 'blockMs'>[] = [];
  for (const { name, mostCpuMs, ask } of targets) {
    await repeat(WARM_UP, ask);
    const before = cpuMsOf(app.pid);
    await repeat(MEASURED, ask);
    const cpuMs = (cpuMsOf(app.pid) - before) / MEASURED;
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
  return { pages, abandoned: { idleP99Ms, healthP99Ms } };
}

/** Lists and pages of the largest environment and database. */
async function findTargets(app: App): Promise<readonly Target[]> {
  const apis: Api[] = [];
  const cookies: string[] = [];
  while (apis.length < SESSIONS) {
    apis.push(await app.signIn(LOGIN));
    cookies.push(await signInToPages(app));
  }
  const [api] = apis;
  if (api === undefined) throw new Error('there is no session');
  const { environments } = await api.ask('GET', '/api/environments');
  const environment = idOf(rowsOf(environments).find(({ name }) => name === 'production'));
  const { databases } = await api.ask('GET', `/api/environments/${environment}/databases?limit=1000`);
  const largest = rowsOf(databases).toSorted((a, b) => backupsOf(b) - backupsOf(a))[0];
  const database = idOf(largest);
  const deep = Math.floor(backupsOf(largest ?? {}) / 25) * 25 - 25;
  const { servers } = await api.ask('GET', `/api/environments/${environment}/servers`);
  const server = idOf(rowsOf(servers)[0]);
  const { backups } = await api.ask('GET', `/api/databases/${database}/backups`);
  const backup = idOf(rowsOf(backups)[0]);

  let turn = 0;
  const target = (path: string, name: string, mostCpuMs: number): Target => ({
    name,
    mostCpuMs,
    async ask() {
      turn += 1;
      if (path.startsWith('/api/')) {
        await apis[turn % SESSIONS]?.ask('GET', path);
        return;
      }
      const headers = { cookie: cookies[turn % SESSIONS] ?? '' };
      const response = await fetch(app.url + path, { headers, redirect: 'manual' });
      await response.text();
      if (response.status !== 200) throw new Error(`GET ${path}: ${response.status}`);
    },
  });
  const { runs } = await api.ask('GET', '/api/runs');
  const run = idOf(rowsOf(runs)[0]);
  const { users } = await api.ask('GET', '/api/users');
  const user = idOf(rowsOf(users)[0]);
  const usual = [
    [`/?environment=all`, 'overview'],
    [`/?environment=${environment}`, 'overview of an environment'],
    [`/databases?environment=all`, 'databases'],
    [`/databases?environment=all&sort=name&offset=950`, 'databases by name, last page'],
    [`/databases?environment=all&sort=-size`, 'databases by size'],
    [`/databases?environment=all&q=z%C3%BCrich`, 'databases searched'],
    [`/databases?environment=${environment}&q=a`, 'databases of an environment, searched'],
    [`/environments/${environment}/databases/new`, 'form of a new database'],
    [`/runs?environment=all`, 'runs'],
    [`/runs?environment=${environment}`, 'runs of an environment'],
    [`/runs/running`, 'what runs anywhere, alone'],
    [`/schedules?environment=all`, 'schedules'],
    [`/schedules/rules/new`, 'form of a rule'],
    [`/servers?environment=all`, 'servers'],
    [`/servers?environment=${environment}`, 'servers of an environment'],
    [`/servers/${server}`, 'a server'],
    [`/servers/${server}/find`, 'databases to be found on a server'],
    [`/environments/${environment}/servers/new`, 'form of a new server'],
    [`/environments`, 'environments'],
    [`/environments/${environment}/settings`, 'settings of an environment'],
    [`/databases/${database}`, 'a database'],
    [`/databases/${database}?offset=${deep}`, 'a database, last page of its backups'],
    [`/databases/${database}/schedule`, 'a database, its schedule'],
    [`/databases/${database}/retention`, 'a database, its retention'],
    [`/databases/${database}/settings`, 'a database, its settings'],
    [`/databases/${database}/edit`, 'form of a database'],
    [`/databases/${database}/backups`, 'list of backups alone'],
    [`/databases/${database}/figures`, 'figures of a database alone'],
    [`/databases/${database}/runs?shown=`, 'what runs alone'],
    [`/backups/${backup}`, 'a backup'],
    [`/admin/users`, 'users'],
    [`/admin/users/${user}`, 'a user'],
    [`/admin/system`, 'system'],
    [`/admin/storage/edit`, 'form of the storage'],
    [`/account`, 'account'],
    [`/help`, 'help'],
    [`/api/environments`, '`/api/environments`'],
    [`/api/environments/${environment}/databases`, '`…/databases`'],
    [`/api/environments/${environment}/databases/backup-summary`, '`…/databases/backup-summary`'],
    [`/api/environments/${environment}/servers`, '`…/servers`'],
    [`/api/databases/${database}`, '`/api/databases/:id`'],
    [`/api/databases/${database}/backups`, '`…/backups`'],
    [`/api/databases/${database}/backups?offset=${deep}`, '`…/backups`, last page'],
    [`/api/backups/${backup}`, '`/api/backups/:id`'],
    [`/api/databases/${database}/schedule/history`, '`…/schedule/history`'],
    [`/api/databases/${database}/backup-policy`, '`…/backup-policy`'],
    [`/api/schedules`, '`/api/schedules`'],
    [`/api/schedules/rules`, '`/api/schedules/rules`'],
    [`/api/schedules/upcoming`, '`/api/schedules/upcoming`'],
    [`/api/runs`, '`/api/runs`'],
    [`/api/runs/${run}`, '`/api/runs/:id`'],
    [`/api/users`, '`/api/users`'],
    [`/api/settings/spaces`, '`/api/settings/spaces`'],
    [`/api/settings/spaces/environments`, '`…/spaces/environments`'],
    [`/api/settings/spaces/environments/${environment}/impact`, '`…/spaces/environments/:id/impact`'],
    [`/api/settings/spaces/impact`, '`…/spaces/impact`'],
    [`/api/settings/spaces/left-behind`, '`…/spaces/left-behind`'],
    [`/api/settings/system`, '`/api/settings/system`'],
  ] as const;
  return [target('/admin/storage', 'storage', 60), ...usual.map(([path, name]) => target(path, name, 15))];
}

const rowsOf = (value: unknown) => value as readonly Json[];
const idOf = (row: Json | undefined) => String(row?.['id']);
const backupsOf = (row: Json) => Number((row['_count'] as Json | undefined)?.['backups'] ?? 0);

/** The cookie of a new session of the filled installation's admin. */
export async function signInToPages(app: App): Promise<string> {
  const response = await fetch(`${app.url}/login`, {
    method: 'POST',
    headers: { origin: app.url },
    body: new URLSearchParams(LOGIN),
    redirect: 'manual',
  });
  await response.text();
  if (response.status !== 303) throw new Error(`signing in to the pages: ${response.status}`);
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
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
