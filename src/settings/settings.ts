import * as z from 'zod';
import { parseCidr } from '../cidr.ts';
import type { Db, Trx } from '../db/schema.ts';
import { line } from '../fields.ts';
import { timeZoneField } from '../time-zone.ts';
import { PRESET_TIERS, RETENTION_PRESETS, tierFields } from './retention-presets.ts';

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

/** Where a page of ours, or another service, is found. No password in it: messages show it. */
const address = line(2048)
  .pipe(z.url({ protocol: /^https?$/, error: 'Must be an http or https URL' }))
  .refine((text) => URL.canParse(text) && new URL(text).username === '' && new URL(text).password === '', {
    error: 'Must hold no user name and no password',
  });
const addressOrNothing = z
  .union([z.literal(''), address])
  .transform((text) => (text === '' ? null : text))
  .nullable();

const hostList = line(2000).refine(
  (text) => privateHostsOf(text).every((entry) => parseCidr(entry) !== null || isHostName(entry)),
  { error: 'Must be host names, addresses or CIDRs, separated by commas' },
);

/** The entries of the setting `privateHosts`. */
export function privateHostsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Settings of the whole installation that people set: what each may be. */
export const settingFields = {
  sshCommandTimeoutMs: whole(1000, 600_000),
  sshReadyTimeoutMs: whole(1000, 120_000),
  pgDumpTimeoutMs: whole(30_000, 3_600_000),
  activeUserWindowMin: whole(1, 1440),
  /** Runs at once in the installation, and of those on one server. */
  maxConcurrentBackups: whole(1, 64),
  maxConcurrentBackupsPerServer: whole(1, 64),
  /** 0: for ever. */
  auditLogRetentionDays: whole(0, 3650),
  notificationRetentionDays: whole(1, 365),
  webhookDeliveryRetentionDays: whole(1, 365),
  /** In it schedules are read and days, weeks, months and years begin. */
  timezone: timeZoneField,
  backupRetentionPreset: z.enum(RETENTION_PRESETS),
  backupRetentionKeepLast: tierFields.keepLast,
  backupRetentionDaily: tierFields.daily,
  backupRetentionWeekly: tierFields.weekly,
  backupRetentionMonthly: tierFields.monthly,
  backupRetentionYearly: tierFields.yearly,
  backupRetentionMinFloor: tierFields.minFloor,
  /** Of the completed backups of one database; null: no cap. */
  backupRetentionMaxTotalBytes: z.number().int().min(0).nullable(),
  failedBackupRetentionDays: whole(1, 3650),
  /** The newest good backup of each database is read in full so often; 0: only when asked, since it costs traffic. */
  fullReadEveryDays: whole(0, 365),
  /** A change of a policy that would prune more backups than that wants to be confirmed. */
  backupRotationConfirmThreshold: whole(0, 10_000),
  /** For links in messages; cookies and the check of origins follow the variable PUBLIC_URL. */
  publicUrl: addressOrNothing,
  /** Hosts that pings may go to though their addresses are private, separated by commas. */
  privateHosts: hostList,
  /** Whoever signs in with a password must have a second factor, and can do nothing else before they have set it up. */
  secondFactorRequired: z.boolean(),
  // What other parts of BRIDGEPORT have: kept for their clients, read by nothing here.
  webhookMaxRetries: whole(0, 10),
  webhookTimeoutMs: whole(1000, 300_000),
  webhookRetryDelaysMs: line(1000).refine(isListOfDelays, {
    error: 'Must be a JSON array of whole numbers of milliseconds, as text',
  }),
  maxUploadSizeMb: whole(1, 500),
  registryMaxTags: whole(10, 500),
  defaultLogLines: whole(10, 10_000),
  agentCallbackUrl: addressOrNothing,
  agentStaleThresholdMs: whole(60_000, 600_000),
  agentOfflineThresholdMs: whole(120_000, 900_000),
  databaseMetricsRetentionDays: whole(1, 365),
  healthLogRetentionDays: whole(1, 365),
  imageDigestRetentionDays: whole(1, 3650),
};

/** What people may set, each with its bounds; what a change leaves out stays. */
export const settingsChange = z.object(settingFields).partial();
export type SettingsChange = z.infer<typeof settingsChange>;

const publicSettings = z.object(settingFields);
export type PublicSettings = Readonly<z.infer<typeof publicSettings>>;

export const SETTING_DEFAULTS: PublicSettings = {
  sshCommandTimeoutMs: 60_000,
  sshReadyTimeoutMs: 10_000,
  pgDumpTimeoutMs: 300_000,
  activeUserWindowMin: 15,
  maxConcurrentBackups: 4,
  maxConcurrentBackupsPerServer: 2,
  auditLogRetentionDays: 90,
  notificationRetentionDays: 30,
  webhookDeliveryRetentionDays: 30,
  timezone: 'UTC',
  backupRetentionPreset: 'balanced',
  backupRetentionKeepLast: PRESET_TIERS.balanced.keepLast,
  backupRetentionDaily: PRESET_TIERS.balanced.daily,
  backupRetentionWeekly: PRESET_TIERS.balanced.weekly,
  backupRetentionMonthly: PRESET_TIERS.balanced.monthly,
  backupRetentionYearly: PRESET_TIERS.balanced.yearly,
  backupRetentionMinFloor: PRESET_TIERS.balanced.minFloor,
  backupRetentionMaxTotalBytes: null,
  failedBackupRetentionDays: 3,
  fullReadEveryDays: 7,
  backupRotationConfirmThreshold: 5,
  publicUrl: null,
  privateHosts: '',
  secondFactorRequired: false,
  webhookMaxRetries: 3,
  webhookTimeoutMs: 30_000,
  webhookRetryDelaysMs: '[1000,5000,15000]',
  maxUploadSizeMb: 50,
  registryMaxTags: 50,
  defaultLogLines: 50,
  agentCallbackUrl: null,
  agentStaleThresholdMs: 180_000,
  agentOfflineThresholdMs: 300_000,
  databaseMetricsRetentionDays: 30,
  healthLogRetentionDays: 30,
  imageDigestRetentionDays: 90,
};

/** What the installation notes for itself, and no route shows. */
const internalFields = {
  /** When an admin confirmed that the generated master key is kept elsewhere too. */
  masterKeyCopiedAt: z.iso.datetime().nullable(),
  /** When an admin had the steps after the first backup taken off the overview. */
  nextStepsHiddenAt: z.iso.datetime().nullable(),
  /** When the last test of the storage began that found it good. */
  storageTestedAt: z.iso.datetime().nullable(),
  /** When the settings of the storage that it tested had been saved. */
  storageTestedSettings: z.iso.datetime().nullable(),
  /** When people last changed or reset a setting. */
  settingsChangedAt: z.iso.datetime().nullable(),
  /** The day, by the installation's clock, whose look at all retention is over. */
  retentionSweptOn: z.iso.date().nullable(),
};

const storedSettings = z.object({ ...settingFields, ...internalFields }).partial();
const DEFAULTS = {
  ...SETTING_DEFAULTS,
  masterKeyCopiedAt: null,
  nextStepsHiddenAt: null,
  storageTestedAt: null,
  storageTestedSettings: null,
  settingsChangedAt: null,
  retentionSweptOn: null,
};

export type SystemSettings = Required<z.infer<typeof storedSettings>>;

/** The settings as stored, over their defaults. A stored value that no longer fits counts as absent. */
export async function readSettings(db: Db | Trx): Promise<SystemSettings> {
  const names = Object.keys(storedSettings.shape);
  const rows = await db.selectFrom('system_settings').selectAll().where('key', 'in', names).execute();
  const stored = Object.fromEntries(rows.map((row) => [row.key, parseJson(row.value)]));
  const parsed = storedSettings.safeParse(stored);
  if (parsed.success) return { ...DEFAULTS, ...parsed.data };
  const bad = new Set(parsed.error.issues.map((issue) => issue.path[0]));
  const good = Object.entries(stored).filter(([name]) => !bad.has(name));
  return { ...DEFAULTS, ...storedSettings.parse(Object.fromEntries(good)) };
}

/** The zone alone: every page tells its times in it. */
export async function readTimeZone(db: Db): Promise<string> {
  const row = await db
    .selectFrom('system_settings')
    .select('value')
    .where('key', '=', 'timezone')
    .executeTakeFirst();
  const parsed = settingFields.timezone.safeParse(parseJson(row?.value ?? 'null'));
  return parsed.success ? parsed.data : SETTING_DEFAULTS.timezone;
}

export async function saveSettings(trx: Trx, change: Partial<SystemSettings>, now: Date): Promise<void> {
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) continue;
    const values = { value: JSON.stringify(value), updated_at: now.toISOString() };
    await trx
      .insertInto('system_settings')
      .values({ key, ...values })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute();
  }
}

const isHostName = (text: string) => /^[\p{L}\p{N}]([\p{L}\p{M}\p{N}._-]*[\p{L}\p{N}.])?$/u.test(text);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isListOfDelays(text: string): boolean {
  return z.array(z.number().int().min(0)).max(20).safeParse(parseJson(text)).success;
}
