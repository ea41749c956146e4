import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** A running OpenStack Swift, whose s3api speaks S3 and has nothing in common with the other servers of the tests. */
export interface Swift {
  /** `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** Certificate to trust, as PEM and as a file. */
  readonly ca: string;
  readonly caFile: string;
  readonly region: string;
  /** May do everything in its account. */
  readonly full: SwiftKey;
  /** May read and write `scopedBucket`; may not list buckets. */
  readonly scoped: SwiftKey;
  readonly bucket: string;
  readonly scopedBucket: string;
  stop(): Promise<void>;
}

export interface SwiftKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

const run = promisify(execFile);

const FULL: SwiftKey = { accessKey: 'acme:full', secretKey: 'full-secret-for-tests-0000000000000000001' };
const SCOPED: SwiftKey = {
  accessKey: 'acme:scoped',
  secretKey: 'scoped-secret-for-tests-00000000000000001',
};
const STORES = ['account', 'container', 'object'] as const;

/**
 * Starts memcached, one server of each of Swift's stores and the proxy over TLS, in a folder of their own. Needs
 * Debian's swift-proxy, swift-account, swift-container, swift-object and memcached; takes about five seconds. A second
 * proxy without TLS prepares the buckets by Swift's own API. Whoever starts it stops it.
 */
export async function startSwift(): Promise<Swift> {
  // It keeps what it knows of an object in attributes of its file, which not every kernel has for files in memory.
  const folder = await mkdtemp(join(process.env['TEST_DISK'] ?? tmpdir(), 'swift-'));
  const started: ChildProcess[] = [];
  const stop = () => stopAll(folder, started);
  try {
    const ports = await freePorts();
    await layOut(folder, ports);
    await startServers(folder, ports, started);
    const endpoint = `https://127.0.0.1:${ports.proxy}`;
    const caFile = join(folder, 'tls/cert.pem');
    const native = `http://127.0.0.1:${ports.native}`;
    await until('Swift to answer', 60_000, async () => {
      return (await answers(`${endpoint}/`, ['--cacert', caFile])) && (await answers(`${native}/`));
    });
    await createBuckets(native);
    return {
      endpoint,
      ca: await readFile(caFile, 'utf8'),
      caFile,
      region: 'us-east-1',
      full: FULL,
      scoped: SCOPED,
      bucket: 'full-bucket',
      scopedBucket: 'scoped-bucket',
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Ports = Readonly<Record<(typeof STORES)[number] | 'proxy' | 'native' | 'memcached', number>>;

async function layOut(folder: string, ports: Ports): Promise<void> {
  for (const name of ['devices/d1', 'tls', 'log', 'cache'])
    await mkdir(join(folder, name), { recursive: true });
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', join(folder, 'tls/key.pem'), '-out', join(folder, 'tls/cert.pem')],
  ]);
  const places = STORES.map((store) => `${store}:${ports[store]}`);
  await run('/usr/bin/python3', ['-c', RINGS, folder, ...places]);
  for (const store of STORES) await writeFile(conf(folder, store), storeConfiguration(folder, store, ports));
  const tls = `cert_file = ${folder}/tls/cert.pem\nkey_file = ${folder}/tls/key.pem`;
  await writeFile(conf(folder, 'proxy'), proxyConfiguration(folder, ports.proxy, ports, tls));
  await writeFile(conf(folder, 'native'), proxyConfiguration(folder, ports.native, ports, ''));
}

/** One replica on one device, for each store. */
const RINGS = `
import sys
from swift.common.ring import RingBuilder
for place in sys.argv[2:]:
    name, port = place.split(':')
    builder = RingBuilder(4, 1, 0)
    builder.add_dev(dict(id=0, region=1, zone=1, ip='127.0.0.1', port=int(port), replication_ip='127.0.0.1',
                         replication_port=int(port), device='d1', weight=1.0, meta=''))
    builder.rebalance()
    builder.get_ring().save(f'{sys.argv[1]}/{name}.ring.gz')
`;

async function startServers(folder: string, ports: Ports, started: ChildProcess[]): Promise<void> {
  const asUser = userInfo().uid === 0 ? ['-u', 'nobody'] : [];
  const memcached = ['-l', '127.0.0.1', '-p', String(ports.memcached), '-m', '32', ...asUser];
  started.push(await background(folder, 'memcached', memcached, 'memcached'));
  for (const store of STORES) {
    started.push(await background(folder, `swift-${store}-server`, [conf(folder, store)], store));
  }
  for (const name of ['proxy', 'native']) {
    started.push(await background(folder, 'swift-proxy-server', [conf(folder, name)], name));
  }
}

async function background(
  folder: string,
  program: string,
  args: readonly string[],
  name: string,
): Promise<ChildProcess> {
  const log = await open(join(folder, 'log', name), 'w');
  // A group of its own: Swift's servers fork workers, which outlive a killed parent.
  const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd], detached: true });
  await log.close();
  return child;
}

/**
 * A container's access lists are what scopes a key here; an upload in parts needs those of its `+segments` too. Waits
 * for each, because the account's server may still be making its database.
 */
async function createBuckets(native: string): Promise<void> {
  const token = await tokenOf(native);
  const shared = ['-H', 'X-Container-Read: acme:scoped', '-H', 'X-Container-Write: acme:scoped'];
  for (const [bucket, access] of [
    ['full-bucket', []],
    ['scoped-bucket', shared],
    ['scoped-bucket+segments', shared],
  ] as const) {
    const url = `${native}/v1/AUTH_acme/${bucket}`;
    await until(`the bucket ${bucket}`, 30_000, () =>
      answers(url, ['-X', 'PUT', '-H', `X-Auth-Token: ${token}`, ...access], true),
    );
  }
}

async function tokenOf(native: string): Promise<string> {
  const login = ['-H', `X-Auth-User: ${FULL.accessKey}`, '-H', `X-Auth-Key: ${FULL.secretKey}`];
  const { stdout } = await run('curl', ['-sSf', '-i', '--max-time', '10', ...login, `${native}/auth/v1.0`]);
  const token = /^x-auth-token: (\S+)/im.exec(stdout)?.[1];
  if (token === undefined) throw new Error(`Swift gave no token:\n${stdout}`);
  return token;
}

/** True when the server answers, and with `succeeding` only for a 2xx. */
async function answers(url: string, args: readonly string[] = [], succeeding = false): Promise<boolean> {
  try {
    await run('curl', [
      ...['-s', '-o', '/dev/null', '--max-time', '5', ...(succeeding ? ['-f'] : [])],
      ...[...args, url],
    ]);
    return true;
  } catch {
    return false; // not yet
  }
}

async function stopAll(folder: string, started: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    started.toReversed().map(async (child) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    }),
  );
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function freePorts(): Promise<Ports> {
  return {
    account: await freePort(),
    container: await freePort(),
    object: await freePort(),
    proxy: await freePort(),
    native: await freePort(),
    memcached: await freePort(),
  };
}

function conf(folder: string, name: string): string {
  return join(folder, `${name}.conf`);
}

function storeConfiguration(folder: string, store: (typeof STORES)[number], ports: Ports): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${ports[store]}
workers = 1
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
log_statsd_host =
[pipeline:main]
pipeline = ${store}-server
[app:${store}-server]
use = egg:swift#${store}
recon_cache_path = ${folder}/cache
conn_timeout = 10
node_timeout = 30
container_update_timeout = 30
`;
}

function proxyConfiguration(folder: string, port: number, ports: Ports, tls: string): string {
  const filters = ['catch_errors', 'gatekeeper', 'copy', 'dlo', 'symlink'].map(
    (name) => `[filter:${name}]\nuse = egg:swift#${name}`,
  );
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
${tls}
workers = 1
user = ${userInfo().username}
swift_dir = ${folder}
[pipeline:main]
pipeline = catch_errors gatekeeper cache s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 10
node_timeout = 60
${filters.join('\n')}
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${ports.memcached}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = localhost
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_acme_full = ${FULL.secretKey} .admin
user_acme_scoped = ${SCOPED.secretKey}
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
`;
}
