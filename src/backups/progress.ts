import type { BackupStep } from '../db/schema.ts';
import type { RunProgress } from '../runs/runs.ts';

/** How far one run is. Marks as in the HTTP contract: 10 started, 30 connected, 80 all sent, 90 reading back. */
export interface ProgressTracker {
  readonly step: BackupStep;
  enter(step: BackupStep, mark: number): void;
  expect(estimatedBytes: number | null): void;
  /** Bytes so far: from the dump tool, and accepted by the store. */
  count(bytes: { read?: number; stored?: number }): void;
  /** Who is to give the next byte, or to take it. */
  waitFor(whom: 'storage' | 'host'): void;
  snapshot(): RunProgress;
  /** When each step began, in the order of their beginning. */
  steps(): readonly StepBegun[];
}

/** A step of a run, and how long after the run's beginning it began. */
export interface StepBegun {
  readonly step: BackupStep;
  readonly afterMs: number;
}

export interface Clocks {
  readonly now: () => Date;
  /** See `Services`: only goes forward, whatever is done to the wall clock. */
  readonly uptimeMs: () => number;
}

/** A wait as long as that is told: shorter ones are everyday. */
const WAITING_AFTER_MS = 10_000;

const RATE_WINDOW_MS = 5_000;

export function trackProgress({ now, uptimeMs }: Clocks): ProgressTracker {
  let step: BackupStep = 'connect';
  let mark = 0;
  let estimatedBytes: number | null = null;
  let bytesRead = 0;
  let bytesStored = 0;
  const samples: { at: number; bytes: number }[] = [];
  let waitsFor: 'storage' | 'host' = 'host';
  let movedAt = uptimeMs();
  const begunAt = movedAt;
  const begun = new Map<BackupStep, number>();

  function waiting(): RunProgress['waiting'] {
    const waitedMs = uptimeMs() - movedAt;
    if (waitedMs < WAITING_AFTER_MS) return null;
    return { for: waitsFor, since: new Date(now().getTime() - waitedMs).toISOString() };
  }

  return {
    get step() {
      return step;
    },
    enter(next, nextMark) {
      const begins = BEGINS[nextMark];
      if (begins !== undefined && !begun.has(begins)) begun.set(begins, Math.round(uptimeMs() - begunAt));
      step = next;
      mark = nextMark;
      waitsFor = next === 'verify' || next === 'upload' ? 'storage' : 'host';
      movedAt = uptimeMs();
    },
    expect(estimate) {
      estimatedBytes = estimate;
    },
    count(bytes) {
      if ((bytes.read ?? bytesRead) !== bytesRead || (bytes.stored ?? bytesStored) !== bytesStored) {
        movedAt = uptimeMs();
      }
      bytesRead = bytes.read ?? bytesRead;
      bytesStored = bytes.stored ?? bytesStored;
      sample(samples, uptimeMs(), bytesRead);
    },
    waitFor(whom) {
      if (whom === waitsFor) return;
      movedAt = uptimeMs();
      waitsFor = whom;
    },
    snapshot: () => ({
      step,
      progress: mark === 30 ? 30 + shareOf50(bytesRead, estimatedBytes) : mark,
      bytesRead,
      bytesStored,
      estimatedBytes,
      bytesPerSecond: rate(samples, uptimeMs()),
      waiting: waiting(),
    }),
    steps: () => [...begun].map(([one, afterMs]) => ({ step: one, afterMs })),
  };
}

/** By its mark, since a run also enters a step to tell what a failure belongs to. */
const BEGINS: Readonly<Record<number, BackupStep>> = {
  10: 'connect',
  30: 'dump',
  80: 'upload',
  90: 'verify',
};

/** 0–50: the bytes read over the estimate; stays below 50 when the estimate was too small. */
function shareOf50(bytesRead: number, estimatedBytes: number | null): number {
  if (estimatedBytes === null || estimatedBytes <= 0) return 0;
  return Math.min(49, Math.floor((bytesRead / estimatedBytes) * 50));
}

function sample(samples: { at: number; bytes: number }[], at: number, bytes: number): void {
  const last = samples.at(-1);
  if (last && at - last.at < 250) return;
  samples.push({ at, bytes });
  while (samples.length > 2 && at - (samples[0]?.at ?? at) > RATE_WINDOW_MS) samples.shift();
}

function rate(samples: readonly { at: number; bytes: number }[], at: number): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || at <= first.at) return 0;
  return Math.round(((last.bytes - first.bytes) / (at - first.at)) * 1000);
}
