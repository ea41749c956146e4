import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Db, EnvironmentRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { SshUserContext } from './context.ts';
import { auditedEnvironment, getEnvironmentRow } from './environments.ts';
import { sshUser } from './ssh-access.ts';

/** How a setting is shown and checked; the wire's own shape. */
export interface SettingDefinition {
  readonly key: string;
  readonly type: 'boolean' | 'integer' | 'string';
  readonly default: boolean | number | string;
  readonly label: string;
  readonly description: string;
  readonly group: string;
  readonly widget: 'toggle' | 'number' | 'text';
  readonly min?: number;
  readonly max?: number;
}

export type Settings = Readonly<Record<string, boolean | number | string>>;

const MODULES = ['general', 'monitoring', 'operations', 'data', 'configuration'] as const;
export type SettingsModule = (typeof MODULES)[number];

/** Every setting of an environment, by module. */
export const SETTINGS_REGISTRY: Readonly<Record<SettingsModule, readonly SettingDefinition[]>> = {
  general: [
    {
      key: 'sshUser',
      type: 'string',
      default: 'root',
      label: 'SSH user',
      description: 'Signs in to the servers of this environment, unless a server names its own.',
      group: 'SSH',
      widget: 'text',
    },
  ],
  monitoring: [],
  operations: [],
  data: [
    {
      key: 'allowBackupDownload',
      type: 'boolean',
      default: false,
      label: 'Allow backup downloads',
      description: 'Lets people download the backups of this environment.',
      group: 'Backups',
      widget: 'toggle',
    },
    {
      key: 'defaultMonitoringEnabled',
      type: 'boolean',
      default: false,
      label: 'Monitor new databases',
      description: 'New databases of this environment are monitored from the start.',
      group: 'Monitoring',
      widget: 'toggle',
    },
    {
      key: 'defaultCollectionIntervalSec',
      type: 'integer',
      default: 300,
      label: 'Collection interval (seconds)',
      description: 'How often new databases of this environment are looked at.',
      group: 'Monitoring',
      widget: 'number',
      min: 60,
      max: 3600,
    },
  ],
  configuration: [],
};

/** Throws `invalid` for an unknown module, `not_found`. */
export async function getSettings(db: Db, environmentId: string, moduleName: string): Promise<Settings> {
  const module = parseModule(moduleName);
  return settingsOf(await getEnvironmentRow(db, environmentId), module);
}

/** Throws `invalid` for an unknown module. */
export function definitionsOf(moduleName: string): readonly SettingDefinition[] {
  return SETTINGS_REGISTRY[parseModule(moduleName)];
}

/** Changes the settings that are given. Throws `invalid`, naming every bad one; `not_found`. */
export async function changeSettings(
  context: SshUserContext,
  actor: Actor,
  environmentId: string,
  moduleName: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Settings> {
  const module = parseModule(moduleName);
  const definitions = SETTINGS_REGISTRY[module];
  const problems = Object.entries(input).flatMap(([key, value]) => problemOf(definitions, key, value));
  if (problems.length > 0) throw new AppError('invalid', problems.join('; '));
  return store(context, actor, environmentId, module, input);
}

/** Puts the module's settings back to their defaults. Throws `invalid`, `not_found`. */
export async function resetSettings(
  context: SshUserContext,
  actor: Actor,
  environmentId: string,
  moduleName: string,
): Promise<Settings> {
  const module = parseModule(moduleName);
  const defaults = SETTINGS_REGISTRY[module].map((definition) => [definition.key, definition.default]);
  return store(context, actor, environmentId, module, Object.fromEntries(defaults));
}

function parseModule(name: string): SettingsModule {
  const module = MODULES.find((known) => known === name);
  if (module === undefined) {
    throw new AppError('invalid', `Invalid module: ${name}. Must be one of: ${MODULES.join(', ')}`);
  }
  return module;
}

function problemOf(
  definitions: readonly SettingDefinition[],
  key: string,
  value: unknown,
): readonly string[] {
  const definition = definitions.find((known) => known.key === key);
  if (definition === undefined) return [`Unknown setting: ${key}`];
  if (definition.type === 'boolean') return typeof value === 'boolean' ? [] : [`${key} must be a boolean`];
  if (definition.type === 'string') {
    return sshUser.safeParse(value).success ? [] : [`${key} must be a user name`];
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return [`${key} must be an integer`];
  if (definition.min !== undefined && value < definition.min) {
    return [`${key} must be at least ${definition.min}`];
  }
  if (definition.max !== undefined && value > definition.max) {
    return [`${key} must be at most ${definition.max}`];
  }
  return [];
}

async function store(
  context: SshUserContext,
  actor: Actor,
  environmentId: string,
  module: SettingsModule,
  values: Readonly<Record<string, unknown>>,
): Promise<Settings> {
  return write(context.db, async (trx) => {
    const before = await getEnvironmentRow(trx, environmentId);
    const columns = toColumns(values);
    await context.followSshUser(trx, environmentId, {
      from: before.ssh_user,
      to: columns.ssh_user ?? before.ssh_user,
    });
    const row = await trx
      .updateTable('environments')
      .set({ ...columns, updated_at: context.now().toISOString() })
      .where('id', '=', environmentId)
      .returningAll()
      .executeTakeFirstOrThrow();
    const details = { module, settings: values };
    await recordAudit(trx, actor, auditedEnvironment('update', row, { details }), context.now());
    return settingsOf(row, module);
  });
}

function settingsOf(row: EnvironmentRow, module: SettingsModule): Settings {
  if (module === 'general') return { sshUser: row.ssh_user };
  if (module !== 'data') return {};
  return {
    allowBackupDownload: row.allow_backup_download === 1,
    defaultMonitoringEnabled: row.default_monitoring_enabled === 1,
    defaultCollectionIntervalSec: row.default_collection_interval_sec,
  };
}

/** The checked values as columns. */
function toColumns(values: Readonly<Record<string, unknown>>): Partial<EnvironmentRow> {
  const columns: Partial<EnvironmentRow> = {};
  if (typeof values['sshUser'] === 'string') columns.ssh_user = values['sshUser'];
  if (typeof values['allowBackupDownload'] === 'boolean') {
    columns.allow_backup_download = values['allowBackupDownload'] ? 1 : 0;
  }
  if (typeof values['defaultMonitoringEnabled'] === 'boolean') {
    columns.default_monitoring_enabled = values['defaultMonitoringEnabled'] ? 1 : 0;
  }
  if (typeof values['defaultCollectionIntervalSec'] === 'number') {
    columns.default_collection_interval_sec = values['defaultCollectionIntervalSec'];
  }
  return columns;
}
