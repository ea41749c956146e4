import type { Kysely, Transaction } from 'kysely';

/**
 * The tables, as the migrations make them. Instants are ISO-8601 UTC text with milliseconds, booleans 0/1, JSON is
 * text, ids are text, sizes are bigint (read as numbers up to 2^53). `sealed` text is what `secrets/vault.ts` makes.
 */
export interface Schema {
  users: UserRow;
  sessions: SessionRow;
  environments: EnvironmentRow;
  servers: ServerRow;
  databases: DatabaseRow;
  spaces_config: StorageConfigRow;
  spaces_environments: StorageEnvironmentRow;
  backups: BackupRow;
  backup_objects: BackupObjectRow;
  leftovers: LeftoverRow;
  system_settings: SystemSettingRow;
  signing_keys: SigningKeyRow;
  audit_logs: AuditLogRow;
  audit_marks: AuditMarkRow;
  storage_probes: StorageProbeRow;
  bucket_traits: BucketTraitsRow;
  sign_in_failures: SignInFailureRow;
  sign_in_places: SignInPlaceRow;
  second_factors: SecondFactorRow;
  recovery_codes: RecoveryCodeRow;
  stored_totals: StoredTotalRow;
  backup_days: BackupDayRow;
  environment_days: EnvironmentDayRow;
  newest_backups: NewestBackupRow;
  runs: RunRow;
  run_askers: RunAskerRow;
  run_logs: RunLogRow;
  periodic_tasks: PeriodicTaskRow;
  schedules: ScheduleRow;
  database_schedules: DatabaseScheduleRow;
  schedule_slots: ScheduleSlotRow;
  server_blackouts: ServerBlackoutRow;
  protection_spells: ProtectionSpellRow;
  events: EventRow;
  noted_troubles: NotedTroubleRow;
  weekly_reports: WeeklyReportRow;
  backup_policies: BackupPolicyRow;
  retention_freezes: RetentionFreezeRow;
  vanished_tables: VanishedTablesRow;
  ping_targets: PingTargetRow;
  pings: PingRow;
  restores: RestoreRow;
  restore_logins: RestoreLoginRow;
  drills: DrillRow;
  drill_states: DrillStateRow;
  service_accounts: ServiceAccountRow;
  api_tokens: ApiTokenRow;
  api_token_environments: ApiTokenEnvironmentRow;
  token_backups: TokenBackupRow;
  idempotency_keys: IdempotencyKeyRow;
  notification_types: NotificationTypeRow;
  notification_preferences: NotificationPreferenceRow;
  notifications: NotificationRow;
  notification_spells: NotificationSpellRow;
  smtp_settings: SmtpSettingsRow;
  oidc_settings: OidcSettingsRow;
  oidc_identities: OidcIdentityRow;
  oidc_used_states: OidcUsedStateRow;
  notification_channels: NotificationChannelRow;
  webhook_subscriptions: WebhookSubscriptionRow;
  deliveries: DeliveryRow;
  delivery_items: DeliveryItemRow;
}

export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

type Flag = 0 | 1;
/** Sizes in bytes, `bigint` columns; a PostgreSQL driver must be told to read them as numbers. */
type Big = number;
type BigOrNull = number | null;

export interface UserRow {
  id: string;
  email: string;
  name: string | null;
  role: 'admin' | 'operator' | 'viewer';
  /** Empty for whoever has no password here: no password fits it. */
  password_hash: string;
  /** Of the pages; null: none was chosen. */
  time_zone: string | null;
  last_active_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface SessionRow {
  /** The `sid` of the bearer token or of the cookie. */
  id: string;
  user_id: string;
  kind: 'api' | 'ui';
  created_at: string;
  expires_at: string;
  /** To the minute; null until it was used. */
  last_used_at: string | null;
  /** Whom of a provider it was begun as, and ends with; null: by password. */
  oidc_identity_id: string | null;
  /** Where it was begun; null where that is not known. */
  address: string | null;
  /** What the browser or client called itself then; null where it said nothing. */
  agent: string | null;
}

/** At most one row: the provider of OpenID Connect that people sign in by. */
export interface OidcSettingsRow {
  id: string;
  issuer: string;
  client_id: string;
  /** Sealed, for `oidc:<id>:client_secret`; null for a public client. */
  client_secret: string | null;
  /** Separated by spaces. */
  scopes: string;
  /** On the button. */
  name: string;
  /** Where in the claims roles or groups stand: a name, or a path with dots. */
  role_claim: string;
  /** Each a JSON list of text: the values of the claim that give the role. */
  admin_values: string;
  operator_values: string;
  viewer_values: string;
  /** What is given to people without any of these. */
  others: 'refused' | 'viewer';
  /** 1: whoever is not known gets an account at the first sign-in. */
  creates_people: number;
  created_at: string;
  updated_at: string;
}

/** A person of a provider, and whose account they sign in to. */
export interface OidcIdentityRow {
  id: string;
  user_id: string;
  issuer: string;
  /** The provider's `sub`, which alone tells people apart. */
  subject: string;
  /** As the provider last said; for people to read. */
  email: string | null;
  created_at: string;
  last_used_at: string | null;
}

/** A sign-in that was answered once; kept while its answer could come again. */
export interface OidcUsedStateRow {
  /** SHA-256, base64url. */
  state_hash: string;
  expires_at: string;
}

/** Failed guesses at an account, or at several that share the bucket; the number of buckets is fixed. */
export interface SignInFailureRow {
  bucket: number;
  failures: number;
  last_at: string;
  paused_until: string;
}

/** From where an account has signed in. */
export interface SignInPlaceRow {
  user_id: string;
  kind: 'address' | 'browser';
  /** An IPv4 address, the first 64 bits of an IPv6 one, or the hash of a browser's id. */
  place: string;
  last_at: string;
}

/** The secret that an account's codes are made of. */
export interface SecondFactorRow {
  /** The user's. */
  id: string;
  /** Sealed, for `second_factor:<id>:secret`; base32 within. */
  secret: string;
  /** Null until its owner has shown a code: it is asked for from then on. */
  confirmed_at: string | null;
  /** Of the last code that was taken, the number of its half minute since 1970: no code of that or an earlier one is taken again. */
  last_step: BigOrNull;
  created_at: string;
}

/** Each is good for one sign-in in place of a code, and removed by it. */
export interface RecoveryCodeRow {
  user_id: string;
  /** SHA-256, base64url. */
  code_hash: string;
}

export interface EnvironmentRow {
  id: string;
  name: string;
  ssh_user: string;
  /** Sealed, for `environment:<id>:ssh_private_key`. */
  ssh_private_key: string | null;
  allow_backup_download: Flag;
  default_monitoring_enabled: Flag;
  default_collection_interval_sec: number;
  created_at: string;
  updated_at: string;
}

export interface ServerRow {
  id: string;
  environment_id: string;
  name: string;
  hostname: string;
  public_ip: string | null;
  /** JSON array of text. */
  tags: string;
  ssh_port: number;
  /** Over the environment's, where set. */
  ssh_user: string | null;
  /** The pinned key, `type base64`. */
  host_key: string | null;
  status: 'unknown' | 'healthy' | 'unhealthy';
  last_checked_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface DatabaseRow {
  id: string;
  environment_id: string;
  /** Null: the app's own machine. */
  server_id: string | null;
  name: string;
  type: string;
  host: string | null;
  port: number | null;
  database_name: string | null;
  /** Sealed JSON `{username, password}`, for `database:<id>:credentials`. */
  credentials: string | null;
  /** JSON of `databases/password-target.ts`: whom the password was given for. Null where there is none. */
  password_target: string | null;
  /** JSON, by the wire's names: what the engine declares (useSsl, filePath, backupFormat, pgDumpOptions, …). */
  options: string;
  backup_storage_type: 'local' | 'spaces';
  backup_local_path: string | null;
  backup_spaces_bucket: string | null;
  backup_spaces_prefix: string | null;
  pg_dump_timeout_ms: number;
  /** How old the last good backup may become before the database counts as late. */
  max_backup_age_hours: number;
  /** When a backup of it was last read in full, and when that was last begun. */
  read_in_full_at: string | null;
  full_read_tried_at: string | null;
  monitoring_enabled: Flag;
  collection_interval_sec: number;
  created_at: string;
  updated_at: string;
}

/** At most one row: one storage per installation. */
export interface StorageConfigRow {
  id: string;
  /** Sealed, for `spaces:<id>:access_key`. */
  access_key: string;
  /** Sealed, for `spaces:<id>:secret_key`. */
  secret_key: string;
  region: string;
  endpoint: string;
  /** JSON array of bucket names. */
  buckets: string;
  /** What each PUT asks the provider for (`x-amz-server-side-encryption`). */
  encryption: 'none' | 'AES256' | 'aws:kms';
  encryption_key_id: string | null;
  /** Of temporary keys (STS); sealed, for `spaces:<id>:session_token`. */
  session_token: string | null;
  /** The endpoint as an admin typed it; null where it followed from the region. */
  endpoint_typed: string | null;
  created_at: string;
  updated_at: string;
}

export interface StorageEnvironmentRow {
  id: string;
  spaces_config_id: string;
  environment_id: string;
  enabled: Flag;
}

export type BackupStatus = 'pending' | 'in_progress' | 'completed' | 'failed';
export type BackupStep = 'connect' | 'dump' | 'upload' | 'verify';
export type BackupOutcome = 'cancelled' | 'interrupted' | 'uncertain' | 'failed' | 'completed';

export interface BackupRow {
  id: string;
  database_id: string;
  filename: string;
  /** Bytes stored; 0 until completed. */
  size: Big;
  type: 'manual' | 'scheduled';
  status: BackupStatus;
  outcome: BackupOutcome | null;
  /** JSON `{message, step, stderr?, exitCode?, advice?}`. */
  error: string | null;
  storage_type: 'local' | 'spaces';
  storage_path: string;
  bytes_read: Big;
  bytes_stored: Big;
  estimated_bytes: BigOrNull;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  /** Seconds. */
  duration: number | null;
  is_pinned: Flag;
  pinned_by_id: string | null;
  pinned_at: string | null;
  last_rotation_error: string | null;
  triggered_by_id: string | null;
  /** Random, kept with the object; tells our object from a foreign one. */
  token: string;
  format: string | null;
  compression: string | null;
  content_type: string | null;
  /** Hex SHA-256 of the stored object. */
  sha256: string | null;
  server_version: string | null;
  client_version: string | null;
  verification: 'stored' | 'full' | 'drill' | 'failed' | null;
  verified_at: string | null;
  /** When its bytes were last read back whole and found to be those that were stored; and decompressed to their proven end. */
  bytes_proven_at: string | null;
  parsed_proven_at: string | null;
  /** When it was last restored, compared and dropped again, and how long the restore took. */
  restored_proven_at: string | null;
  restored_ms: BigOrNull;
  /** What was wrong, of one whose verification failed. */
  verification_error: string | null;
  /** A tombstone: hidden, kept until its object is gone. */
  deleted_at: string | null;
  /**
   * Of a tombstone: how often its removal failed (null: never), why the last time, and when it is tried again. The tries and
   * the time also of one that retention could not remove, and that is seen again.
   */
  removal_tries: number | null;
  removal_error: string | null;
  removal_next_try_at: string | null;
  /** Until when its storage lets nobody remove it, as far as it was asked, and by what. */
  retained_until: string | null;
  retained_why: string | null;
  /** Until when a link to its bytes works. */
  in_use_until: string | null;
  /** Of a tombstone: the rule by which retention pruned it; null where a person deleted it. */
  prune_rule: string | null;
  /** Hex SHA-256 of the dump as the tool wrote it, before compression. */
  dump_sha256: string | null;
  /** JSON of the options that it was made with, without secrets. */
  dump_options: string | null;
  /** When its manifest is to be written (again), after how many tries and why the last one failed; null: it is there, or never was asked for. */
  manifest_due_at: string | null;
  manifest_error: string | null;
  manifest_tries: number | null;
  /** JSON of `engines/contents.ts`, megabytes at worst: lists leave it out. null: not known. */
  contents: string | null;
}

/** All of a backup's row but what may be long. */
export type BackupHead = Omit<BackupRow, 'contents'>;

export interface BackupObjectRow {
  id: string;
  backup_id: string;
  kind: 'dump' | 'volume' | 'globals' | 'manifest';
  number: number;
  /** `https://host[:port]` of the storage, or `host:<server id>` (`host:local` for the app's machine). */
  endpoint: string;
  region: string | null;
  /** Empty for files on a host. */
  bucket: string;
  key: string;
  version_id: string | null;
  upload_id: string | null;
  /** Set just before the object is made visible. */
  bytes: BigOrNull;
  sha256: string | null;
}

export type RunKindName = 'backup' | 'deep_test' | 'verification' | 'prune' | 'restore' | 'drill';
export type RunEnd = 'completed' | 'failed' | 'cancelled' | 'interrupted';
/** `uncertain`: over, but what became of it is not known yet; it is repaired again when `lease_until` is over. */
export type RunState = 'pending' | 'running' | 'uncertain' | RunEnd;

/** Work that a process claims, renews, cancels and repairs; `runs/` knows what it means by its kind's name alone. */
export interface RunRow {
  /** Of a backup's run: the backup's. */
  id: string;
  kind: RunKindName;
  /** The backup that it is about, with which it goes; null where it is about none. */
  subject_id: string | null;
  /** Whose work counts against the limit per server; null: the app's own machine. */
  server_id: string | null;
  /** One run of a lane at a time, and one of a kind that waits for it: `database:<id>`, `storage`. */
  lane: string;
  state: RunState;
  /** JSON of what was asked for, by kind. */
  input: string | null;
  step: string | null;
  /** 0–100; of a backup: 10 started, 30 connected, 30–80 by bytes, 90 reading back, 100 only with completed. */
  progress: number;
  /** JSON of what else the kind tells of how far it is. */
  detail: string | null;
  /** JSON `{message, code?, step?, …}`. */
  error: string | null;
  /** How often it was begun. */
  attempts: number;
  /** 1 while somebody repairs it: it puts no load on its server any more. */
  in_repair: Flag;
  /** 1 where nobody waits for it: it holds up none of the others. */
  is_background: 1 | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  cancel_requested_at: string | null;
  /** The process that has it, and until when its claim counts. */
  claimed_by: string | null;
  lease_until: string | null;
}

/** Who asked for a run, as `runs/askers.ts` writes it. */
export interface RunAskerRow {
  asker: string;
  /** The run's. */
  created_at: string;
  run_id: string;
}

/** What a run has said while it went on. */
export interface RunLogRow {
  run_id: string;
  /** As of `runs/run-log.ts`, at most 64 KiB. */
  lines: string;
}

/** What is done every so often, by one process at a time. */
export interface PeriodicTaskRow {
  name: string;
  due_at: string;
  claimed_by: string | null;
  lease_until: string | null;
}

/** What a run could not remove; retried until it is gone. */
export interface LeftoverRow {
  id: string;
  backup_id: string | null;
  kind: 'object' | 'upload' | 'file';
  endpoint: string;
  region: string | null;
  bucket: string;
  key: string;
  upload_id: string | null;
  version_id: string | null;
  tries: number;
  last_error: string | null;
  created_at: string;
  next_try_at: string;
}

export interface SystemSettingRow {
  key: string;
  /** JSON. */
  value: string;
  updated_at: string;
}

export interface SigningKeyRow {
  id: string;
  purpose: 'session' | 'manifest' | 'audit';
  /** Of its purpose, from 1: two who make the next one at once make it once. */
  generation: number;
  /** Sealed base64 of 32 random bytes, for `signing_key:<id>`. */
  secret: string;
  created_at: string;
}

export interface AuditLogRow {
  id: string;
  action: string;
  resource_type: string;
  resource_id: string | null;
  resource_name: string | null;
  /** JSON, without secrets. */
  details: string | null;
  success: Flag;
  error: string | null;
  created_at: string;
  user_id: string | null;
  environment_id: string | null;
  address: string | null;
  /** The token that it was done by, which may be gone by now, and what people know it by. */
  api_token_id: string | null;
  token_prefix: string | null;
  service_account_id: string | null;
  request_id: string | null;
  /** Its place in the chain, from 1; null until it is chained, a few seconds after it was written. */
  number: number | null;
  /** SHA-256, in hex, of the hash before it and of the row. */
  hash: string | null;
}

/** Where the chain of the audit begins (the last row that retention removed) and ends, signed. */
export interface AuditMarkRow {
  name: 'start' | 'head';
  number: number;
  hash: string;
  at: string;
  key_id: string;
  signature: string;
}

/** The result of a deep test of the storage. */
export interface StorageProbeRow {
  id: string;
  endpoint: string;
  cause: 'asked' | 'credentials' | 'weekly';
  started_at: string;
  finished_at: string;
  /** JSON of `object-stores/deep-test/result.ts`. */
  result: string;
}

/** What a bucket said of itself when the storage was last tested; kept by `storage/bucket-traits.ts`. */
export interface BucketTraitsRow {
  endpoint: string;
  bucket: string;
  versioning: 'on' | 'suspended' | 'off' | 'unknown';
  lock: 'on' | 'none' | 'unknown';
  /** Of a lock that is on: the default retention, if there is one. */
  lock_mode: string | null;
  lock_retention: string | null;
  seen_at: string;
}

/** Completed backups of a database that people can see, and their bytes, by place; kept by `backups/stored-totals.ts`. */
export interface StoredTotalRow {
  database_id: string;
  endpoint: string;
  bucket: string;
  backups: Big;
  bytes: Big;
}

/** What became of a database's backups that were asked for on one day (UTC); kept by `backups/backup-days.ts`. */
export interface BackupDayRow {
  database_id: string;
  /** `2026-02-25`. */
  day: string;
  /** How many ended well and how many failed, also of those that were deleted since. */
  good: Big;
  failed: Big;
  /** The good ones that are still there. */
  kept: Big;
  /** Bytes of the good ones, also of those that were deleted since. */
  added: Big;
  /** Bytes of whatever was deleted on this day. */
  freed: Big;
}

/** The sum over the databases of an environment, also of those that are gone. */
export interface EnvironmentDayRow extends Omit<BackupDayRow, 'database_id' | 'kept'> {
  environment_id: string;
}

/** A database's newest backups that people can see, where any has ended; kept by `backups/newest-backups.ts`. */
export interface NewestBackupRow {
  database_id: string;
  /** Completed, and its verification has not failed; and when its dump began. */
  good_id: string | null;
  good_at: string | null;
  /** The median of the ten good ones before it; null where fewer than three tell. */
  usual_size: BigOrNull;
  /** Bytes of the good one. */
  good_size: BigOrNull;
  /** The newest that ended by itself, well or not; and when it began. */
  ended_id: string;
  ended_at: string;
}

/** When backups begin by themselves: of one database (`database_id`), or a rule for many (`rule_name`). */
export interface ScheduleRow {
  id: string;
  database_id: string | null;
  rule_name: string | null;
  /** Of a rule: what its databases have in common; null: any. */
  environment_id: string | null;
  /** Of their server. */
  tag: string | null;
  engine: string | null;
  cron_expression: string;
  /** Null: the installation's. */
  time_zone: string | null;
  /** The wire's; nothing here is pruned by it. */
  retention_days: number;
  enabled: Flag;
  /** A run begins up to so much later, always the same for a slot. */
  jitter_minutes: number;
  /** How late a slot that was missed may be caught up; null: whenever. */
  catch_up_hours: number | null;
  retries: number;
  /** Before the first retry; doubled before each other. */
  retry_minutes: number;
  /** Why it is paused, or null. */
  paused_reason: string | null;
  paused_at: string | null;
  /** When drills begin; null: never. On which server; null: the database's. In which folder, of files. */
  drill_cron: string | null;
  drill_server_id: string | null;
  drill_folder: string | null;
  /** How often the newest good backup is read in full; null: as set for the installation, 0: never. */
  verify_every_days: number | null;
  created_at: string;
  updated_at: string;
}

/** The schedule that counts for a database. */
export interface DatabaseScheduleRow {
  database_id: string;
  schedule_id: string;
  /** Of what `due_at` was computed: when that changes, it is computed anew. */
  settled_as: string;
  time_zone: string;
  /** The longest time between two runs: between two slots, and their jitter. */
  interval_minutes: number;
  is_paused: Flag;
  /** The next slot that has no line yet, and when its run begins; null where there is none. */
  due_at: string | null;
  run_at: string | null;
  /** The instant after which `due_at` was looked for: if it lies ahead, the clock was set back. */
  anchored_at: string;
  last_run_at: string | null;
}

export type SlotOutcome = 'ran' | 'caught_up' | 'skipped' | 'missed';
export type SlotReason = 'running' | 'paused' | 'blackout' | 'storage_off' | 'app_down' | 'limits';

/** What became of a slot, or of several after each other of which the same became. */
export interface ScheduleSlotRow {
  id: string;
  database_id: string;
  /** Of the first of them. */
  due_at: string;
  last_due_at: string;
  slots: number;
  outcome: SlotOutcome;
  /** Why it did not run; null where it did. */
  reason: SlotReason | null;
  detail: string | null;
  backup_id: string | null;
  decided_at: string;
  /** Backups that were begun for it. */
  tries: number;
  retry_at: string | null;
  /** 1 while a retry may follow. */
  is_watched: Flag;
}

/** When nothing is begun on a server, by the installation's zone. */
export interface ServerBlackoutRow {
  id: string;
  server_id: string;
  /** Digits of the days on which it begins, 0 is Sunday. */
  weekdays: string;
  /** Minutes since midnight; an end that is not after the beginning is the next day's. */
  from_minute: number;
  until_minute: number;
  reason: string | null;
}

/** A database whose backups are missing, of which was told. */
export interface ProtectionSpellRow {
  database_id: string;
  since: string;
}

/** What happened, for whoever tells people of it; written in the transaction of the change. */
export interface EventRow {
  id: string;
  type: string;
  database_id: string | null;
  environment_id: string | null;
  /** JSON. */
  data: string;
  created_at: string;
  /** When notifications and deliveries were made of it; null: not yet. */
  told_at: string | null;
}

/** Trouble of the installation itself, of which was told at that stage. */
export interface NotedTroubleRow {
  /** `<kind>:<what it is about>`. */
  id: string;
  kind: 'disk' | 'capability' | 'token' | 'certificate';
  /** How far it is, or (a capability) of which endpoint. */
  stage: string;
  since: string;
}

/** A weekly report that was told, or, the first one, that there was no need to. */
export interface WeeklyReportRow {
  /** The Monday that it is of, by the installation's clock. */
  week: string;
  /** JSON: bytes by place. */
  places: string;
  created_at: string;
}

export type PolicyPreset = 'lean' | 'balanced' | 'long_term' | 'custom';

/** A database's own retention; without a row, or with `inherit_global`, that of the installation counts. */
export interface BackupPolicyRow {
  id: string;
  database_id: string;
  inherit_global: Flag;
  preset: PolicyPreset;
  auto_applied: Flag;
  keep_last: number;
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  min_floor: number;
  max_total_bytes: BigOrNull;
  /** By how much the newest backup may be smaller than those before it; null: the usual. */
  max_shrink_percent: number | null;
  created_at: string;
  updated_at: string;
}

/** Whether pruning of a database stands still, since when and why; and up to which backup a person accepted how small it became. */
export interface RetentionFreezeRow {
  database_id: string;
  frozen_at: string | null;
  reason: string | null;
  backup_id: string | null;
  accepted_at: string | null;
  accepted_by_id: string | null;
  /** `created_at` of the newest good backup at that time: older ones are no measure any more. */
  accepted_through: string | null;
}

/** Tables that a backup no longer held, though each of those before it did. */
export interface VanishedTablesRow {
  backup_id: string;
  database_id: string;
  count: number;
  /** JSON: the names of the first few. */
  first_names: string;
}

export type PingProtocol = 'healthchecks' | 'plain';
export type PingKind = 'start' | 'success' | 'fail' | 'test';

/** The dead man's switch of a database, and what became of the last message to it. */
export interface PingTargetRow {
  /** The database's. */
  id: string;
  /** Sealed, for `ping_target:<id>:url`. */
  url: string;
  /** Of the URL, with its port where it has one: what is shown of it. */
  host: string;
  protocol: PingProtocol;
  last_kind: PingKind | null;
  last_at: string | null;
  last_ok: Flag | null;
  last_error: string | null;
  created_at: string;
  updated_at: string;
}

/** What is still to be sent to it. */
export interface PingRow {
  id: string;
  database_id: string;
  /** In the order in which it happened, from 1. */
  number: Big;
  kind: Exclude<PingKind, 'test'>;
  run_id: string;
  body: string;
  tries: number;
  created_at: string;
  next_try_at: string;
  /** Who sends it just now, and until when nobody else does. */
  claimed_by: string | null;
  lease_until: string | null;
}

/**
 * How far a restore came: `none` made nothing, `making` may have, `loading` fills what it made, `finishing` has found it whole;
 * `done`, `removed` and `left` (what it made could not be removed) are its ends.
 */
export type RestoreState = 'none' | 'making' | 'loading' | 'finishing' | 'done' | 'removed' | 'left';

/** A restore: its run has its id. It stays when backup, database and run are gone, since what it made may still be there. */
export interface RestoreRow {
  id: string;
  backup_id: string;
  database_id: string;
  /** Where it restores to. */
  environment_id: string;
  /** Null: the app's own machine. */
  server_id: string | null;
  /** The wire's type. */
  engine: string;
  host: string | null;
  port: number | null;
  /** Of the database that was backed up. */
  database_name: string | null;
  /** As of `databases`, at the time. */
  options: string;
  new_name: string;
  /** JSON, see `loadOptions`: which tables alone, by how many jobs; null: nothing was said. */
  load_options: string | null;
  /** 1 where nobody chose it, so that another may be taken. */
  is_name_ours: Flag;
  /** 1 where it is a drill's: it is dropped in any case. */
  is_drill: 1 | null;
  /** Random: what it makes is called or marked so until it is whole. */
  token: string;
  /** Sealed JSON `{username, password}`, for `restore:<id>:credentials`, until it has ended; null: those that back up. */
  credentials: string | null;
  state: RestoreState;
  /** JSON: lines of what was looked at before. */
  checks: string | null;
  /** JSON: tables with the rows that were found, and those of the dump. */
  counts: string | null;
  /** How long the loading took. */
  loaded_ms: BigOrNull;
  removal_tries: number;
  removal_error: string | null;
  asked_by_id: string | null;
  created_at: string;
  ended_at: string | null;
  /** 1: it takes the place of the database that was backed up, whose name is `new_name` then. */
  in_place: Flag;
  /** 1: who is connected to what it replaces may be thrown out. */
  end_sessions: Flag;
  /** Of what it replaces, made before; null: declined, or nothing is replaced. */
  safety_backup_id: string | null;
  /** What was there before is called so from the swap on; recorded before anything is made. */
  kept_name: string | null;
  /** What tells that from all else, whatever it is called: an OID, an inode. Recorded before the swap. */
  replaced_id: string | null;
  /** `taken-back`: it has its place again, by whoever went back. */
  kept_state: 'kept' | 'dropped' | 'taken-back' | null;
  kept_dropped_at: string | null;
}

/** As whom restores are made on a server where nobody types a user. */
export interface RestoreLoginRow {
  id: string;
  server_id: string;
  /** The wire's type. */
  engine: string;
  username: string;
  /** Sealed JSON `{username, password}`, for `restore_login:<id>:credentials`. */
  credentials: string;
  /** JSON of `databases/password-target.ts`: whom it was given for. */
  password_target: string;
  created_at: string;
  updated_at: string;
}

export type DrillOutcome = 'proven' | 'failed' | 'cancelled' | 'interrupted' | 'skipped' | 'missed';
/** Only `damaged` says something of the backup; the others of the place that it was restored to. */
export type DrillFailure = 'damaged' | 'extension' | 'role' | 'version' | 'other';

/** A drill: its run and its restore have its id. One that was skipped or missed has neither. */
export interface DrillRow {
  id: string;
  database_id: string;
  backup_id: string | null;
  /** The time that it was due at; null: somebody asked for it. */
  due_at: string | null;
  /** Null while it waits or runs. */
  outcome: DrillOutcome | null;
  failure: DrillFailure | null;
  /** Why it failed, or was not begun, for people. */
  says: string | null;
  /** From the making of the target until all was there, compared and checked. */
  restore_ms: BigOrNull;
  /** Of the dump. */
  bytes: BigOrNull;
  created_at: string;
  ended_at: string | null;
}

/** When a database's next drill is due, and what the last ones said. */
export interface DrillStateRow {
  database_id: string;
  /** Of what `due_at` was computed; null: it is due never. */
  settled_as: string | null;
  due_at: string | null;
  run_at: string | null;
  /** The last that proved a backup, a drill or a restore. */
  proven_at: string | null;
  proven_backup_id: string | null;
  restore_ms: BigOrNull;
  bytes: BigOrNull;
  /** The last drill that failed, if none has proven anything since. */
  failed_at: string | null;
  failed_drill_id: string | null;
  failure: DrillFailure | null;
  says: string | null;
}

/** Who is no person: a pipeline, a cron job. */
export interface ServiceAccountRow {
  id: string;
  name: string;
  description: string | null;
  role: UserRow['role'];
  disabled: Flag;
  created_by_user_id: string | null;
  created_at: string;
  updated_at: string;
}

/** What a machine shows instead of a session; of one user or of one service account, with whom it goes. */
export interface ApiTokenRow {
  id: string;
  name: string;
  /** SHA-256 of the whole token, base64url. */
  token_hash: string;
  /** Its first 14 characters. */
  token_prefix: string;
  /** At most; its owner's may be less. */
  role: UserRow['role'];
  /** `backups`: it asks for backups, reads of them, and pins those that it asked for; `metrics`: it reads those. */
  access: 'full' | 'backups' | 'metrics';
  /** 0: those of `api_token_environments`. */
  all_environments: Flag;
  user_id: string | null;
  service_account_id: string | null;
  /** To the minute. */
  last_used_at: string | null;
  expires_at: string;
  created_at: string;
}

export interface ApiTokenEnvironmentRow {
  token_id: string;
  environment_id: string;
}

/** A backup that a token asked for. */
export interface TokenBackupRow {
  backup_id: string;
  token_id: string;
  /** 1 while it is pinned on the token's behalf; a person's pin is none. */
  holds_pin: Flag;
}

/** A request that was sent with an Idempotency-Key. */
export interface IdempotencyKeyRow {
  /** Hash of whose it is, its method, its path and its key. */
  id: string;
  /** `session:<id>` or `token:<id>`: whose keys are counted together. */
  credential: string;
  /** Of its query and body. */
  request_hash: string;
  claimed_by: string;
  /** Until when it counts as going on; null once it was answered. */
  lease_until: string | null;
  /** Sealed JSON of what was answered, for `idempotency_key:<id>:answer`; null while it goes on. */
  answer: string | null;
  created_at: string;
}

export type Severity = 'info' | 'warning' | 'critical';

/** What admins have changed of a type of notification; the types themselves are `notifications/types.ts`. */
export interface NotificationTypeRow {
  id: string;
  /** JSON array of `in_app`, `email`, `webhook`. */
  default_channels: string;
  enabled: Flag;
  bounce_enabled: Flag;
  bounce_threshold: number;
  /** Seconds. */
  bounce_cooldown: number;
  updated_at: string;
}

/** What a user wants of a type, where it is not what the type says. */
export interface NotificationPreferenceRow {
  user_id: string;
  type_id: string;
  in_app_enabled: Flag;
  email_enabled: Flag;
  webhook_enabled: Flag;
  /** JSON array of ids; null: all. */
  environment_ids: string | null;
  created_at: string;
  updated_at: string;
}

/** What a user is told in the app, once of each event and type. It outlives its event and what it is about. */
export interface NotificationRow {
  id: string;
  event_id: string;
  type_id: string;
  user_id: string;
  severity: Severity;
  title: string;
  message: string;
  /** JSON of what the event tells. */
  data: string;
  environment_id: string | null;
  database_id: string | null;
  in_app_read_at: string | null;
  /** When a mail to its user, or a message to a channel, that tells of it was taken. */
  email_sent_at: string | null;
  webhook_sent_at: string | null;
  created_at: string;
}

/** Trouble of one type at one database (or at one channel), told once while it lasts. */
export interface NotificationSpellRow {
  /** `<type>:<database or channel>`. */
  id: string;
  type_id: string;
  /** It may be gone by then: an event outlives it. */
  database_id: string | null;
  is_open: Flag;
  since: string;
  /** Events in it. */
  count: number;
  /** When it was told; and when one of its kind was last. */
  told_at: string | null;
  last_told_at: string | null;
  /** When it is told if it lasts; null: not held back. */
  tell_at: string | null;
  /** The newest of its events. */
  event_id: string;
}

export type SmtpSecurity = 'tls' | 'starttls' | 'none';

/** How far a way out works. */
interface WayState {
  last_ok_at: string | null;
  last_error: string | null;
  failing_since: string | null;
}

/** At most one row: by which server mail goes out. */
export interface SmtpSettingsRow extends WayState {
  id: string;
  host: string;
  port: number;
  security: SmtpSecurity;
  username: string | null;
  /** Sealed, for `smtp:<id>:password`. */
  password: string | null;
  /** The address that mail comes from. */
  sender: string;
  created_at: string;
  updated_at: string;
}

export type ChannelKind = 'slack' | 'discord' | 'teams' | 'ntfy' | 'telegram' | 'webhook';

/** Where the installation's notifications go beside mail. */
export interface NotificationChannelRow extends WayState {
  id: string;
  kind: ChannelKind;
  name: string;
  /** Sealed, for `notification_channel:<id>:url`. */
  url: string;
  /** Sealed, for `notification_channel:<id>:secret`. */
  secret: string | null;
  /** Of the URL: what is shown of it. */
  host: string;
  least_severity: Severity;
  /** Null: of all. */
  environment_id: string | null;
  enabled: Flag;
  created_at: string;
  updated_at: string;
}

/** Who is told of each backup of an environment, by the contract. */
export interface WebhookSubscriptionRow {
  id: string;
  environment_id: string;
  /** Sealed, for `webhook_subscription:<id>:url`. */
  url: string;
  /** Sealed, for `webhook_subscription:<id>:secret`. */
  secret: string | null;
  /** JSON array. */
  events: string;
  enabled: Flag;
  created_at: string;
  updated_at: string;
}

export type DeliveryWay = 'email' | 'channel' | 'webhook';
export type DeliveryStatus = 'pending' | 'delivered' | 'failed';

/** A message to one recipient: on its way, taken, or given up. */
export interface DeliveryRow {
  id: string;
  way: DeliveryWay;
  /** A user, a channel, a subscription. */
  target_id: string;
  /** What people know it by: an address, a name. */
  recipient: string;
  /** The type of what it tells, of its first item. */
  event: string;
  /** Of a webhook: what is sent, to the letter; of a mail with a report: its JSON; null: it is made of its items. */
  body: string | null;
  status: DeliveryStatus;
  attempts: number;
  next_try_at: string | null;
  last_error: string | null;
  response_status: number | null;
  claimed_by: string | null;
  lease_until: string | null;
  created_at: string;
  delivered_at: string | null;
}

/** One of the notifications that a message tells of. */
export interface DeliveryItemRow {
  delivery_id: string;
  event_id: string;
  type_id: string;
  severity: Severity;
  title: string;
  message: string;
  database_id: string | null;
  at: string;
}
