import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** Where a gateway runs: plain data, so that another process can use it. */
export interface GatewayPlace {
  /** `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** Certificate to trust. */
  readonly caFile: string;
}

const run = promisify(execFile);

/** May make users, over the gateway's own API. */
export const OPERATOR = {
  accessKey: 'OPERATORACCESSKEY001',
  secretKey: 'operator-secret-for-tests-0000000000000001',
} as const;

/**
 * Starts one monitor, one object store in memory and the gateway over TLS, in a folder of their own. Needs Debian's
 * radosgw, ceph-mon and ceph-osd; takes about three seconds. Whoever starts it stops it.
 */
export async function launchGateway(): Promise<GatewayPlace & { stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rgw-'));
  const started: ChildProcess[] = [];
  const stop = () => stopAll(folder, started);
  try {
    const [port, monitorPort] = await Promise.all([freePort(), freePort()]);
    await layOut(folder, port, monitorPort);
    await startMonitor(folder, monitorPort, started);
    await startStore(folder, started);
    started.push(await background(folder, 'radosgw', ['-n', 'client.rgw', '--foreground'], 'rgw'));
    const endpoint = `https://127.0.0.1:${port}`;
    const caFile = join(folder, 'tls/cert.pem');
    await until('the gateway to answer', 60_000, () => answers(endpoint, caFile));
    await createOperator(folder);
    return { endpoint, caFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function createOperator(folder: string): Promise<void> {
  await run(
    'radosgw-admin',
    [
      ...['-c', conf(folder), 'user', 'create', '--uid=operator', '--display-name=operator'],
      ...[`--access-key=${OPERATOR.accessKey}`, `--secret-key=${OPERATOR.secretKey}`],
      ...['--caps=users=*;user-policy=*;buckets=*'],
    ],
    { env: environment(folder) },
  );
}

async function layOut(folder: string, port: number, monitorPort: number): Promise<void> {
  for (const name of ['mon', 'osd', 'run', 'log', 'tls', 'rgw']) await mkdir(join(folder, name));
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', join(folder, 'tls/key.pem'), '-out', join(folder, 'tls/cert.pem')],
  ]);
  await writeFile(join(folder, 'keyring'), '');
  await writeFile(conf(folder), configuration(folder, port, monitorPort));
}

async function startMonitor(folder: string, port: number, started: ChildProcess[]): Promise<void> {
  const env = environment(folder);
  const map = join(folder, 'monmap');
  const id = (await readFile(conf(folder), 'utf8')).match(/^fsid = (.+)$/m)?.[1] ?? '';
  await run('monmaptool', [
    ...['--create', '--clobber', '--fsid', id, '--addv', 'a', `[v2:127.0.0.1:${port}]`],
    ...['--enable-all-features', map],
  ]);
  const mkfs = [
    '-c',
    conf(folder),
    '--mkfs',
    '-i',
    'a',
    '--monmap',
    map,
    '--keyring',
    join(folder, 'keyring'),
  ];
  await run('ceph-mon', mkfs, { env });
  started.push(await background(folder, 'ceph-mon', ['-i', 'a', '--foreground'], 'mon'));
}

async function startStore(folder: string, started: ChildProcess[]): Promise<void> {
  const env = environment(folder);
  const uuid = crypto.randomUUID();
  const mkfs = ['-c', conf(folder), '-i', '0', '--mkfs', '--osd-uuid', uuid, '--no-mon-config'];
  await run('ceph-osd', mkfs, { env });
  await run('ceph', ['-c', conf(folder), 'osd', 'new', uuid, '0'], { env });
  started.push(await background(folder, 'ceph-osd', ['-i', '0', '--foreground'], 'osd'));
}

async function background(
  folder: string,
  program: string,
  args: readonly string[],
  name: string,
): Promise<ChildProcess> {
  const log = await open(join(folder, 'log', `${name}.out`), 'w');
  const child = spawn(program, ['-c', conf(folder), ...args], {
    env: environment(folder),
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  return child;
}

async function answers(endpoint: string, caFile: string): Promise<boolean> {
  try {
    await run('curl', ['-sf', '-o', '/dev/null', '--max-time', '2', '--cacert', caFile, `${endpoint}/`]);
    return true;
  } catch {
    return false; // not yet
  }
}

async function stopAll(folder: string, started: readonly ChildProcess[]): Promise<void> {
  // Nothing here is worth an orderly end, and the monitor takes seconds for one.
  await Promise.all(
    started.toReversed().map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }),
  );
  await rm(folder, { recursive: true, force: true });
}

function conf(folder: string): string {
  return join(folder, 'ceph.conf');
}

function environment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, CEPH_CONF: conf(folder) };
}

function configuration(folder: string, port: number, monitorPort: number): string {
  return `[global]
fsid = ${crypto.randomUUID()}
mon_host = v2:127.0.0.1:${monitorPort}
mon_initial_members = a
public_network = 127.0.0.0/8
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_supported = none
ms_bind_msgr1 = false
ms_mon_client_mode = crc
ms_client_mode = crc
ms_cluster_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_osd_nearfull_ratio = .99
mon_osd_full_ratio = .995
mon_data_avail_warn = 1
mon_data_avail_crit = 1
mon_pg_warn_min_per_osd = 0
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.asok
log_file = ${folder}/log/$name.log
pid_file = ${folder}/run/$name.pid
mon_cluster_log_file = ${folder}/log/cluster.log
keyring = ${folder}/keyring
[mon]
mon_data = ${folder}/mon
paxos_propose_interval = 0.01
paxos_min_wait = 0.01
mon_osd_min_in_ratio = 0
[osd]
osd_data = ${folder}/osd
osd_journal = ${folder}/osd/journal
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_class_load_list = *
osd_class_default_list = *
osd_max_object_name_len = 460
osd_max_object_namespace_len = 64
[client]
rgw_frontends = beast ssl_endpoint=127.0.0.1:${port} ssl_certificate=${folder}/tls/cert.pem ssl_private_key=${folder}/tls/key.pem
rgw_data = ${folder}/rgw
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_run_sync_thread = false
rgw_gc_obj_min_wait = 5
rgw_thread_pool_size = 64
rgw_gc_processor_period = 10
rgw_gc_processor_max_time = 10
`;
}
