import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeConfig } from '../src/config.ts';
import { isAppError } from '../src/errors.ts';
import { readConfig } from '../src/node/read-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const key = Buffer.alloc(32, 7).toString('base64');

describe('readConfig', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 3000,
      masterKey: null,
      sessionTtlSeconds: 7 * 86_400,
      rateLimitMax: 100,
      rateLimitWindowMs: 60_000,
      logLevel: 'info',
      corsOrigin: [],
      trustProxy: [],
      publicUrl: null,
      localPaths: ['/var/backups'],
      partMemoryMib: 64,
      sshStrict: false,
      storageAllowHttp: false,
      schedulerEnabled: true,
      schedulerCheckMs: 60_000,
    });
    expect(config.dataDir).toBe(join(process.cwd(), 'data'));
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads every value', () => {
    const dumps = join(folder, 'dumps ü+ 💾');
    mkdirSync(dumps);
    const config = readConfig({
      HOST: '127.0.0.1',
      PORT: '8080',
      DATA_DIR: '/srv/bridgeport',
      MASTER_KEY: key,
      SESSION_TTL: '12h',
      RATE_LIMIT_WINDOW: '90s',
      CORS_ORIGIN: 'https://a.example, https://b.example:8443',
      TRUST_PROXY: '10.0.0.0/8,::1',
      PUBLIC_URL: 'https://backups.example.com/',
      LOCAL_PATHS: `${folder}/,${dumps}`,
      SSH_STRICT: '1',
      STORAGE_ALLOW_HTTP: 'true',
    });
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      dataDir: '/srv/bridgeport',
      sessionTtlSeconds: 43_200,
      rateLimitWindowMs: 90_000,
      corsOrigin: ['https://a.example', 'https://b.example:8443'],
      trustProxy: ['10.0.0.0/8', '::1'],
      publicUrl: 'https://backups.example.com',
      localPaths: [folder, dumps],
      sshStrict: true,
      storageAllowHttp: true,
    });
    expect(config.masterKey).toEqual(new Uint8Array(32).fill(7));
  });

  it('takes a value from the file that NAME_FILE names, without its last newline', () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'correct horse battery\n');
    const config = readConfig({ ADMIN_EMAIL: 'root@example.com', ADMIN_PASSWORD_FILE: file });
    expect(config.adminPassword).toBe('correct horse battery');
  });

  it('takes the URL of PostgreSQL from a file, and tells nothing of one that it can not read', () => {
    const file = join(folder, 'database ü+ "url"');
    const url = 'postgres://us%C3%A9r:p%23ss%2B@db.example.com:5432/bridgeport%20%C3%BC';
    writeFileSync(file, `${url}\r\n`);
    expect(readConfig({ DATABASE_URL_FILE: file, MASTER_KEY: key }).databaseUrl).toBe(url);
    expect(() => readConfig({ DATABASE_URL_FILE: file })).toThrow(
      /^MASTER_KEY is required with DATABASE_URL/,
    );
    writeFileSync(file, 'mysql://root:geheimes-wort@db.example.com/b');
    const error = failure(() => readConfig({ DATABASE_URL_FILE: file, MASTER_KEY: key }));
    expect(isAppError(error, 'config') && error.message).toMatch(/^DATABASE_URL must be /);
    expect(String(error)).not.toContain('geheim');
  });

  it.each([
    ['PORT', '70000'],
    ['PORT', '30x'],
    ['MASTER_KEY', 'c2hvcnQ='],
    ['MASTER_KEY', `${key.slice(0, 20)}*${key.slice(21)}`],
    ['JWT_SECRET', 'too-short'],
    ['SESSION_TTL', '7 weeks'],
    ['SESSION_TTL', '10ms'],
    ['SESSION_TTL', '999999999999d'],
    ['RATE_LIMIT_MAX', '0'],
    ['RATE_LIMIT_USER_MAX', '0'],
    ['RATE_LIMIT_PAGE_MAX', 'many'],
    ['SESSION_IDLE', '10s'],
    ['SESSION_IDLE', 'never'],
    ['STORAGE_PATIENCE', '9s'],
    ['STORAGE_PATIENCE', '13h'],
    ['STORAGE_PATIENCE', '0'],
    ['PASSWORD_MIN_LENGTH', '6'],
    ['LOG_LEVEL', 'loud'],
    ['CORS_ORIGIN', 'some.host'],
    ['TRUST_PROXY', '10.0.0.0/40'],
    ['PUBLIC_URL', 'https://example.com/path'],
    ['PUBLIC_URL', 'https://user:pass@example.com'],
    ['LOCAL_PATHS', 'relative/path'],
    ['LOCAL_PATHS', '/tmp:/var/tmp'],
    ['LOCAL_PATHS', '/tmp,/no/such folder'],
    ['LOCAL_PATHS', '/etc/passwd'],
    ['REACHABLE_NETWORKS', 'db.example.com'],
    ['REACHABLE_NETWORKS', '10.0.0.0/33'],
    ['PART_MEMORY_MIB', '8'],
    ['SSH_STRICT', 'yes'],
    ['STORAGE_PUBLIC_ENDPOINT', 'ftp://s3.example.com'],
  ])('refuses %s=%s, naming the variable and not the value', (name, value) => {
    const error = failure(() => readConfig({ [name]: value }));
    expect(isAppError(error, 'config') && error.message).toMatch(new RegExp(`^${name} must be `));
    if (value.length > 8) expect(String(error)).not.toContain(value);
  });

  it('refuses half of the first admin, a value given twice and a file that is not there', () => {
    expect(() => readConfig({ ADMIN_EMAIL: 'root@example.com' })).toThrow('belong together');
    expect(() => readConfig({ PORT: '1', PORT_FILE: '/dev/null' })).toThrow('PORT and PORT_FILE');
    expect(() => readConfig({ PORT_FILE: join(folder, 'absent') })).toThrow('PORT_FILE');
    writeFileSync(join(folder, 'latin1'), Buffer.from('p\xe4ssword-p\xe4ssword', 'latin1'));
    expect(() => readConfig({ JWT_SECRET_FILE: join(folder, 'latin1') })).toThrow('text in UTF-8');
  });
});

describe('describeConfig', () => {
  it('names every variable and shows no secret', () => {
    const shown = describeConfig(
      readConfig({
        MASTER_KEY: key,
        JWT_SECRET: 'j'.repeat(40),
        ADMIN_EMAIL: 'a@b.co',
        ADMIN_PASSWORD: 'hunter2hunter2',
      }),
    );
    expect(shown).toMatchObject({ PORT: 3000, MASTER_KEY: 'set', JWT_SECRET: 'set', ADMIN_PASSWORD: 'set' });
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|jjjj|BwcH/);
  });
});

function failure(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('proxies for the storage', () => {
  it('are read in both spellings, and never printed', () => {
    const config = readConfig({
      https_proxy: 'http://us%40er:p%2Fw@proxy.example.com:3128',
      HTTP_PROXY: 'proxy.example.com:8080',
      http_proxy: 'ignored.example.com',
      no_proxy: '.internal.example.com, 10.0.0.0/8 localhost',
    });
    expect(config.httpsProxy).toBe('http://us%40er:p%2Fw@proxy.example.com:3128/');
    expect(config.httpProxy).toBe('http://proxy.example.com:8080/');
    expect(config.noProxy).toEqual(['.internal.example.com', '10.0.0.0/8', 'localhost']);
    expect(JSON.stringify(describeConfig(config))).not.toMatch(/us%40er|p%2Fw/);
  });

  it.each(['socks5://proxy.example.com', 'http://user:%zz@proxy.example.com', 'http://'])(
    'of another kind are refused by name: %s',
    (value) => {
      expect(() => readConfig({ HTTPS_PROXY: value })).toThrow(
        /^HTTPS_PROXY must be the URL of an http or https proxy/,
      );
    },
  );
});

describe('how often it is looked what is due', () => {
  it.each([
    ['5', 5000],
    [' 90 ', 90_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('%j is %d ms', (text, ms) => {
    expect(readConfig({ SCHEDULER_BACKUP_CHECK_INTERVAL: text }).schedulerCheckMs).toBe(ms);
  });

  it.each(['0', '999ms', '2h', '-1', '1.5', 'often'])('%j is refused', (text) => {
    expect(() => readConfig({ SCHEDULER_BACKUP_CHECK_INTERVAL: text })).toThrow(
      'SCHEDULER_BACKUP_CHECK_INTERVAL must be seconds or a duration',
    );
  });
});
