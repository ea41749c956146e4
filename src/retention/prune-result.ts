import * as z from 'zod';
import type { Db } from '../db/schema.ts';
import type { PruneError } from './prune.ts';

const LOOK_AGAIN_MS = 50;

const detail = z.object({ errors: z.array(z.object({ backupId: z.string(), error: z.string() })) });
const ended = z.object({ message: z.string() });

/**
 * What a prune that was asked for could not remove, as soon as it is over; nothing once the signal is aborted, while it goes on in
 * the background. One that had nothing to do leaves no row.
 */
export async function pruneErrors(
  db: Db,
  runId: string,
  signal: AbortSignal,
): Promise<readonly PruneError[]> {
  while (!signal.aborted) {
    const run = await db
      .selectFrom('runs')
      .select(['state', 'detail', 'error'])
      .where('id', '=', runId)
      .executeTakeFirst();
    if (run === undefined) return [];
    if (run.state !== 'pending' && run.state !== 'running') {
      const told = detail.safeParse(JSON.parse(run.detail ?? 'null'));
      if (told.success) return told.data.errors;
      const whole = ended.safeParse(JSON.parse(run.error ?? 'null'));
      return whole.success ? [{ backupId: '', error: whole.data.message }] : [];
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return [];
}
