import { insertPrune } from '../backups/ask-prune.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import type { Log } from '../log.ts';
import type { Runs } from '../runs/runs.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';
import { clockOf } from '../time-zone.ts';
import { decide } from './decide.ts';
import { readDefaults } from './defaults.ts';
import { removeFailedRuns } from './failed-runs.ts';

interface SweepContext extends Context {
  readonly runs: Runs;
  readonly log: Log;
}

/** By the clock of the installation's zone. */
const SWEEP_HOUR = 3;

/**
 * `sweepRetention` once a day, at three in the morning by the installation's clock; later where the app was not running then.
 * One that was stopped on its way begins again.
 */
export async function sweepRetentionDaily(context: SweepContext, signal: AbortSignal): Promise<void> {
  const { retentionSweptOn, timezone } = await readSettings(context.db);
  const { day, hour } = clockOf(context.now(), timezone);
  if (hour < SWEEP_HOUR || day === retentionSweptOn) return;
  await sweepRetention(context, signal);
  if (signal.aborted) return;
  await write(context.db, (trx) => saveSettings(trx, { retentionSweptOn: day }, context.now()));
}

/** Databases whose names are read at once. */
const IN_ONE_PIECE = 100;

/**
 * Looks at every database once: has those pruned that have something to prune (what was retained, in use or refused before, or
 * what a change of the installation's policy says), and removes the rows of old failed runs. One database after the other,
 * between which others have their turn. What fails for one is logged and does not keep the others from theirs.
 */
export async function sweepRetention(context: SweepContext, signal: AbortSignal): Promise<void> {
  for (let after = ''; ; ) {
    const piece = await context.db
      .selectFrom('databases')
      .select('id')
      .where('id', '>', after)
      .orderBy('id')
      .limit(IN_ONE_PIECE)
      .execute();
    for (const { id } of piece) {
      if (signal.aborted) return;
      await sweepDatabase(context, id).catch((error: unknown) =>
        context.log.error('the retention of a database could not be looked at', { databaseId: id, error }),
      );
      await new Promise((resolve) => setTimeout(resolve));
    }
    const last = piece.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

async function sweepDatabase({ db, now, runs }: SweepContext, databaseId: string): Promise<void> {
  const { failedDays } = await readDefaults(db);
  await write(db, (trx) => removeFailedRuns(trx, databaseId, { days: failedDays, now: now() }));
  const { due, loss, plan } = await decide(db, databaseId, { now: now() });
  const hasErrors = plan.keep.some(({ rotationError }) => rotationError !== null);
  if (due.length === 0 && loss === null && !hasErrors) return;
  await write(db, (trx) => insertPrune(trx, { databaseId, trigger: 'sweep', userId: null }, now()));
  runs.wake();
}
