import { startApp } from './app.ts';
import { median } from './figures.ts';
import { currentRss } from './measure.ts';
import { freePort } from './site.ts';

export interface StartFigures {
  /** Medians, from the start of the process to the first answer of /health: on an empty folder, and on a used one. */
  readonly firstStartMs: number;
  readonly coldStartMs: number;
  readonly idleRssBytes: number;
  readonly idleAfterMs: number;
}

const IDLE_AFTER_MS = 5_000;

export async function benchStart(options: {
  readonly rounds: number;
  readonly say: (line: string) => void;
}): Promise<StartFigures> {
  const first: number[] = [];
  const later: number[] = [];
  const idle: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const fresh = await startApp({ port: await freePort() });
    first.push(fresh.startedInMs);
    await fresh.stop();
    const again = await startApp({ port: await freePort(), dataDir: fresh.dataDir });
    later.push(again.startedInMs);
    if (round < 3) {
      await new Promise((done) => setTimeout(done, IDLE_AFTER_MS));
      idle.push(currentRss(again.pid));
    }
    await again.stop();
    options.say(
      `start, round ${round + 1}: ${fresh.startedInMs.toFixed(0)} ms with an empty folder, ${again.startedInMs.toFixed(0)} ms after that`,
    );
  }
  return {
    firstStartMs: median(first),
    coldStartMs: median(later),
    idleRssBytes: median(idle),
    idleAfterMs: IDLE_AFTER_MS,
  };
}
