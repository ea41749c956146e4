import type { Severity } from '../db/schema.ts';

export const WAYS = ['in_app', 'email', 'webhook'] as const;
/** `webhook`: the channels of the installation, chat among them. */
export type Way = (typeof WAYS)[number];

export interface NotificationType {
  readonly id: TypeId;
  readonly category: 'system' | 'backup' | 'drill' | 'retention' | 'storage';
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
  /** Of who is no admin only where they ask for it. */
  readonly isAskedFor?: true;
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
  'system.disk_nearly_full': {
    ...{ category: 'system', name: 'Disk nearly full', severity: 'critical' },
    description: 'Little room is left for the app’s own data. Told once until there is enough again.',
    template: 'The disk of the app is nearly full: {{free}} of {{total}} are left.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isForAdmins: true },
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
  'storage.capability_lost': {
    ...{ category: 'storage', name: 'Storage can do less', severity: 'warning' },
    description:
      'A test found that something of the storage does not work any more. Told once until it does.',
    template: 'Bucket {{bucket}}: "{{capability}}" worked and does not any more. {{says}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isForAdmins: true },
  },
  'system.certificate_ending': {
    ...{ category: 'system', name: 'Certificate about to end', severity: 'warning' },
    description:
      'A certificate of the storage, of a database or of this app ends in a week, in a day, or has.',
    template: 'The certificate of {{what}} ends at {{expiresAt}}.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isForAdmins: true },
  },
  'system.token_ending': {
    ...{ category: 'system', name: 'API token about to end', severity: 'warning' },
    description: 'A token of your own expires in a week or in a day; admins are told of service accounts’.',
    template: 'The API token "{{name}}" expires at {{expiresAt}}.',
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
  'system.weekly_report': {
    ...{ category: 'system', name: 'Weekly report', severity: 'info' },
    description: 'On Mondays: what is protected, what is not and why, growth, proofs, and the week to come.',
    template: 'Weekly report: {{title}}',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isAskedFor: true },
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
  'system.disk_recovered': {
    ...{ category: 'system', name: 'Disk has room again', severity: 'info' },
    description: 'There is enough room for the app’s own data again.',
    template: 'The disk of the app has room again: {{free}} of {{total}} are left.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isForAdmins: true },
  },
  'storage.capability_recovered': {
    ...{ category: 'storage', name: 'Storage works again', severity: 'info' },
    description: 'What the storage could do no more works again.',
    template: 'Bucket {{bucket}}: "{{capability}}" works again.',
    ...{ defaultChannels: EVERYWHERE, bounceEnabled: false, isForAdmins: true },
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
