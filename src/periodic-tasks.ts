import { createChainer } from './audit/chain.ts';
import type { Sha256 } from './audit/chain-row.ts';
import { forgetOldAudit } from './audit/forget-old.ts';
import { hasUnchained } from './audit/unchained.ts';
import { endExpiredSessions } from './auth/sessions.ts';
import type { BackupRunContext } from './backups/context.ts';
import { watchForMissing } from './backups/missing.ts';
import { sweepDeleted } from './backups/remove-deleted.ts';
import { backupRules, type RepairRules } from './backups/repair-backup.ts';
import { repairCounts } from './backups/repair-counts.ts';
import { writeDueManifests } from './backups/write-manifest.ts';
import type { Channel } from './channels/channel.ts';
import type { Mailer } from './channels/mailer.ts';
import type { Config } from './config.ts';
import { beginDueDrills } from './drills/due.ts';
import { forgetOldDrills } from './drills/forget-old.ts';
import { forgetOldKeys } from './idempotency/keys.ts';
import { sweepLeftovers } from './leftovers/sweep.ts';
import { deliverDue, hasDue } from './notifications/deliver-due.ts';
import { forgetOldNews } from './notifications/forget-old.ts';
import { createTeller, hasNews } from './notifications/tell.ts';
import { sendDuePings } from './pings/send-due.ts';
import { hasWeeklyReport, tellWeeklyReport } from './reports/send-weekly.ts';
import { sweepRetentionDaily } from './retention/sweep.ts';
import { forgetOldLogs } from './runs/forget-old-logs.ts';
import type { PeriodicTask } from './runs/periodic.ts';
import type { Runs } from './runs/runs.ts';
import { createScheduler } from './schedules/scheduler.ts';
import { thinSlots } from './schedules/thin-slots.ts';
import { readSettings } from './settings/settings.ts';
import { deepTestIfDue } from './storage/deep-test.ts';
import { verifyIfDue } from './verifications/verify-due.ts';
import { type CertificateContext, watchCertificates } from './watches/certificates.ts';
import { type DiskContext, hasDiskNews, watchDisk } from './watches/disk.ts';
import { watchTokens } from './watches/tokens.ts';

/** Leftovers and tombstones are looked at this often. */
const SWEEP_EVERY_MS = 15_000;
/** Whether a backup is to be read in full: with a thousand databases, six of them are due each hour. */
const VERIFY_EVERY_MS = 5 * 60_000;
/** Apart from the sweep: a storage that refuses one keeps nothing else waiting. */
const MANIFESTS_EVERY_MS = 15_000;
const MISSING_EVERY_MS = 60_000;
const DISK_EVERY_MS = 30_000;
/** A look at a certificate asks its server for it. */
const CERTIFICATES_EVERY_MS = 6 * 3_600_000;
/** What may be told in the next minute as well, after pages. */
const WATCHES_FIRST_AFTER_MS = 60_000;
const REPORT_LOOK_EVERY_MS = 60_000;
const PINGS_EVERY_MS = 10_000;
/** What was written is chained within five seconds. */
const CHAIN_EVERY_MS = 4_000;
/** After an upgrade, all that was written before waits. */
const CHAIN_FIRST_AFTER_MS = 2_000;
/** People are told at once, as far as they can tell. */
const TELL_EVERY_MS = 1_000;
const WAYS_OUT = ['email', 'channel', 'webhook'] as const;
/** Whether the day’s look at all retention is due. */
const SWEEP_LOOK_EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** All that is done every so often. */
export function periodicTasks(
  context: BackupRunContext & {
    /** The time that schedules and retention go by. */
    readonly calendar: () => Date;
    readonly runs: Runs;
    readonly channel: Channel;
    readonly sha256: Sha256;
    readonly mailer: Mailer;
    readonly optimise: () => Promise<void>;
    readonly config: Pick<Config, 'schedulerEnabled' | 'schedulerCheckMs' | 'sessionTtlSeconds'>;
  } & Pick<DiskContext, 'freeSpace'> &
    Pick<CertificateContext, 'certificates' | 'storageCa' | 'publicUrl'>,
  timing: Partial<RepairRules> & { readonly sweepEveryMs?: number; readonly manifestsEveryMs?: number } = {},
): readonly PeriodicTask[] {
  const { db, now, optimise, config } = context;
  const inCalendar = { ...context, now: context.calendar };
  const { completeMayTakeMs } = backupRules(timing);
  return [
    {
      name: 'sweep',
      everyMs: timing.sweepEveryMs ?? SWEEP_EVERY_MS,
      async run(signal) {
        await sweepLeftovers(context, signal);
        await sweepDeleted(context, { completeMayTakeMs }, signal);
      },
    },
    {
      name: 'manifests',
      everyMs: timing.manifestsEveryMs ?? MANIFESTS_EVERY_MS,
      run: (signal) => writeDueManifests(context, signal),
    },
    ...(config.schedulerEnabled
      ? [{ name: 'schedules', everyMs: config.schedulerCheckMs, run: createScheduler(inCalendar) }]
      : []),
    ...(config.schedulerEnabled
      ? [
          {
            name: 'drills',
            everyMs: config.schedulerCheckMs,
            run: (signal: AbortSignal) => beginDueDrills(inCalendar, signal),
          },
        ]
      : []),
    // Apart from the scheduler: it tells of what that one does not do.
    {
      name: 'missing-backups',
      everyMs: MISSING_EVERY_MS,
      run: (signal) => watchForMissing(context, signal),
    },
    {
      name: 'disk-space',
      everyMs: DISK_EVERY_MS,
      firstAfterMs: WATCHES_FIRST_AFTER_MS,
      hasWork: () => hasDiskNews(context),
      run: () => watchDisk(context),
    },
    {
      name: 'token-endings',
      everyMs: HOUR_MS,
      firstAfterMs: WATCHES_FIRST_AFTER_MS,
      run: () => watchTokens(context),
    },
    {
      name: 'certificate-endings',
      everyMs: CERTIFICATES_EVERY_MS,
      firstAfterMs: WATCHES_FIRST_AFTER_MS,
      run: (signal) => watchCertificates(context, signal),
    },
    {
      name: 'weekly-report',
      everyMs: REPORT_LOOK_EVERY_MS,
      firstAfterMs: WATCHES_FIRST_AFTER_MS,
      hasWork: () => hasWeeklyReport(inCalendar),
      run: () => tellWeeklyReport(inCalendar),
    },
    { name: 'pings', everyMs: PINGS_EVERY_MS, run: (signal) => sendDuePings(context, signal) },
    {
      name: 'audit-chain',
      everyMs: CHAIN_EVERY_MS,
      firstAfterMs: CHAIN_FIRST_AFTER_MS,
      hasWork: () => hasUnchained(db),
      run: createChainer(context),
    },
    {
      name: 'audit-retention',
      everyMs: HOUR_MS,
      run: async (signal) => forgetOldAudit(context, (await readSettings(db)).auditLogRetentionDays, signal),
    },
    {
      name: 'notifications',
      everyMs: TELL_EVERY_MS,
      hasWork: () => hasNews(context),
      run: createTeller(context),
    },
    // Each way for itself: a mail server that does not answer keeps no chat waiting.
    ...WAYS_OUT.map((way) => ({
      name: `deliveries-${way}`,
      everyMs: TELL_EVERY_MS,
      hasWork: () => hasDue(context, way),
      run: (signal: AbortSignal) => deliverDue(context, way, signal),
    })),
    { name: 'old-notifications', everyMs: HOUR_MS, run: (signal) => forgetOldNews({ db, now }, signal) },
    { name: 'deep-test', everyMs: HOUR_MS, run: () => deepTestIfDue(context) },
    {
      name: 'verification',
      everyMs: VERIFY_EVERY_MS,
      run: async () => {
        const { fullReadEveryDays: everyDays } = await readSettings(db);
        return verifyIfDue({ ...context, everyDays });
      },
    },
    {
      name: 'retention',
      everyMs: SWEEP_LOOK_EVERY_MS,
      run: (signal) => sweepRetentionDaily(inCalendar, signal),
    },
    { name: 'idempotency-keys', everyMs: HOUR_MS, run: () => forgetOldKeys({ db, now }) },
    { name: 'expired-sessions', everyMs: HOUR_MS, run: () => endExpiredSessions(context) },
    {
      // What nobody waits for: it is begun once the app answers.
      name: 'upkeep',
      everyMs: DAY_MS,
      async run(signal) {
        await repairCounts(context, signal);
        await thinSlots({ db, now }, signal);
        await forgetOldDrills({ db, now });
        await forgetOldLogs({ db, now }, signal);
        if (!signal.aborted) await optimise();
      },
    },
  ];
}
