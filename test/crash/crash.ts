import { createRandom, type Verdict } from '../attack/verdict.ts';
import { openField } from './field.ts';
import { type Counts, prepareInstallation } from './installation.ts';

export interface CrashOptions {
  readonly kills: number;
  readonly installations: number;
  readonly seed: number;
}

export interface Crashed extends Counts {
  readonly slots: number;
  readonly ran: number;
  readonly pruned: number;
  readonly kept: number;
  /** Why backups failed, each reason once. */
  readonly failures: readonly string[];
}

/**
 * Kills installations side by side at random instants while their schedules and retention run through a calendar that is 60 times
 * as fast, and looks after each restart whether all that is said to be there is there, and nothing else.
 */
export async function crash(options: CrashOptions, verdict: Verdict): Promise<Crashed> {
  const startedAt = performance.now();
  const buckets = Array.from({ length: options.installations }, (_, index) => `crash-${index + 1}`);
  const counts: Counts = { kills: 0, checks: 0, downloads: 0 };
  const field = await openField(buckets);
  try {
    let left = options.kills;
    const mayKill = () => left-- > 0;
    const ends = await Promise.all(
      buckets.map(async (bucket, index) => {
        const random = createRandom(options.seed + index);
        const installation = await prepareInstallation(field, bucket, { verdict, random, counts });
        while (left > 0) {
          await installation.round(mayKill);
          const seconds = Math.round((performance.now() - startedAt) / 1000);
          console.log(`${bucket}: ${JSON.stringify(counts)} ${seconds} s, ${verdict.failed} failed`);
        }
        return installation.end();
      }),
    );
    const sum = (of: (end: (typeof ends)[number]) => number) => ends.reduce((all, end) => all + of(end), 0);
    return {
      ...counts,
      slots: sum(({ slots }) => slots),
      ran: sum(({ ran }) => ran),
      pruned: sum(({ pruned }) => pruned),
      kept: sum(({ completed }) => completed.length),
      failures: [...new Set(ends.flatMap(({ failures }) => failures))],
    };
  } finally {
    await field.close();
  }
}
