import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';
import { parseCidr } from './cidr.ts';
import { AppError } from './errors.ts';
import type { LogLevel } from './log.ts';

/** Everything that the environment decides, parsed once at the start. */
export interface Config {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** 32 bytes, or null: then the key lies in `dataDir/master.key`. */
  readonly masterKey: Uint8Array | null;
  /** 32 bytes that open what was sealed before a change of the master key, or null. */
  readonly masterKeyPrevious: Uint8Array | null;
  /** Signs session tokens; null: a random key, sealed in the database. */
  readonly jwtSecret: string | null;
  readonly adminEmail: string | null;
  readonly adminPassword: string | null;
  readonly sessionTtlSeconds: number;
  /** After so long without a request a session ends; null: only with sessionTtlSeconds. */
  readonly sessionIdleMs: number | null;
  /** Raises what new passwords need. */
  readonly passwordMinLength: number | null;
  /** Requests per window: of an address without a session, of an account by the API, of a session by the pages. */
  readonly rateLimitMax: number;
  readonly rateLimitUserMax: number;
  readonly rateLimitPageMax: number;
  readonly rateLimitWindowMs: number;
  readonly logLevel: LogLevel;
  /** Origins that browsers may call the API from; `*` is any, empty is none. */
  readonly corsOrigin: readonly string[];
  /** Addresses or CIDRs of proxies whose X-Forwarded-* headers count. */
  readonly trustProxy: readonly string[];
  /** Origin under which people reach this installation, such as `https://backups.example.com`. */
  readonly publicUrl: string | null;
  /** Absolute folders that backups and SQLite files of the app's own machine may lie in. */
  readonly localPaths: readonly string[];
  /** Addresses and CIDRs that servers and databases may lie in; empty is anywhere. */
  readonly reachableNetworks: readonly string[];
  readonly partMemoryMib: number;
  readonly sshStrict: boolean;
  readonly storageAllowHttp: boolean;
  readonly storageCaFile: string | null;
  /** Origin of presigned URLs, where browsers reach the storage by another name. */
  readonly storagePublicEndpoint: string | null;
  /** Proxies that the storage is asked through, by the scheme of its endpoint: URLs that may hold a password. */
  readonly httpsProxy: string | null;
  readonly httpProxy: string | null;
  /** Hosts that are asked without one. */
  readonly noProxy: readonly string[];
  /** How long a running backup waits for a storage that fails for the moment. */
  readonly storagePatienceMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration; each variable may also be given as NAME_FILE, the path of a file that holds its value.
 * Throws `config`, naming the variable and what it should be (never its value).
 */
export function readConfig(env: Environment = process.env): Config {
  const read = <T>(variable: Variable<T>): T => readVariable(env, variable);
  const rateLimitMax = read(VARIABLES.rateLimitMax);
  const config: Config = {
    host: read(VARIABLES.host),
    port: read(VARIABLES.port),
    dataDir: read(VARIABLES.dataDir),
    masterKey: read(VARIABLES.masterKey),
    masterKeyPrevious: read(VARIABLES.masterKeyPrevious),
    jwtSecret: read(VARIABLES.jwtSecret),
    adminEmail: read(VARIABLES.adminEmail),
    adminPassword: read(VARIABLES.adminPassword),
    sessionTtlSeconds: read(VARIABLES.sessionTtlSeconds),
    sessionIdleMs: read(VARIABLES.sessionIdleMs),
    passwordMinLength: read(VARIABLES.passwordMinLength),
    rateLimitMax,
    // Whoever has raised the one limit meant signed-in clients too, which it used to count.
    rateLimitUserMax: read(VARIABLES.rateLimitUserMax) ?? Math.max(1000, rateLimitMax),
    rateLimitPageMax: read(VARIABLES.rateLimitPageMax) ?? Math.max(600, rateLimitMax),
    rateLimitWindowMs: read(VARIABLES.rateLimitWindowMs),
    logLevel: read(VARIABLES.logLevel),
    corsOrigin: read(VARIABLES.corsOrigin),
    trustProxy: read(VARIABLES.trustProxy),
    publicUrl: read(VARIABLES.publicUrl),
    localPaths: read(VARIABLES.localPaths),
    reachableNetworks: read(VARIABLES.reachableNetworks),
    partMemoryMib: read(VARIABLES.partMemoryMib),
    sshStrict: read(VARIABLES.sshStrict),
    storageAllowHttp: read(VARIABLES.storageAllowHttp),
    storageCaFile: read(VARIABLES.storageCaFile),
    storagePublicEndpoint: read(VARIABLES.storagePublicEndpoint),
    httpsProxy: read(VARIABLES.httpsProxy),
    httpProxy: read(VARIABLES.httpProxy),
    noProxy: read(VARIABLES.noProxy),
    storagePatienceMs: read(VARIABLES.storagePatienceMs),
  };
  if ((config.adminEmail === null) !== (config.adminPassword === null)) {
    throw new AppError('config', 'ADMIN_EMAIL and ADMIN_PASSWORD belong together: set both or none.');
  }
  return Object.freeze(config);
}

/** The configuration by variable name, for printing at the start: secrets are only said to be set or not. */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  const variables: Readonly<Record<string, Variable<unknown>>> = VARIABLES;
  return Object.fromEntries(
    Object.entries(variables).map(([field, variable]) => {
      const value: unknown = Reflect.get(config, field);
      return [variable.name, variable.isSecret ? (value === null ? 'not set' : 'set') : value];
    }),
  );
}

interface Variable<T> {
  readonly name: string;
  /** What the value should be, for the message about a bad one. */
  readonly expects: string;
  readonly schema: z.ZodType<T, string | undefined>;
  readonly isSecret?: boolean;
  /** Another spelling, which counts where the name is not set. */
  readonly alias?: string;
}

function readVariable<T>(env: Environment, { name, expects, schema, alias }: Variable<T>): T {
  const raw = rawValue(env, name) ?? (alias === undefined ? undefined : rawValue(env, alias));
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new AppError('config', `${name} must be ${expects}.`, { details: { variable: name } });
}

function rawValue(env: Environment, name: string): string | undefined {
  const direct = env[name];
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return direct === '' ? undefined : direct;
  if (direct !== undefined && direct !== '') {
    throw new AppError('config', `${name} and ${name}_FILE are both set: keep one of them.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw new AppError('config', `${name}_FILE must name a file of text in UTF-8: ${file} is none.`, {
        cause,
      });
    }
    throw new AppError('config', `${name}_FILE must name a file that can be read: ${file} can't.`, { cause });
  }
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `15m`, `7d`: milliseconds, at most ten years. */
const duration = z.string().transform((text, context) => {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim());
  const unit = match?.[2] as keyof typeof UNIT_MS | undefined;
  const milliseconds = unit === undefined ? 0 : Number(match?.[1]) * UNIT_MS[unit];
  if (milliseconds >= 1 && milliseconds <= 3650 * UNIT_MS.d) return milliseconds;
  context.addIssue({ code: 'custom', message: 'not a duration' });
  return z.NEVER;
});

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

const flag = z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true');

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && ['http:', 'https:'].includes(url.protocol) && url.pathname === '/';
  if (isOrigin && url.search === '' && url.hash === '' && url.username === '') return url.origin;
  context.addIssue({ code: 'custom', message: 'not an origin' });
  return z.NEVER;
});

/** As other programs read it: the scheme may be left out, and user and password may be percent-encoded. */
const proxy = z.string().transform((text, context) => {
  const typed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const isProxy = url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '';
  if (isProxy && isEncoded(url.username) && isEncoded(url.password)) return url.href;
  context.addIssue({ code: 'custom', message: 'not a proxy' });
  return z.NEVER;
});

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const masterKey = z.string().transform((text, context) => {
  // The pattern first: the decoder skips what it does not know, and a mistyped key would silently be another key.
  if (/^[A-Za-z0-9+/]{43}=$/.test(text.trim())) return new Uint8Array(Buffer.from(text.trim(), 'base64'));
  context.addIssue({ code: 'custom', message: 'not a key' });
  return z.NEVER;
});

const absent = <T>(schema: z.ZodType<T, string>) =>
  schema.optional().transform((value): T | null => value ?? null);

const VARIABLES = {
  host: {
    name: 'HOST',
    expects: 'an address to listen on, such as 0.0.0.0',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9.:_-]+$/)
      .default('0.0.0.0'),
  },
  port: { name: 'PORT', expects: 'a port from 0 to 65535', schema: whole(0, 65_535).default(3000) },
  dataDir: {
    name: 'DATA_DIR',
    expects: 'a folder',
    schema: z
      .string()
      .default('./data')
      .transform((path) => resolve(path)),
  },
  masterKey: {
    name: 'MASTER_KEY',
    expects: '32 bytes as base64, as `openssl rand -base64 32` prints them',
    schema: absent(masterKey),
    isSecret: true,
  },
  masterKeyPrevious: {
    name: 'MASTER_KEY_PREVIOUS',
    expects: 'the master key that MASTER_KEY replaces, 32 bytes as base64',
    schema: absent(masterKey),
    isSecret: true,
  },
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
  passwordMinLength: {
    name: 'PASSWORD_MIN_LENGTH',
    expects: 'the characters that new passwords need at least, 8 to 128',
    schema: absent(whole(8, 128)),
  },
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
  corsOrigin: {
    name: 'CORS_ORIGIN',
    expects: 'origins separated by commas, such as https://app.example.com, or *',
    schema: list.pipe(z.array(z.union([z.literal('*'), origin]))).prefault(''),
  },
  trustProxy: {
    name: 'TRUST_PROXY',
    expects: 'none, or addresses and CIDRs separated by commas, such as 10.0.0.0/8',
    schema: list
      .transform((entries) => (entries.length === 1 && entries[0] === 'none' ? [] : entries))
      .refine((entries) => entries.every((entry) => parseCidr(entry) !== null))
      .prefault('none'),
  },
  publicUrl: {
    name: 'PUBLIC_URL',
    expects: 'an http or https origin without a path, such as https://backups.example.com',
    schema: absent(origin),
  },
  localPaths: {
    name: 'LOCAL_PATHS',
    expects: 'absolute paths of folders that exist, separated by commas',
    schema: list
      .refine((paths) => paths.every((path) => isAbsolute(path) && path !== '/' && isFolder(path)))
      .transform((paths) => paths.map((path) => resolve(path)))
      // Where it was not asked for, the folder may be made later.
      .default(['/var/backups']),
  },
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
    schema: absent(z.string().transform((path) => resolve(path))),
  },
  storagePublicEndpoint: {
    name: 'STORAGE_PUBLIC_ENDPOINT',
    expects: 'an http or https origin without a path, such as https://s3.example.com',
    schema: absent(origin),
  },
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
  noProxy: {
    name: 'NO_PROXY',
    alias: 'no_proxy',
    expects: 'hosts, domains, addresses and CIDRs separated by commas, or *',
    schema: z
      .string()
      .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
      .prefault(''),
  },
  storagePatienceMs: {
    name: 'STORAGE_PATIENCE',
    expects: 'a duration from 10s to 12h, such as 10m',
    schema: duration
      .refine((milliseconds) => milliseconds >= 10_000 && milliseconds <= 12 * UNIT_MS.h)
      .prefault('10m'),
  },
} as const satisfies Readonly<Record<keyof Config, Variable<unknown>>>;
