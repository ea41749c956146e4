import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpPlan, Engine, EngineTarget, LookPlan } from '../../src/engines/engine.ts';
import { engineFor } from '../../src/engines/engines.ts';
import { makeAuthority, type TestCertificate } from '../support/certificates.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { type Finished, runInShell, type ShellOptions } from './shell.ts';

interface TlsServer {
  readonly target: Partial<EngineTarget>;
  /** Has the server present this certificate from now on. */
  present(certificate: TestCertificate): Promise<void>;
  stop(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'tls "ü" '));
let own: Awaited<ReturnType<typeof makeAuthority>>;
let other: Awaited<ReturnType<typeof makeAuthority>>;
let good: TestCertificate;
let expired: TestCertificate;
let foreign: TestCertificate;
beforeAll(async () => {
  [own, other] = [await makeAuthority(folder, 'own'), await makeAuthority(folder, 'other')];
  good = await own.sign('localhost');
  expired = await own.sign('localhost', -1);
  foreign = await own.sign('db.example');
});
afterAll(() => rmSync(folder, { recursive: true }));

const postgresServer = async (): Promise<TlsServer> => {
  const server = await startPostgres({ tls: true });
  const loadedAt = async () =>
    String((await server.query('SELECT pg_conf_load_time()::text AS at'))[0]?.['at']);
  return {
    target: { port: server.port, databaseName: 'postgres', ...server.superuser },
    async present({ key, certificate }) {
      const before = await loadedAt();
      writeFileSync(join(server.folder, 'data/server.key'), key);
      writeFileSync(join(server.folder, 'data/server.crt'), certificate);
      await server.query('SELECT pg_reload_conf()');
      await until(
        'the certificate to be read',
        60_000,
        async () => (await loadedAt()) !== before || undefined,
      );
    },
    stop: server.stop,
  };
};

const mariadbServer = async (): Promise<TlsServer> => {
  const server = await startMariadb({ tls: true });
  return {
    target: { port: server.port, databaseName: 'mysql', ...server.superuser },
    async present({ key, certificate }) {
      writeFileSync(join(server.folder, 'server.key'), key);
      writeFileSync(join(server.folder, 'server.crt'), certificate);
      await server.query('FLUSH SSL');
    },
    stop: server.stop,
  };
};

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

describe.each([
  ['postgres', postgresServer],
  ['mysql', mariadbServer],
] as const)('verified TLS to %s', (type, start) => {
  let server: TlsServer;
  let engine: Engine;
  beforeAll(async () => {
    server = await start();
    engine = engineFor(type) ?? expect.unreachable();
  });
  afterAll(() => server.stop());

  const plans = (options: object, over: Partial<EngineTarget> = {}): readonly (LookPlan | DumpPlan)[] => {
    const target: EngineTarget = {
      ...{ host: 'localhost', port: null, databaseName: null, username: null, password: null },
      ...server.target,
      options: engine.options.parse({ tlsMode: 'verify', ...options }),
      ...over,
    };
    return [engine.look(target), engine.dump(target)];
  };
  const run = (plan: LookPlan | DumpPlan, options: ShellOptions = {}): Promise<Finished> =>
    runInShell(plan.command, options);

  it.each([['dash'], ['bash'], ['busybox sh']])(
    'reaches a server whose certificate the given authority signed, in %s, and makes no file of it',
    async (shell) => {
      await server.present(good);
      // More than a pipe holds at once.
      const tlsCa = `${own.pem}\n${`${other.pem}\n`.repeat(60)}`;
      for (const plan of plans({ tlsCa })) {
        const { exitCode, stderr } = await run(plan, { shell: shell.split(' ') });
        expect([exitCode, stderr]).toEqual([0, '']);
        expect(plan.command.script).not.toContain('BEGIN CERTIFICATE');
      }
    },
  );

  it('reaches one whose certificate an authority of the host signed', async () => {
    await server.present(good);
    for (const { command } of plans({})) {
      const script = command.script.replaceAll(BUNDLE, own.file.replaceAll(/[^\w/.-]/g, '\\$&'));
      const { exitCode, stderr } = await runInShell({ ...command, script });
      expect([exitCode, stderr]).toEqual([0, '']);
    }
  });

  it.each([
    [
      'another authority',
      () => good,
      { tlsCa: () => other.pem },
      'localhost',
      /was not signed by the certificate/,
    ],
    ['no authority of the host', () => good, {}, 'localhost', /not signed by .*ca-certificates\.crt/],
    ['the old date', () => expired, { tlsCa: () => own.pem }, 'localhost', /has expired/],
    ['another name', () => foreign, { tlsCa: () => own.pem }, 'localhost', /for another host name/],
    ['no address', () => good, { tlsCa: () => own.pem }, '127.0.0.1', /for another host name/],
  ] as const)('refuses a certificate for %s', async (_name, certificate, options, host, message) => {
    await server.present(certificate());
    const [probe] = plans('tlsCa' in options ? { tlsCa: options.tlsCa() } : {}, { host });
    const failure = await run(probe ?? expect.unreachable());
    expect(failure.exitCode).not.toBe(0);
    expect(probe?.explain(failure), failure.stderr).toMatchObject({
      code: 'dump_refused',
      message: expect.stringMatching(message),
    });
    const [, dump] = plans('tlsCa' in options ? { tlsCa: options.tlsCa() } : {}, { host });
    const dumping = await run(dump ?? expect.unreachable());
    expect([dumping.exitCode === 0, dumping.stdout.length]).toEqual([false, 0]);
  });

  it('says why at the address that was judged, without another look at the name', async () => {
    const host = 'nowhere.invalid';
    await server.present(await own.sign(host, -1));
    const [probe] = plans({ tlsCa: own.pem }, { host, address: '127.0.0.1' });
    const { command } = probe ?? expect.unreachable();
    // The clients of MySQL take a name alone: here it is the explanation that is meant.
    const script = command.script.replaceAll(/^host=.*$/gm, "host='127.0.0.1'");
    const failure = await runInShell({ ...command, script });
    expect(failure.stderr).toContain('bridgeport: tls verify=10');
  });

  it('is not asked of a local socket, and other modes check nobody', async () => {
    for (const host of [null, '/run/x']) {
      expect(() => plans({}, { host })).toThrow(/only with a host/);
    }
    await server.present(foreign);
    for (const options of [{ tlsMode: 'off' }, { tlsMode: null, useSsl: true }]) {
      for (const plan of plans(options)) {
        const { exitCode, stderr } = await run(plan);
        expect(exitCode, stderr).toBe(0);
      }
    }
  });
});

describe.each([
  ['postgres', startPostgres],
  ['mysql', startMariadb],
] as const)('a %s server without TLS', (type, start) => {
  it('is refused where TLS is verified', async () => {
    const server = await start();
    try {
      const engine = engineFor(type) ?? expect.unreachable();
      const target = {
        ...{ host: 'localhost', port: server.port, databaseName: type, ...server.superuser },
        options: engine.options.parse({ tlsMode: 'verify', tlsCa: own.pem }),
      };
      const plan = engine.look(target);
      const failure = await runInShell(plan.command);
      expect(plan.explain(failure), failure.stderr).toMatchObject({
        code: 'dump_refused',
        message: expect.stringMatching(/does not offer it/),
      });
    } finally {
      await server.stop();
    }
  });
});

describe('the authorities of a host', () => {
  const probe = (type: string) => {
    const engine = engineFor(type) ?? expect.unreachable();
    return engine.look({
      ...{ host: 'db.example', port: 1, databaseName: 'x', username: 'x', password: 'x' },
      options: engine.options.parse({ tlsMode: 'verify' }),
    });
  };
  /** A psql of that version that says which authorities it was told of. */
  const asked = async (version: string) => {
    const bin = join(folder, `psql-${version.replaceAll(/\W/g, '-')}`);
    mkdirSync(bin, { recursive: true });
    for (const name of ['psql', 'pg_dump']) {
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\ncase $1 in --version) echo '${name} (PostgreSQL) ${version}' ;; *) echo "$PGSSLMODE $PGSSLROOTCERT" >&2; exit 2 ;; esac\n`,
      );
      chmodSync(join(bin, name), 0o755);
    }
    const { command } = probe('postgres');
    const script = command.script.replaceAll(/\/(usr|opt)\/\S+\/(psql|pg_dump)/g, '/nowhere/$2');
    const { stderr } = await runInShell(
      { ...command, script },
      { env: { PATH: `${bin}:/usr/bin:/bin`, PGSSLROOTCERT: '/x' } },
    );
    return stderr.split('\n').find((line) => line.startsWith('verify')) ?? stderr;
  };

  it('are OpenSSL’s own from PostgreSQL 16 on, and a bundle before', async () => {
    expect(await asked('15.18 (Debian 15.18-0+deb12u1)')).toBe(`verify-full ${BUNDLE}`);
    expect(await asked('9.6.24')).toBe(`verify-full ${BUNDLE}`);
    expect(await asked('16.4')).toBe('verify-full system');
    expect(await asked('17beta1')).toBe('verify-full system');
  });

  it('are missed where it has none', async () => {
    for (const type of ['postgres', 'mysql']) {
      const { command, explain } = probe(type);
      const script = command.script.replace(/for authorities in [^;]*;/, 'for authorities in /nowhere/ca;');
      const failure = await runInShell({ ...command, script });
      expect(explain(failure), failure.stderr).toMatchObject({
        message: expect.stringMatching(/ca-certificates, or give the authority/),
      });
    }
  });
});
