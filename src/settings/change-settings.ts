import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { PRESET_TIERS } from './retention-presets.ts';
import {
  type PublicSettings,
  readSettings,
  SETTING_DEFAULTS,
  type SettingsChange,
  type SystemSettings,
  saveSettings,
} from './settings.ts';

/** As people see them. */
export interface ShownSettings extends PublicSettings {
  readonly id: 'singleton';
  /** Null until one was changed. */
  readonly updatedAt: string | null;
}

export async function showSettings(db: Db | Trx): Promise<ShownSettings> {
  return shown(await readSettings(db));
}

/** Changes the settings that are given; a named preset of retention sets its six tiers, whatever is given for them. */
export async function changeSettings(
  context: Context,
  actor: Actor,
  change: SettingsChange,
): Promise<ShownSettings> {
  return write(context.db, async (trx) => {
    const before = await readSettings(trx);
    const changed = settingsAfter(before, change);
    return store(context, trx, actor, { change: changed, before, details: { changes: changed } });
  });
}

/** Puts every setting back to its default; what the installation notes for itself stays. */
export async function resetSettings(context: Context, actor: Actor): Promise<ShownSettings> {
  return write(context.db, async (trx) => {
    const before = await readSettings(trx);
    await trx.deleteFrom('system_settings').where('key', 'in', Object.keys(SETTING_DEFAULTS)).execute();
    return store(context, trx, actor, { change: {}, before, details: { action: 'reset_to_defaults' } });
  });
}

/**
 * What a change comes to: a named preset sets its six tiers, and one that would no longer be true is called what it is.
 */
export function settingsAfter(before: SystemSettings, change: SettingsChange): SettingsChange {
  const named = change.backupRetentionPreset;
  if (named !== undefined) return named === 'custom' ? change : { ...change, ...settingsOf(named) };
  const preset = before.backupRetentionPreset;
  if (preset === 'custom') return change;
  const sent: Readonly<Record<string, unknown>> = change;
  const isStill = Object.entries(settingsOf(preset)).every(([key, value]) => (sent[key] ?? value) === value);
  return isStill ? change : { ...change, backupRetentionPreset: 'custom' };
}

function settingsOf(preset: keyof typeof PRESET_TIERS) {
  const tiers = PRESET_TIERS[preset];
  return {
    backupRetentionKeepLast: tiers.keepLast,
    backupRetentionDaily: tiers.daily,
    backupRetentionWeekly: tiers.weekly,
    backupRetentionMonthly: tiers.monthly,
    backupRetentionYearly: tiers.yearly,
    backupRetentionMinFloor: tiers.minFloor,
  };
}

async function store(
  { now }: Context,
  trx: Trx,
  actor: Actor,
  {
    change,
    before,
    details,
  }: {
    readonly change: SettingsChange;
    readonly before: SystemSettings;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<ShownSettings> {
  const at = now();
  await saveSettings(trx, { ...change, settingsChangedAt: at.toISOString() }, at);
  const after = shown(await readSettings(trx));
  const values: Readonly<Record<string, unknown>> = { ...after };
  const was = Object.entries(before).filter(([key, value]) => key in values && values[key] !== value);
  const audited = { id: after.id, name: 'System Settings' };
  const entry = auditEntry('system_settings', 'update', audited, {
    details: { ...details, before: Object.fromEntries(was) },
  });
  await recordAudit(trx, actor, entry, at);
  return after;
}

function shown({
  masterKeyCopiedAt,
  nextStepsHiddenAt,
  storageTestedAt,
  storageTestedSettings,
  settingsChangedAt,
  retentionSweptOn,
  ...settings
}: SystemSettings): ShownSettings {
  return { id: 'singleton', ...settings, updatedAt: settingsChangedAt };
}
