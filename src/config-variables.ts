import * as z from 'zod';
import { parseCidr } from './cidr.ts';
import {
  absent,
  duration,
  flag,
  list,
  masterKey,
  origin,
  postgresUrl,
  proxy,
  UNIT_MS,
  whole,
} from './config-values.ts';

/** One variable of the environment. */
export interface Variable<T> {
  readonly name: string;
  /** What the value should be, for the message about a bad one. */
  readonly expects: string;
  readonly schema: z.ZodType<T, string | undefined>;
  readonly isSecret?: boolean;
  /** Another spelling, which counts where the name is not set. */
  readonly alias?: string;
}

/** What is known of paths where the app runs. */
export interface Paths {
  /** Absolute. */
  resolve(path: string): string;
  isAbsolute(path: string): boolean;
  isFolder(path: string): boolean;
}

/** Every variable that the app reads, by the field of the configuration that it sets. */
export function variablesWith(paths: Paths) {
  return {
    host: {
      name: 'HOST',
      expects: 'an address to listen on, such as 0.0.0.0',
      schema: z
        .string()
        .regex(/^[A-Za-z0-9.:_-]+$/)
        .default('0.0.0.0'),
    },
    /** 0 lets the system choose. */
    port: { name: 'PORT', expects: 'a port from 0 to 65535', schema: whole(0, 65_535).default(3000) },
    /** Absolute. */
    dataDir: {
      name: 'DATA_DIR',
      expects: 'a folder',
      schema: z
        .string()
        .default('./data')
        .transform((path) => paths.resolve(path)),
    },
    /** Where the state of the installation lies; null: a file of SQLite in dataDir. May hold a password. */
    databaseUrl: {
      name: 'DATABASE_URL',
      expects:
        'the URL of a PostgreSQL database, such as postgres://user:password@db.example.com:5432/bridgeport',
      schema: absent(postgresUrl),
      isSecret: true,
    },
    /** 32 bytes, or null: then the key lies in `dataDir/master.key`. */
    masterKey: {
      name: 'MASTER_KEY',
      expects: '32 bytes as base64, as `openssl rand -base64 32` prints them',
      schema: absent(masterKey),
      isSecret: true,
    },
    /** 32 bytes that open what was sealed before a change of the master key, or null. */
    masterKeyPrevious: {
      name: 'MASTER_KEY_PREVIOUS',
      expects: 'the master key that MASTER_KEY replaces, 32 bytes as base64',
      schema: absent(masterKey),
      isSecret: true,
    },
    /** Signs session tokens; null: a random key, sealed in the database. */
    jwtSecret: {
      name: 'JWT_SECRET',
      expects: 'at least 32 characters',
      schema: absent(z.string().min(32)),
      isSecret: true,
    },
    adminEmail: { name: 'ADMIN_EMAIL', expects: 'an email address', schema: absent(z.email().max(254)) },
    adminPassword: {
      name: 'ADMIN_PASSWORD',
      expects: '8 to 1024 characters',
      schema: absent(z.string().min(8).max(1024)),
      isSecret: true,
    },
    sessionTtlSeconds: {
      name: 'SESSION_TTL',
      expects: 'a duration of a second or more, such as 12h or 7d',
      schema: duration
        .refine((milliseconds) => milliseconds >= 1000)
        .prefault('7d')
        .transform((milliseconds) => Math.floor(milliseconds / 1000)),
    },
    /** After so long without a request a session ends; null: only with sessionTtlSeconds. */
    sessionIdleMs: {
      name: 'SESSION_IDLE',
      expects: 'none, or a duration of a minute or more, such as 30m or 12h',
      schema: z.union([
        z
          .literal('none')
          .prefault('none')
          .transform(() => null),
        duration.refine((milliseconds) => milliseconds >= 60_000),
      ]),
    },
    /** Raises what new passwords need. */
    passwordMinLength: {
      name: 'PASSWORD_MIN_LENGTH',
      expects: 'the characters that new passwords need at least, 8 to 128',
      schema: absent(whole(8, 128)),
    },
    /** Requests per window: of an address without a session, of an account by the API, of a session by the pages. */
    rateLimitMax: {
      name: 'RATE_LIMIT_MAX',
      expects: 'the requests that one address may make per window without being signed in, 1 to 1000000',
      schema: whole(1, 1_000_000).default(100),
    },
    rateLimitUserMax: {
      name: 'RATE_LIMIT_USER_MAX',
      expects: 'the API requests that one account may make per window, 1 to 1000000',
      schema: absent(whole(1, 1_000_000)),
    },
    rateLimitPageMax: {
      name: 'RATE_LIMIT_PAGE_MAX',
      expects: 'the pages and fragments that one session may open per window, 1 to 1000000',
      schema: absent(whole(1, 1_000_000)),
    },
    rateLimitWindowMs: {
      name: 'RATE_LIMIT_WINDOW',
      expects: 'a duration, such as 60s or 1m',
      schema: duration.prefault('1m'),
    },
    logLevel: {
      name: 'LOG_LEVEL',
      expects: 'debug, info, warn or error',
      schema: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    },
    /** Origins that browsers may call the API from; `*` is any, empty is none. */
    corsOrigin: {
      name: 'CORS_ORIGIN',
      expects: 'origins separated by commas, such as https://app.example.com, or *',
      schema: list.pipe(z.array(z.union([z.literal('*'), origin]))).prefault(''),
    },
    /** Addresses or CIDRs of proxies whose X-Forwarded-* headers count. */
    trustProxy: {
      name: 'TRUST_PROXY',
      expects: 'none, or addresses and CIDRs separated by commas, such as 10.0.0.0/8',
      schema: list
        .transform((entries) => (entries.length === 1 && entries[0] === 'none' ? [] : entries))
        .refine((entries) => entries.every((entry) => parseCidr(entry) !== null))
        .prefault('none'),
    },
    /** Origin under which people reach this installation, such as `https://backups.example.com`. */
    publicUrl: {
      name: 'PUBLIC_URL',
      expects: 'an http or https origin without a path, such as https://backups.example.com',
      schema: absent(origin),
    },
    /** Absolute folders that backups and SQLite files of the app's own machine may lie in. */
    localPaths: {
      name: 'LOCAL_PATHS',
      expects: 'absolute paths of folders that exist, separated by commas',
      schema: list
        .refine((all) => all.every((path) => paths.isAbsolute(path) && path !== '/' && paths.isFolder(path)))
        .transform((all) => all.map((path) => paths.resolve(path)))
        // Where it was not asked for, the folder may be made later.
        .default(['/var/backups']),
    },
    /** Addresses and CIDRs that servers and databases may lie in; empty is anywhere. */
    reachableNetworks: {
      name: 'REACHABLE_NETWORKS',
      expects: 'addresses and CIDRs separated by commas, such as 10.0.0.0/8,192.0.2.7',
      schema: list.refine((entries) => entries.every((entry) => parseCidr(entry) !== null)).prefault(''),
    },
    partMemoryMib: {
      name: 'PART_MEMORY_MIB',
      expects: 'the MiB that all uploads may buffer together, 16 to 65536',
      schema: whole(16, 65_536).default(64),
    },
    sshStrict: { name: 'SSH_STRICT', expects: '0 or 1', schema: flag.default(false) },
    storageAllowHttp: { name: 'STORAGE_ALLOW_HTTP', expects: '0 or 1', schema: flag.default(false) },
    storageCaFile: {
      name: 'STORAGE_CA_FILE',
      expects: 'the path of a PEM file',
      schema: absent(z.string().transform((path) => paths.resolve(path))),
    },
    /** Origin of presigned URLs, where browsers reach the storage by another name. */
    storagePublicEndpoint: {
      name: 'STORAGE_PUBLIC_ENDPOINT',
      expects: 'an http or https origin without a path, such as https://s3.example.com',
      schema: absent(origin),
    },
    /** Proxies that the storage is asked through, by the scheme of its endpoint: URLs that may hold a password. */
    httpsProxy: {
      name: 'HTTPS_PROXY',
      alias: 'https_proxy',
      expects: 'the URL of an http or https proxy, such as http://user:password@proxy.example.com:3128',
      schema: absent(proxy),
      isSecret: true,
    },
    httpProxy: {
      name: 'HTTP_PROXY',
      alias: 'http_proxy',
      expects: 'the URL of an http or https proxy, such as http://user:password@proxy.example.com:3128',
      schema: absent(proxy),
      isSecret: true,
    },
    /** Hosts that are asked without one. */
    noProxy: {
      name: 'NO_PROXY',
      alias: 'no_proxy',
      expects: 'hosts, domains, addresses and CIDRs separated by commas, or *',
      schema: z
        .string()
        .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
        .prefault(''),
    },
    /** How long a running backup waits for a storage that fails for the moment. */
    storagePatienceMs: {
      name: 'STORAGE_PATIENCE',
      expects: 'a duration from 10s to 12h, such as 10m',
      schema: duration
        .refine((milliseconds) => milliseconds >= 10_000 && milliseconds <= 12 * UNIT_MS.h)
        .prefault('10m'),
    },
    /** Opens /metrics, beside API tokens for metrics; null: those alone. */
    metricsToken: {
      name: 'METRICS_TOKEN',
      expects: '16 to 512 letters, digits and - . _ ~ + / =',
      schema: absent(z.string().regex(/^[\w.~+/=-]{16,512}$/)),
      isSecret: true,
    },
    /** Whether this process begins what is due by schedules; what people ask for is run in any case. */
    schedulerEnabled: { name: 'SCHEDULER_ENABLED', expects: '0 or 1', schema: flag.default(true) },
    /** How often it is looked what is due. */
    schedulerCheckMs: {
      name: 'SCHEDULER_BACKUP_CHECK_INTERVAL',
      expects: 'seconds or a duration, from 1s to 1h',
      schema: z
        .string()
        .transform((text) => (/^\d{1,6}$/.test(text.trim()) ? `${text.trim()}s` : text))
        .pipe(duration)
        .refine((milliseconds) => milliseconds >= 1000 && milliseconds <= UNIT_MS.h)
        .prefault('60s'),
    },
  } as const satisfies Readonly<Record<string, Variable<unknown>>>;
}
