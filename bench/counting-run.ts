import { readFile, writeFile } from 'node:fs/promises';
import { networksOf } from '../src/hosts/networks.ts';
import { openSshHost } from '../src/hosts/node/ssh.ts';
import { createLog } from '../src/log.ts';
import { openTestS3 } from '../test/support/s3.ts';
import { startSshd } from '../test/support/sshd.ts';
import { startDiscardBucket } from './storage.ts';

/** What a run has to do with the bytes of a dump before and after its pipeline. */
export interface RunBed {
  /** The chunks, so many times over, as they come from a host over SSH. */
  source(chunks: readonly Buffer[], rounds: number): Promise<AsyncIterable<Uint8Array>>;
  /** Uploads over TLS into a bucket that discards, whose process is not this one. */
  store(body: AsyncIterable<Uint8Array>): Promise<void>;
  stop(): Promise<void>;
}

const FILE = '/var/backups/rows';

/** Needs root and, of Debian, openssh-server; and the built development bucket. */
export async function openRunBed(): Promise<RunBed> {
  const { signal } = new AbortController();
  const log = createLog(
    'error',
    () => {},
    () => new Date(),
  );
  const storage = await startDiscardBucket();
  const sshd = await startSshd();
  const address = {
    ...{ label: 'db1', hostname: sshd.host, port: sshd.port, networks: networksOf([]) },
    ...{ username: sshd.user, privateKey: sshd.privateKey, hostKey: sshd.hostKey() },
    acceptNewHostKey: async () => false,
  };
  const host = openSshHost(address, { readyTimeoutMs: 20_000 }, log);
  const opened = openTestS3({ ...storage, ca: await readFile(storage.caFile, 'utf8') });
  const bucket = opened.s3.bucket(storage.bucket);
  let uploads = 0;
  return {
    async source(chunks, rounds) {
      await writeFile(sshd.hostPath(FILE), Buffer.concat(chunks), { mode: 0o644 });
      const script = `n=0; while [ $n -lt ${rounds} ]; do cat ${FILE} || exit; n=$((n + 1)); done`;
      return host.run({ script }, { signal, bulk: true });
    },
    async store(body) {
      uploads += 1;
      await bucket.put(`counting/${uploads}.zst`, body, {
        signal,
        token: String(uploads),
        contentType: 'application/zstd',
        fileName: 'rows.zst',
      });
    },
    async stop() {
      await host.close();
      await opened.close();
      await sshd.stop();
      await storage.stop();
    },
  };
}
