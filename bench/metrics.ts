import { join } from 'node:path';
import { LOGIN } from '../dev/fill/fill.ts';
import type { Size } from '../dev/fill/size.ts';
import { startApp } from './app.ts';
import { median } from './figures.ts';
import { fillFolder, untilQuiet } from './filled.ts';
import { cpuMsOf } from './measure.ts';
import { freePort } from './site.ts';
import { newFolder } from './storage.ts';

/** What a scrape of a large installation costs, in milliseconds of CPU time, as Prometheus asks: compressed. */
export interface MetricFigures {
  /** Of the text, before it is compressed. */
  readonly bytes: number;
  readonly cpuMs: number;
  readonly mostCpuMs: number;
  /** The most in one piece, while one was made. */
  readonly blockMs: number;
}

/** As in an app that has run for an hour: what V8 has not compiled yet takes twice as long. */
const WARM_UP = 25;
const MEASURED = 20;
/** So long one text counts. */
const APART_MS = 1_100;
const BOUND_MS = 100;
const BLOCK_MS = 20;

export async function benchMetrics({
  size,
  say,
}: {
  readonly size: Size;
  readonly say: (line: string) => void;
}): Promise<MetricFigures> {
  const dataDir = join(await newFolder(), 'data');
  say(`metrics: filled in ${(await fillFolder(dataDir, size)).toFixed(1)} s`);
  const app = await startApp({ dataDir, port: await freePort(), watchLoop: true });
  try {
    const api = await app.signIn(LOGIN);
    const { token } = await api.ask('POST', '/api/admin/tokens', {
      ...{ name: 'prometheus', role: 'viewer', access: 'metrics', allEnvironments: true, expiresInDays: 1 },
      ownerUserId: await ownIdOf(api),
    });
    const scrape = async () => {
      const response = await fetch(`${app.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      if (response.status !== 200) throw new Error(`GET /metrics: ${response.status}`);
      return (await response.text()).length;
    };
    // What the worker does in its first minutes is no part of a scrape.
    await untilQuiet(app);
    for (let count = 0; count < WARM_UP; count += 1) {
      await scrape();
      await pause();
    }
    const took: number[] = [];
    const blocks: number[] = [];
    let bytes = 0;
    for (let count = 0; count < MEASURED; count += 1) {
      await app.longestBlockMs();
      const before = cpuMsOf(app.pid);
      bytes = await scrape();
      took.push(cpuMsOf(app.pid) - before);
      blocks.push(await app.longestBlockMs());
      await pause();
    }
    return {
      ...{ bytes, cpuMs: median(took), mostCpuMs: Math.max(...took) },
      blockMs: Math.max(...blocks),
    };
  } finally {
    await app.stop();
  }
}

/** What the figures say against what is wanted, a sentence each. */
export function missedMetrics({ cpuMs, blockMs }: MetricFigures): readonly string[] {
  return [
    ...(cpuMs > BOUND_MS ? [`metrics: ${cpuMs.toFixed(1)} ms, at most ${BOUND_MS} is wanted`] : []),
    ...(blockMs > BLOCK_MS
      ? [`metrics: ${blockMs.toFixed(1)} ms in one piece, at most ${BLOCK_MS} is wanted`]
      : []),
  ];
}

async function ownIdOf(api: Awaited<ReturnType<Awaited<ReturnType<typeof startApp>>['signIn']>>) {
  const { user } = await api.ask('GET', '/api/auth/me');
  return user !== null && typeof user === 'object' && 'id' in user ? String(user.id) : '';
}

const pause = () => new Promise((done) => setTimeout(done, APART_MS));
