import type { Severity } from '../db/schema.ts';

export const WAYS = ['in_app', 'email', 'webhook'] as const;
/** `webhook`: the channels of the installation, chat among them. */
export type Way = (typeof WAYS)[number];

export interface NotificationType {
  readonly id: TypeId;
  readonly category: 'system' | 'backup' | 'drill' | 'retention';
  readonly name: string;
  readonly description: string;
  /** What is said, with the names of what is filled in. */
  readonly template: string;
  readonly severity: Severity;
  /** Unless a user or an admin wants it otherwise. */
  readonly defaultChannels: readonly Way[];
  /** Told once while it lasts: `bounce` of the wire. */
  readonly bounceEnabled: boolean;
  /** Whom it is for. */
  readonly isForAdmins?: true;
}

const EVERYWHERE: readonly Way[] = ['in_app', 'email', 'webhook'];
const IN_APP: readonly Way[] = ['in_app'];

/** Everything that people may be told, the worst first; ids are the wire's codes and never change. */
const TABLE = {
  'system.backup_failed': {
    ...{ category: 'system', name: 'Backup failed', severity: 'critical' },
    description: 'A backup ended without one. Told once until a backup of the database succeeds again.',
    template: 'Backup failed for database "{{databaseName}}": {{error}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: true },
  },
  'backup.missing': {
    ...{ category: 'backup', name: 'Backup missing', severity: 'critical' },
    description: 'No good backup came in time, whatever should have made it.',
    template: 'No good backup of database "{{databaseName}}" is as new as it must be.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false },
  },
  'backup.verification_failed': {
    ...{ category: 'backup', name: 'Backup damaged', severity: 'critical' },
    description: 'A stored backup was read in full and is damaged.',
    template: 'A backup of database "{{databaseName}}" is damaged: {{says}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false },
  },
  'drill.failed': {
    ...{ category: 'drill', name: 'Drill failed', severity: 'critical' },
    description: 'A backup could not be restored in a drill. Told once until a drill succeeds again.',
    template: 'A drill of database "{{databaseName}}" failed: {{says}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: true },
  },
  'backup.size_anomaly': {
    ...{ category: 'backup', name: 'Unusual size', severity: 'warning' },
    description: 'A backup is less than half, or more than twice, as large as those before it.',
    template: 'The backup of database "{{databaseName}}" is {{change}} than usual.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: true },
  },
  'retention.frozen': {
    ...{ category: 'retention', name: 'Pruning stands still', severity: 'warning' },
    description: 'Backups may have lost data: nothing of the database is pruned until somebody has looked.',
    template: 'Pruning of database "{{databaseName}}" stands still: {{reason}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false },
  },
  'backup.rotation_error': {
    ...{ category: 'backup', name: 'Pruning failed', severity: 'warning' },
    description: 'Backups that are to go could not be removed.',
    template: '{{failed}} backups of database "{{databaseName}}" could not be removed: {{error}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false },
  },
  'system.channel_failed': {
    ...{ category: 'system', name: 'Notifications don’t arrive', severity: 'warning' },
    description: 'The mail server or a channel takes no messages. Told by the others.',
    template: 'Notifications by {{channel}} don’t arrive: {{error}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: true, isForAdmins: true },
  },
  'backup.recovered': {
    ...{ category: 'backup', name: 'Backups are back', severity: 'info' },
    description: 'A database whose backups failed or were missing has a good one again.',
    template: 'Database "{{databaseName}}" is backed up again.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false },
  },
  'system.backup_success': {
    ...{ category: 'system', name: 'Backup completed', severity: 'info' },
    description: 'A backup was stored and read back.',
    template: 'Backup completed for database "{{databaseName}}".',
    ...{ defaultChannels: IN_APP, bounceEnabled: false },
  },
  'drill.succeeded': {
    ...{ category: 'drill', name: 'Drill succeeded', severity: 'info' },
    description: 'A backup was restored in a drill and had all that it was to have.',
    template: 'A drill restored database "{{databaseName}}".',
    ...{ defaultChannels: IN_APP, bounceEnabled: false },
  },
  'backup.policy_first_prune': {
    ...{ category: 'backup', name: 'First pruning by a policy', severity: 'info' },
    description: 'A changed policy pruned backups for the first time.',
    template: 'The changed policy pruned {{pruned}} backups of database "{{databaseName}}".',
    ...{ defaultChannels: IN_APP, bounceEnabled: false },
  },
  'system.channel_recovered': {
    ...{ category: 'system', name: 'Notifications arrive again', severity: 'info' },
    description: 'The mail server or a channel takes messages again.',
    template: 'Notifications by {{channel}} arrive again.',
    ...{ defaultChannels: IN_APP, bounceEnabled: false, isForAdmins: true },
  },
} as const satisfies Readonly<Record<string, Omit<NotificationType, 'id'>>>;

export type TypeId = keyof typeof TABLE;

export const TYPE_IDS = Object.keys(TABLE).filter(isTypeId);

export function isTypeId(text: string): text is TypeId {
  return Object.hasOwn(TABLE, text);
}

export function typeOf(id: TypeId): NotificationType {
  return { id, ...TABLE[id] };
}

export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical'];

/** Whether it is as bad as that, or worse. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
