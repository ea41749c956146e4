import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { Host } from '../../../src/hosts/host.ts';
import { networksOf } from '../../../src/hosts/networks.ts';
import { openLocalHost } from '../../../src/hosts/node/local.ts';
import { openSshHost } from '../../../src/hosts/node/ssh.ts';
import { createLog } from '../../../src/log.ts';
import { createHostFiles } from '../../../src/object-stores/host-files/host-files.ts';
import { leftoverOf } from '../../../src/object-stores/store-failure.ts';
import { chunked, collect, objectStoreContract, options } from '../../contracts/object-store.ts';
import { beside } from '../../support/beside.ts';
import { type LoginShell, type Sshd, startSshd } from '../../support/sshd.ts';
import { until } from '../../support/until.ts';

const SHELLS: readonly LoginShell[] = ['dash', 'bash', 'busybox'];
const log = createLog(
  'error',
  () => {},
  () => new Date(),
);
/** What a folder may be called by somebody who means harm or writes poetry. */
const FOLDER = `it's "a" $(folder) \`of\` *;&\\ -n 漢字`;

function openHost(sshd: Sshd, username = sshd.user): Host {
  const address = {
    label: 'db1',
    hostname: '127.0.0.1',
    port: sshd.port,
    networks: networksOf([]),
    username,
    privateKey: sshd.privateKey,
    hostKey: sshd.hostKey(),
    acceptNewHostKey: async () => false,
  };
  return openSshHost(address, { readyTimeoutMs: 60_000 }, log);
}

for (const shell of SHELLS) {
  beside(`over SSH, ${shell}`, () => {
    objectStoreContract(`files over SSH, ${shell}`, async () => {
      const sshd = await startSshd();
      const host = openHost(sshd, sshd.usersByShell[shell]);
      return {
        store: createHostFiles(host),
        key: (name) => `${sshd.folder}/${FOLDER}/${name}`,
        unfinished: async () => (await sshd.files(sshd.folder)).filter((path) => path.endsWith('.partial')),
        keepsToken: false,
        largeBytes: 6 * 2 ** 20 + 12_345,
        async close() {
          await host.close();
          await sshd.stop();
        },
      };
    });
  });
}

beside('here', () => {
  objectStoreContract('files on this machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'files-'));
    const host = openLocalHost({ label: 'this machine', log });
    const find = (script: string) => collect(host.run({ script }, options()));
    return {
      store: createHostFiles(host),
      key: (name) => `${folder}/${FOLDER}/${name}`,
      unfinished: async () => lines((await find(`find ${folder} -name '*.partial'`)).toString()),
      keepsToken: false,
      largeBytes: 6 * 2 ** 20 + 12_345,
      async close() {
        await host.close();
        await rm(folder, { recursive: true });
      },
    };
  });
});

beside('files on a host', () => {
  let sshd: Sshd;
  let host: Host;
  beforeAll(async () => {
    sshd = await startSshd();
    host = openHost(sshd);
  });
  afterAll(async () => {
    await host.close();
    await sshd.stop();
  });
  const files = async () => [...(await sshd.files(sshd.folder)), ...(await sshd.files(sshd.smallFolder))];
  const busybox = (tool: string) => `/srv/shells/busybox/${tool}`;
  /** What the user of busybox runs in place of one of its tools. */
  const replaceTool = (tool: string, script: string) =>
    sshd.insideHost(
      `rm ${busybox(tool)}; cat >${busybox(tool)} <<'EOF' && chmod 755 ${busybox(tool)}\n#!/bin/sh\n${script}\nEOF`,
    );
  const bytes = (length: number) => chunked(new Uint8Array(length).fill(7));
  const failure = async (put: Promise<unknown>): Promise<AppError> => {
    const error = await put.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error instanceof AppError) return error;
    throw new Error(`No AppError: ${error}`);
  };

  it('lets only the SSH user read what it stores', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/private/a.dump`;
    await store.put(key, bytes(10), options());
    expect((await stat(sshd.hostPath(key))).mode & 0o777).toBe(0o600);
    expect((await stat(sshd.hostPath(`${sshd.folder}/private`))).mode & 0o777).toBe(0o700);
    expect(await readFile(sshd.hostPath(key))).toEqual(Buffer.alloc(10, 7));
    await store.remove(key);
  });

  it.each(SHELLS)('says that the disk is full and keeps nothing there (%s)', async (shell) => {
    const other = openHost(sshd, sshd.usersByShell[shell]);
    const key = `${sshd.smallFolder}/big.dump`;
    const { code, message } = await failure(createHostFiles(other).put(key, bytes(3_000_000), options()));
    await other.close();
    expect(code).toBe('storage_full');
    expect(message).toContain(key);
    expect(await files()).toEqual([]);
  });

  it.each(SHELLS)('says that the user may not write there (%s)', async (shell) => {
    const other = openHost(sshd, sshd.usersByShell[shell]);
    const store = createHostFiles(other);
    const { code } = await failure(store.put('/etc/backup.dump', bytes(1), options()));
    const inside = await failure(store.put('/etc/new/backup.dump', bytes(1), options()));
    await other.close();
    expect([code, inside.code]).toEqual(['storage_denied', 'storage_denied']);
  });

  it.each(SHELLS)('does not call a file absent that the user may not look for (%s)', async (shell) => {
    await sshd.insideHost(`mkdir -p -m 700 ${sshd.folder}/locked && touch ${sshd.folder}/locked/a.dump`);
    const other = openHost(sshd, sshd.usersByShell[shell]);
    const store = createHostFiles(other);
    const key = `${sshd.folder}/locked/a.dump`;
    await expect(store.head(key)).rejects.toMatchObject({ code: 'storage_denied' });
    await expect(store.remove(key)).rejects.toMatchObject({ code: 'storage_denied' });
    await other.close();
    await sshd.insideHost(`rm -r ${sshd.folder}/locked`);
  });

  it.each([
    'relative.dump',
    '/var/backups/../../etc/passwd',
    '/var/backups/./a',
    '/var//a',
    '/var/backups/',
    '/',
    '',
    '/var/a\nb',
    '/var/a\0b',
    '/var/\ud800',
  ])('refuses the path %j', async (key) => {
    const store = createHostFiles(host);
    const inUse = store.put(key, bytes(1), options());
    await expect(inUse).rejects.toMatchObject({ code: 'invalid' });
    await expect(store.head(key)).rejects.toMatchObject({ code: 'invalid' });
    await expect(store.remove(key)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('removes as an unfinished upload nothing but an unfinished file of that key', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/a.dump`;
    for (const uploadId of ['/etc/passwd', key, `${sshd.folder}/.b.dump.x.partial`, '../x']) {
      await expect(store.abortUpload(key, uploadId)).rejects.toMatchObject({ code: 'invalid' });
    }
  });

  it('asks the rule for paths before it touches one', async () => {
    const refusal = new AppError('host_path_refused', 'not there');
    const store = createHostFiles(host, {
      checkPath: async () => {
        throw refusal;
      },
    });
    const key = `${sshd.folder}/ruled.dump`;
    await expect(store.put(key, bytes(1), options())).rejects.toBe(refusal);
    await expect(store.remove(key)).rejects.toBe(refusal);
    expect(await files()).toEqual([]);
  });

  it.each(['folder', 'link to a folder', 'dangling link'])(
    'takes a %s of that name for taken',
    async (what) => {
      const key = `${sshd.folder}/odd`;
      const make = { folder: 'mkdir', 'link to a folder': 'ln -s /tmp', 'dangling link': 'ln -s /nowhere' };
      await sshd.insideHost(`${make[what as keyof typeof make]} ${key}`);
      const { code } = await failure(createHostFiles(host).put(key, bytes(10), options()));
      expect(code).toBe('storage_exists');
      expect(await files()).toEqual([]);
      await sshd.insideHost(`rm -rf ${key}`);
    },
  );

  it('does not overwrite a file that appeared while it wrote', async () => {
    const key = `${sshd.folder}/race.dump`;
    const put = createHostFiles(host).put(
      key,
      bytes(10),
      options({ beforeSeal: async () => void (await sshd.insideHost(`echo theirs >${key}`)) }),
    );
    expect((await failure(put)).code).toBe('storage_exists');
    expect(await sshd.insideHost(`cat ${key}`)).toBe('theirs\n');
    expect(await files()).toEqual([key]);
    await sshd.insideHost(`rm ${key}`);
  });

  it('stores where the file system has no hard links', async () => {
    const key = `${sshd.folder}/no-links.dump`;
    await sshd.insideHost('ln -sf /bin/false /srv/shells/busybox/ln');
    const other = openHost(sshd, sshd.usersByShell.busybox);
    const store = createHostFiles(other);
    await store.put(key, bytes(10), options());
    expect(await files()).toEqual([key]);
    const again = store.put(
      `${key}2`,
      bytes(10),
      options({ beforeSeal: async () => void (await sshd.insideHost(`touch ${key}2`)) }),
    );
    expect((await failure(again)).code).toBe('storage_exists');
    await sshd.insideHost(`ln -sf busybox /srv/shells/busybox/ln; rm ${key} ${key}2`);
    await other.close();
    expect(await files()).toEqual([]);
  });

  it('does not seal a file that lost its end', async () => {
    const key = `${sshd.folder}/cut.dump`;
    const cut = async () =>
      void (await sshd.insideHost(`truncate -s 5 ${sshd.folder}/.cut.dump.token.partial`));
    const put = createHostFiles(host).put(key, bytes(10), options({ beforeSeal: cut }));
    expect((await failure(put)).code).toBe('storage_mismatch');
    expect(await files()).toEqual([]);
  });

  it('leaves nothing when the connection drops while it writes', async () => {
    async function* body() {
      yield* bytes(500_000);
      await sshd.dropConnections();
      yield* bytes(500_000);
    }
    const put = createHostFiles(host).put(`${sshd.folder}/dropped.dump`, body(), options());
    expect(await failure(put)).toMatchObject({ code: 'host_dropped', details: {} });
    expect(await files()).toEqual([]);
  });

  it('names the unfinished file when the host can not be reached to remove it', async () => {
    const gone = await startSshd();
    const lost = openHost(gone);
    const key = `${gone.folder}/lost.dump`;
    async function* body() {
      yield* bytes(500_000);
      await gone.stop();
      yield* bytes(500_000);
    }
    const error = await failure(createHostFiles(lost).put(key, body(), options()));
    await lost.close();
    expect(error.code).toBe('host_dropped');
    expect(leftoverOf(error)).toEqual({
      kind: 'upload',
      key,
      uploadId: `${gone.folder}/.lost.dump.token.partial`,
      versionId: null,
    });
  });

  it('finishes a file whose connection dropped before the seal', async () => {
    const key = `${sshd.folder}/late.dump`;
    const store = createHostFiles(host);
    await store.put(key, bytes(100), options({ beforeSeal: () => sshd.dropConnections() }));
    expect(await files()).toEqual([key]);
    await store.remove(key);
  });

  it('says that the outcome is unknown when the host goes away at the seal', async () => {
    const gone = await startSshd();
    const lost = openHost(gone);
    const key = `${gone.folder}/seal.dump`;
    const partial = `${gone.folder}/.seal.dump.token.partial`;
    const { code, details } = await failure(
      createHostFiles(stopAtSeal(lost, () => gone.stop())).put(key, bytes(100), options()),
    );
    await lost.close();
    expect(code).toBe('storage_uncertain');
    expect(details.uploadId).toBe(partial);
  });

  it.each(['cat', 'sync'])('gives a file up whose disk stands still (%s)', async (tool) => {
    const key = `${sshd.folder}/stalled.dump`;
    await replaceTool(tool, `case "$*" in '' | *.partial) exec sleep 600; esac; exec busybox ${tool} "$@"`);
    const other = openHost(sshd, sshd.usersByShell.busybox);
    const limits = tool === 'cat' ? { stallMs: 500, syncMs: 60_000 } : { stallMs: 60_000, syncMs: 500 };
    const { code, message } = await failure(
      createHostFiles(other, { limits }).put(key, bytes(20_000_000), options()),
    );
    expect(code).toBe('host_timeout');
    expect(message).toContain(`written nothing more to ${sshd.folder}/.stalled.dump.token.partial for 0.5 s`);
    await sshd.insideHost(`ln -sf busybox ${busybox(tool)}`);
    expect(await files()).toEqual([]);
    await other.close();
  });

  it('gives a file up whose disk gives nothing to read', async () => {
    const key = `${sshd.folder}/unreadable.dump`;
    const store = createHostFiles(host);
    await store.put(key, bytes(10), options());
    const impatient = createHostFiles(host, { limits: { stallMs: 500, syncMs: 60_000 } });
    const body = await impatient.get(key);
    await sshd.insideHost(`rm ${key}; mkfifo ${key}; chown ${sshd.user} ${key}`);
    await expect(collect(body)).rejects.toMatchObject({ code: 'host_timeout' });
    await store.remove(key);
  });

  it.each([
    ['its shell', 'kill -9 $PPID'],
    ['its whole group', 'kill -9 0'],
  ])('finishes a seal that lost %s half-way', async (_, loss) => {
    const key = `${sshd.folder}/half.dump`;
    await replaceTool('ln', `busybox ln "$@"; ${loss}`);
    const other = openHost(sshd, sshd.usersByShell.busybox);
    const store = createHostFiles(other);
    await store.put(key, bytes(10), options());
    await sshd.insideHost(`ln -sf busybox ${busybox('ln')}`);
    expect(await files()).toEqual([key]);
    expect(await collect(await store.get(key))).toEqual(Buffer.alloc(10, 7));
    await store.remove(key);
    await other.close();
  });

  it('takes a file back whose unfinished name could not be removed', async () => {
    const key = `${sshd.folder}/both.dump`;
    await replaceTool('rm', '[ -e /tmp/refused ] && exec busybox rm "$@"; touch /tmp/refused; exit 1');
    const other = openHost(sshd, sshd.usersByShell.busybox);
    const error = await failure(createHostFiles(other).put(key, bytes(10), options()));
    await sshd.insideHost(`ln -sf busybox ${busybox('rm')}; rm /tmp/refused`);
    await other.close();
    expect(error.code).toBe('storage_refused');
    expect(leftoverOf(error)).toBeUndefined();
    expect(await files()).toEqual([]);
  });

  it('names a file that can not be taken back, and takes it back later', async () => {
    const key = `${sshd.folder}/append-only.dump`;
    const partial = `${sshd.folder}/.append-only.dump.token.partial`;
    await replaceTool('rm', 'echo "rm: Operation not permitted" >&2; exit 1');
    const other = openHost(sshd, sshd.usersByShell.busybox);
    const store = createHostFiles(other);
    const error = await failure(store.put(key, bytes(10), options()));
    expect(error.code).toBe('storage_denied');
    expect(leftoverOf(error)).toEqual({ kind: 'upload', key, uploadId: partial, versionId: null });
    expect((await files()).sort()).toEqual([partial, key]);
    await sshd.insideHost(`ln -sf busybox ${busybox('rm')}`);
    await store.abortUpload(key, partial);
    await other.close();
    expect(await files()).toEqual([]);
  });

  it('leaves a finished file alone when another run of that name is given up', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/kept.dump`;
    await store.put(key, bytes(10), options());
    await store.abortUpload(key, `${sshd.folder}/.kept.dump.other.partial`);
    expect(await files()).toEqual([key]);
    await store.remove(key);
  });

  it('finds the unfinished file of a run that could not record it', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/crashed.dump`;
    const partial = `${sshd.folder}/.crashed.dump.token.partial`;
    await sshd.insideHost(`touch ${partial} && chown ${sshd.user} ${partial}`);
    expect(await store.listUploads(key, { token: 'token' })).toEqual([partial]);
    expect(await store.listUploads(key, { token: 'other' })).toEqual([]);
    await store.abortUpload(key, partial);
    await store.abortUpload(key, partial);
    expect(await files()).toEqual([]);
  });

  it('throws when a file shrinks while it is read', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/shrinks.dump`;
    await store.put(key, bytes(1000), options());
    const body = await store.get(key);
    await sshd.insideHost(`truncate -s 10 ${key}`);
    await expect(collect(body)).rejects.toMatchObject({ code: 'storage_mismatch' });
    await store.remove(key);
  });

  it('refuses a range that the file does not have', async () => {
    const store = createHostFiles(host);
    const key = `${sshd.folder}/short.dump`;
    await store.put(key, bytes(10), options());
    const reading = store.get(key, { range: { start: 10, end: 20 } });
    await expect(reading).rejects.toMatchObject({ code: 'invalid' });
    expect((await store.get(key, { range: { start: 5, end: 20 } })).bytes).toBe(5);
    await store.remove(key);
  });

  it('leaves no process on the host', async () => {
    await until('no process to be left', 60_000, async () => (await sshd.processes()).length === 0);
  });
});

/** The host, but what makes a file final never gets its answer. */
function stopAtSeal(host: Host, stop: () => Promise<void>): Host {
  return {
    ...host,
    run(command, runOptions) {
      if (!command.script.includes('ln -- ')) return host.run(command, runOptions);
      return {
        stderr: () => '',
        async *[Symbol.asyncIterator]() {
          yield* [];
          await stop();
          throw new AppError('host_dropped', 'gone');
        },
      };
    },
  };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
