import { breathe } from '../breathe.ts';
import type { Db } from '../db/schema.ts';
import { databaseMetrics } from './database-metrics.ts';
import { bytesOf, joinedBytes } from './exposition.ts';
import { type InstallationContext, installationMetrics } from './installation-metrics.ts';
import type { ProcessMetrics } from './process-metrics.ts';

export interface ScrapeContext extends InstallationContext {
  readonly db: Db;
  readonly now: () => Date;
  /** As of the services. */
  readonly uptimeMs: () => number;
  readonly processMetrics: Pick<ProcessMetrics, 'text'>;
}

/** So long a text counts: two Prometheus servers, or a hundred requests, cost what one does. */
const GOOD_FOR_MS = 1_000;

/**
 * Makes the text of all metrics as UTF-8, at most one at a time and one a second; who asks meanwhile gets the same. It is made in slices,
 * between which everything else has its turn.
 */
export function createScrape(context: ScrapeContext): () => Promise<Uint8Array<ArrayBuffer>> {
  let last: { readonly text: ReturnType<typeof scrape>; until: number } | undefined;
  return () => {
    if (last !== undefined && context.uptimeMs() < last.until) return last.text;
    const made = { text: scrape(context), until: Number.POSITIVE_INFINITY };
    last = made;
    made.text.then(
      () => {
        made.until = context.uptimeMs() + GOOD_FOR_MS;
      },
      // Who asked is told; the next one tries again.
      () => {
        made.until = 0;
      },
    );
    return made.text;
  };
}

async function scrape(context: ScrapeContext): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const read of [installationMetrics, databaseMetrics]) {
    const samples = await read(context);
    parts.push(...samples.parts());
    await breathe();
  }
  parts.push(bytesOf(await context.processMetrics.text()));
  await breathe();
  return joinedBytes(parts);
}
