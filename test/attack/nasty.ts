import { pick } from './verdict.ts';

/** Texts that break what was not thought of. None leads to another machine. */
export const NASTY_TEXTS: readonly string[] = [
  ...[
    '',
    ' ',
    "'",
    '"',
    '$(id)',
    '../../etc/passwd',
    '\u0000',
    '\r\nX: y',
    '\u202e',
    '\ud800',
    '💥',
    'null',
    '%00',
  ],
  ...[
    '-1',
    '0',
    '1e308',
    '99999999999999999999',
    'NaN',
    'Infinity',
    '0x10',
    '1.5',
    '-0',
    '2026-02-30T25:61:61Z',
  ],
  ...['http://[', '//[::1]:1', 'javascript:alert(1)', '<script>alert(1)</script>', 'on', '-oProxyCommand=x'],
  ...[
    'a'.repeat(5_000),
    '\ufffe',
    'ß'.repeat(300),
    "'; drop table backups; --",
    '{{7*7}}',
    '%E0%A4%A',
    '\u2028',
  ],
  ...['__proto__', 'constructor', 'toString', 'true', 'false', '[]', '{}', '\t', 'İ', 'ﬃ', '😀'.repeat(100)],
];

export const NASTY_IDS: readonly string[] = [
  ...['unknown', '..', '%2e%2e', "'", '%00', '%F0%9F%92%A5', '%', '%ff', '%c0%af', 'a'.repeat(3_000)],
  ...['__proto__', '-', '*', '0', '%2F', '%5C', '%0d%0a', 'null', 'c'.repeat(25)],
];

/** What a field may rightly hold: a body of these is taken. Hosts and endpoints are closed ports of this machine. */
const GOOD: Readonly<Record<string, readonly unknown[]>> = {
  name: ['ü + 😀', 'a'],
  email: ['somebody@example.test'],
  role: ['admin', 'operator', 'viewer'],
  type: ['postgres', 'mysql', 'sqlite'],
  hostname: ['127.0.0.2', 'localhost', '127.0.0.1'],
  host: ['127.0.0.1', 'localhost'],
  endpoint: ['127.0.0.1:1', 'https://127.0.0.1:1', '[::1]:1'],
  provider: ['minio', 'other', 'ceph'],
  region: ['us-east-1', 'x'],
  port: [1, 65_535],
  sshPort: [1],
  username: ['a', 'root'],
  password: ['correct horse battery'],
  databaseName: ['a'],
  filePath: ['/nowhere/a.sqlite'],
  serverId: [null],
  backupFormat: ['plain', 'custom', 'tar'],
  backupCompression: ['none', 'gzip', 'zstd'],
  backupCompressionLevel: [1, 6, 9],
  backupStorageType: ['local', 'spaces'],
  backupLocalPath: ['/nowhere'],
  backupSpacesBucket: ['backups'],
  backupSpacesPrefix: ['a/'],
  buckets: [['backups'], []],
  accessKey: ['AKIDAKIDAKIDAKIDAKID'],
  secretKey: ['secretsecretsecretsecretsecret'],
  tags: ['a,b', ['a']],
  enabled: [true, false],
  deep: [true, false],
  limit: [1, 50, 1_000],
  offset: [0, 10],
};

/** Never anything but what stays on this machine. */
const LEADS_AWAY = new Set(['hostname', 'host', 'endpoint', 'provider', 'region', 'publicIp']);

export const API_FIELDS: readonly string[] = [
  ...Object.keys(GOOD),
  ...[
    'currentPassword',
    'newPassword',
    'setupCode',
    'sshPrivateKey',
    'sshUser',
    'allowBackupDownload',
    'useSsl',
  ],
  ...[
    'pgDumpTimeoutMs',
    'pgDumpOptions',
    'collectionIntervalSec',
    'monitoringEnabled',
    'redirect',
    'page',
    'shown',
  ],
  ...[
    'notice',
    'next',
    'prefix',
    'bucket',
    'before',
    'validate',
    'environmentId',
    'databaseId',
    'pinned',
    '__proto__',
  ],
];

/** A value of a field: right, nasty, or of the wrong type where the body is JSON. */
export function valueFor(random: () => number, field: string, isJson: boolean): unknown {
  const good = GOOD[field];
  if (LEADS_AWAY.has(field)) return pick(random, good ?? ['127.0.0.1']);
  const way = random();
  if (good !== undefined && way < 0.5) return pick(random, good);
  if (!isJson || way < 0.8) return pick(random, NASTY_TEXTS);
  return pick(random, [null, true, -1, 1e308, 0.1, 2 ** 53, [], {}, [null], { a: { b: [1] } }, [['a']]]);
}

/** A body with some of the fields; half of the time with all that a thing needs. */
export function fieldsOf(
  random: () => number,
  fields: readonly string[],
  isJson: boolean,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  if (random() < 0.5) for (const [name, values] of Object.entries(GOOD)) found[name] = pick(random, values);
  for (let count = Math.floor(random() * 5); count >= 0; count -= 1) {
    const field = pick(random, fields) ?? 'name';
    Object.defineProperty(found, field, {
      value: valueFor(random, field, isJson),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return found;
}
