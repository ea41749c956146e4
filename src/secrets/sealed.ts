/** A column that holds what the vault sealed, and what each value in it is bound to. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  readonly identity: (id: string) => string;
}

/** Every secret that the database holds, by its name. Identities are part of what is sealed: they never change. */
export const SEALED = {
  sshPrivateKey: {
    table: 'environments',
    column: 'ssh_private_key',
    identity: (id) => `environment:${id}:ssh_private_key`,
  },
  databaseCredentials: {
    table: 'databases',
    column: 'credentials',
    identity: (id) => `database:${id}:credentials`,
  },
  storageAccessKey: {
    table: 'spaces_config',
    column: 'access_key',
    identity: (id) => `spaces:${id}:access_key`,
  },
  storageSecretKey: {
    table: 'spaces_config',
    column: 'secret_key',
    identity: (id) => `spaces:${id}:secret_key`,
  },
  storageSessionToken: {
    table: 'spaces_config',
    column: 'session_token',
    identity: (id) => `spaces:${id}:session_token`,
  },
  secondFactor: {
    table: 'second_factors',
    column: 'secret',
    identity: (id) => `second_factor:${id}:secret`,
  },
  pingUrl: { table: 'ping_targets', column: 'url', identity: (id) => `ping_target:${id}:url` },
  restoreCredentials: {
    table: 'restores',
    column: 'credentials',
    identity: (id) => `restore:${id}:credentials`,
  },
  restoreLogin: {
    table: 'restore_logins',
    column: 'credentials',
    identity: (id) => `restore_login:${id}:credentials`,
  },
  oidcClientSecret: {
    table: 'oidc_settings',
    column: 'client_secret',
    identity: (id) => `oidc:${id}:client_secret`,
  },
  smtpPassword: { table: 'smtp_settings', column: 'password', identity: (id) => `smtp:${id}:password` },
  webhookUrl: {
    table: 'webhook_subscriptions',
    column: 'url',
    identity: (id) => `webhook_subscription:${id}:url`,
  },
  webhookSecret: {
    table: 'webhook_subscriptions',
    column: 'secret',
    identity: (id) => `webhook_subscription:${id}:secret`,
  },
  channelUrl: {
    table: 'notification_channels',
    column: 'url',
    identity: (id) => `notification_channel:${id}:url`,
  },
  channelSecret: {
    table: 'notification_channels',
    column: 'secret',
    identity: (id) => `notification_channel:${id}:secret`,
  },
  idempotentAnswer: {
    table: 'idempotency_keys',
    column: 'answer',
    identity: (id) => `idempotency_key:${id}:answer`,
  },
  signingKey: { table: 'signing_keys', column: 'secret', identity: (id) => `signing_key:${id}` },
} as const satisfies Readonly<Record<string, SealedColumn>>;

/** What is sealed for a browser to keep, and lies in no table: it ends with its cookie, and with a change of the master key. */
export const SEALED_FOR_BROWSERS = {
  madeToken: { identity: (sessionId: string, id: string) => `session:${sessionId}:made_token:${id}` },
} as const;

export const SEALED_COLUMNS: readonly SealedColumn[] = Object.values(SEALED);
