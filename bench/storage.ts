import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startRgw } from '../test/support/rgw.ts';
import { endWithBench, removeWithBench } from './processes.ts';

/** Where a measured client is to put its object. */
export interface Storage {
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly caFile: string;
  readonly bucket: string;
  stop(): Promise<void>;
}

const REPOSITORY = resolve(import.meta.dirname, '..');

/** A folder that is gone after the bench. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  removeWithBench(folder);
  return folder;
}

/** The development bucket over TLS in a process of its own; it checks every signature and hash and keeps nothing. */
export function startDiscardBucket(): Promise<Storage> {
  return startDevelopmentBucket(['--discard']);
}

/** The same, with what it is given in files. */
export function startKeepingBucket(): Promise<Storage> {
  return startDevelopmentBucket([]);
}

async function startDevelopmentBucket(options: readonly string[]): Promise<Storage> {
  const program = join(REPOSITORY, 'dist/dev-bucket.js');
  const args = ['--folder', join(await newFolder(), 'bucket'), '--tls', ...options, '--bucket', 'bench'];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const forget = endWithBench(child.pid);
  const exited = new Promise<void>((done) => child.once('close', () => done()));
  const line = await new Promise<string>((done, fail) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('\n')) done(output);
    });
    child.once('close', (status) => fail(new Error(`the development bucket ended with status ${status}`)));
  });
  // Printed by our own program, in this shape.
  const about = JSON.parse(line) as Omit<Storage, 'name' | 'bucket' | 'stop'>;
  return {
    name: `development bucket${options.includes('--discard') ? ' (discarding)' : ''} over TLS`,
    endpoint: about.endpoint,
    region: about.region,
    accessKey: about.accessKey,
    secretKey: about.secretKey,
    caFile: about.caFile,
    bucket: 'bench',
    async stop() {
      child.kill('SIGTERM');
      await exited;
      forget();
    },
  };
}

/** The Ceph gateway over TLS, which keeps what it gets in memory. */
export async function startGateway(): Promise<Storage> {
  const rgw = await startRgw();
  return {
    name: 'Ceph RADOS gateway (in memory) over TLS',
    endpoint: rgw.endpoint,
    region: rgw.region,
    ...rgw.full,
    caFile: rgw.caFile,
    bucket: rgw.bucket,
    stop: rgw.stop,
  };
}
