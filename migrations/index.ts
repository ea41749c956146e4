import type { Migration } from 'kysely/migration';
import * as firstTables from './0001_first_tables.ts';
import * as storageProbes from './0002_storage_probes.ts';
import * as untrustedTargets from './0003_untrusted_targets.ts';
import * as signIn from './0004_sign_in.ts';
import * as waiting from './0005_waiting.ts';
import * as storageOptions from './0006_storage_options.ts';
import * as totals from './0007_totals.ts';
import * as runs from './0008_runs.ts';
import * as signingKeyGenerations from './0009_signing_key_generations.ts';
import * as backupAge from './0010_backup_age.ts';
import * as backupDays from './0011_backup_days.ts';
import * as schedules from './0012_schedules.ts';
import * as retention from './0013_retention.ts';
import * as proofs from './0014_proofs.ts';
import * as contents from './0015_contents.ts';
import * as restores from './0016_restores.ts';
import * as pings from './0017_pings.ts';
import * as inPlace from './0018_in_place.ts';
import * as drills from './0019_drills.ts';
import * as newestFirst from './0020_newest_first.ts';
import * as losses from './0021_losses.ts';
import * as apiTokens from './0022_api_tokens.ts';
import * as idempotency from './0023_idempotency.ts';
import * as auditChain from './0024_audit_chain.ts';
import * as notifications from './0025_notifications.ts';
import * as restoreOptions from './0026_restore_options.ts';
import * as sizesAtHand from './0027_sizes_at_hand.ts';
import * as runLogs from './0028_run_logs.ts';
import * as secondFactor from './0029_second_factor.ts';
import * as weeklyReport from './0030_weekly_report.ts';
import * as oidc from './0031_oidc.ts';
import * as sessionOrigins from './0032_session_origins.ts';
import * as bucketsAndZones from './0033_buckets_and_zones.ts';
import * as runAskers from './0034_run_askers.ts';
import * as proofsAtHand from './0035_proofs_at_hand.ts';
import * as restoredNames from './0036_restored_names.ts';

/** Every migration by its name, in order. A released one is never edited. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_first_tables': firstTables,
  '0002_storage_probes': storageProbes,
  '0003_untrusted_targets': untrustedTargets,
  '0004_sign_in': signIn,
  '0005_waiting': waiting,
  '0006_storage_options': storageOptions,
  '0007_totals': totals,
  '0008_runs': runs,
  '0009_signing_key_generations': signingKeyGenerations,
  '0010_backup_age': backupAge,
  '0011_backup_days': backupDays,
  '0012_schedules': schedules,
  '0013_retention': retention,
  '0014_proofs': proofs,
  '0015_contents': contents,
  '0016_restores': restores,
  '0017_pings': pings,
  '0018_in_place': inPlace,
  '0019_drills': drills,
  '0020_newest_first': newestFirst,
  '0021_losses': losses,
  '0022_api_tokens': apiTokens,
  '0023_idempotency': idempotency,
  '0024_audit_chain': auditChain,
  '0025_notifications': notifications,
  '0026_restore_options': restoreOptions,
  '0027_sizes_at_hand': sizesAtHand,
  '0028_run_logs': runLogs,
  '0029_second_factor': secondFactor,
  '0030_weekly_report': weeklyReport,
  '0031_oidc': oidc,
  '0032_session_origins': sessionOrigins,
  '0033_buckets_and_zones': bucketsAndZones,
  '0034_run_askers': runAskers,
  '0035_proofs_at_hand': proofsAtHand,
  '0036_restored_names': restoredNames,
};
