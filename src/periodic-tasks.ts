import { endExpiredSessions } from './auth/sessions.ts';
import { sweepDeleted } from './backups/remove-deleted.ts';
import { backupRules, type RepairRules } from './backups/repair-backup.ts';
import { repairCounts } from './backups/repair-counts.ts';
import type { RunServices } from './backups/run-services.ts';
import { sweepLeftovers } from './backups/sweep.ts';
import { sweepRetention } from './retention/sweep.ts';
import type { PeriodicTask } from './runs/periodic.ts';
import type { Runs } from './runs/runs.ts';
import { testIfDue } from './storage/deep-test.ts';

/** Leftovers and tombstones are looked at this often. */
const SWEEP_EVERY_MS = 15_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** All that is done every so often. */
export function periodicTasks(
  services: RunServices & { readonly runs: Runs } & { readonly optimise: () => Promise<void> },
  timing: Partial<RepairRules> & { readonly sweepEveryMs?: number } = {},
): readonly PeriodicTask[] {
  const { db, now, optimise } = services;
  const { completeMayTakeMs } = backupRules(timing);
  return [
    {
      name: 'sweep',
      everyMs: timing.sweepEveryMs ?? SWEEP_EVERY_MS,
      async run(signal) {
        await sweepLeftovers(services, signal);
        await sweepDeleted(services, { completeMayTakeMs }, signal);
      },
    },
    { name: 'deep-test', everyMs: HOUR_MS, run: () => testIfDue(services) },
    { name: 'retention', everyMs: DAY_MS, run: (signal) => sweepRetention(services, signal) },
    { name: 'expired-sessions', everyMs: HOUR_MS, run: () => endExpiredSessions(db, now()) },
    {
      // What nobody waits for: it is begun once the app answers.
      name: 'upkeep',
      everyMs: DAY_MS,
      async run(signal) {
        await repairCounts(services, signal);
        if (!signal.aborted) await optimise();
      },
    },
  ];
}
