import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host, HostAddress, PresentedHostKey } from '../../src/hosts/host.ts';
import { networksOf } from '../../src/hosts/networks.ts';
import { openSshHost } from '../../src/hosts/node/ssh.ts';
import { createLog } from '../../src/log.ts';
import { describeHost, failureOf, newSign, textOf } from '../contracts/host.ts';
import { beside } from '../support/beside.ts';
import { type LoginShell, type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';

const SHELLS: readonly LoginShell[] = ['dash', 'bash', 'busybox'];
const log = createLog(
  'error',
  () => {},
  () => new Date(),
);
const signal = new AbortController().signal;
/** Nothing here waits for it: what is busy gets the time that it takes. */
const READY_MS = 60_000;

function addressOf(sshd: Sshd, changes: Partial<HostAddress> = {}): HostAddress {
  return {
    label: 'db1',
    hostname: '127.0.0.1',
    port: sshd.port,
    networks: networksOf([]),
    username: sshd.user,
    privateKey: sshd.privateKey,
    hostKey: sshd.hostKey(),
    acceptNewHostKey: async () => false,
    ...changes,
  };
}

function open(address: HostAddress): Host {
  return openSshHost(address, { readyTimeoutMs: READY_MS }, log);
}

const echo = (host: Host) => textOf(host.run({ script: 'echo here' }, { signal }));
const failure = (host: Host) => failureOf(host.run({ script: 'echo here' }, { signal }));

// Most of the time here is that of commands which take two seconds to die.
describe.concurrent.each([...SHELLS, 'zsh', 'fish'] as const)('with the login shell %s', (shell) => {
  const start = async () => {
    const sshd = await startSshd();
    const host = open(addressOf(sshd, { username: sshd.usersByShell[shell] }));
    return {
      host,
      whatIsVisible: async () =>
        (await sshd.visible()).flatMap(({ command, environment }) => [command, environment]).join('\n'),
      async stop() {
        await host.close();
        await sshd.stop();
      },
    };
  };
  // The bytes of a command are sshd's and ours: its login shell has let go of them before the first one.
  describeHost(`ssh, login shell ${shell}`, start, {
    mebibytes: shell === 'dash' ? 64 : 4,
    stepBytes: 4 * 65_536,
  });
});

beside('a host', () => {
  let sshd: Sshd;
  const opened: Host[] = [];
  const openHost = (changes: Partial<HostAddress> = {}) => {
    const host = open(addressOf(sshd, changes));
    opened.push(host);
    return host;
  };
  beforeAll(async () => {
    sshd = await startSshd({ maxSessions: 3 });
  });
  afterAll(async () => {
    for (const host of opened) await host.close();
    await sshd.stop();
  });

  it('shares no files with the app', async () => {
    const here = import.meta.filename;
    expect(await textOf(openHost().run({ script: `ls ${here} 2>/dev/null || echo none` }, { signal }))).toBe(
      'none\n',
    );
  });

  it('leaves no process after commands that ended in every way', async () => {
    const sign = newSign();
    const host = openHost();
    const controller = new AbortController();
    await textOf(host.run({ script: `: ${sign}` }, { signal }));
    await failureOf(host.run({ script: `: ${sign}; exit 4` }, { signal }));
    await failureOf(host.run({ script: `echo ${sign}; sleep 999` }, { signal: controller.signal }), () =>
      controller.abort(),
    );
    for await (const _ of host.run({ script: `yes ${sign}` }, { signal })) break;
    await until('no process to be left', 60_000, async () => (await sshd.processes()).length === 0);
  });

  it('connects again after a dropped connection', async () => {
    const host = openHost();
    await echo(host);
    await sshd.dropConnections();
    const again = await until('another connection', 60_000, () => echo(host).catch(() => false as const));
    expect(again).toBe('here\n');
  });

  it('waits for its turn where the server allows few sessions', async () => {
    const host = openHost();
    const outputs = await Promise.all(Array.from({ length: 10 }, () => echo(host)));
    expect(outputs).toEqual(Array.from({ length: 10 }, () => 'here\n'));
  });

  it('drops what the start-up files of the login shell print', async () => {
    await sshd.insideHost(`echo 'echo Welcome; echo to the server >&2' >/home/bash/.bashrc`);
    const host = openHost({ username: 'bash' });
    expect(await textOf(host.run({ script: 'echo here' }, { signal }))).toBe('here\n');
    await sshd.insideHost('rm /home/bash/.bashrc');
  });

  it.each([
    ['reads standard input', `printf 'Passphrase "ü": '; cat >/dev/null`],
    ['starts a program that does not end', `printf 'Passphrase "ü": ' >&2; sleep 600`],
  ])('says that a start-up file of the login shell may be why nothing starts: it %s', async (_, line) => {
    await sshd.insideHost(`cat >/home/bash/.bashrc <<'END'\n${line}\nEND`);
    const host = openSshHost(
      addressOf(sshd, { username: 'bash' }),
      { readyTimeoutMs: READY_MS, startTimeoutMs: 4_000 },
      log,
    );
    opened.push(host);
    const { code, message } = await failureOf(
      host.run({ script: 'echo here' }, { signal, idleTimeoutMs: 60_000 }),
    );
    await sshd.insideHost('rm /home/bash/.bashrc');
    expect(code).toBe('host_unreachable');
    expect(message).toMatch(/db1: the log-in worked.*~\/\.bashrc.*wait for input.*Passphrase "ü":$/);
    expect(message).not.toMatch(/time limit/);
    await sshd.insideHost('pkill -x sleep || true');
  });

  it('says what a user without a shell was told', async () => {
    await sshd.insideHost(
      `cp /etc/passwd /tmp/passwd; echo 'noshell:*:2109:65534::/:/usr/sbin/nologin' >>/etc/passwd`,
    );
    const { code, message } = await failure(openHost({ username: 'noshell' }));
    expect(code).toBe('host_command');
    expect(message).toMatch(/not available/);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1'],
    ['localhost', '127.0.0.1'],
  ])(
    'connects to %s only where its address lies in the networks that may be reached',
    async (hostname, address) => {
      let connections = 0;
      const listener = createServer((socket) => {
        connections += 1;
        socket.destroy();
      });
      await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
      const target = listener.address();
      const port = typeof target === 'object' && target !== null ? target.port : 0;
      const refused = await failure(
        openHost({ hostname, port, networks: networksOf(['10.0.0.0/8', 'fd00::/8']) }),
      );
      expect(refused.code).toBe('host_unreachable');
      expect(refused.message).toContain(address);
      expect(refused.message).toContain('REACHABLE_NETWORKS');
      expect(connections).toBe(0);
      const letIn = await failure(openHost({ hostname, port, networks: networksOf(['127.0.0.0/8']) }));
      expect(letIn.message).not.toContain('REACHABLE_NETWORKS');
      expect(connections).toBe(1);
      await new Promise((done) => listener.close(done));
    },
  );

  it('says that the key was refused', async () => {
    const other = await startSshd();
    const { code, message } = await failure(openHost({ privateKey: other.privateKey }));
    await other.stop();
    expect(code).toBe('host_auth');
    expect(message).toMatch(/authorized_keys\. If it is, .*700 and 600.*AllowUsers.*journalctl -u ssh/);
  });

  it('says that the key can not be read', async () => {
    const { code, message } = await failure(openHost({ privateKey: 'no key' }));
    expect(code).toBe('host_auth');
    expect(message).toMatch(/can't be read/);
    expect(message).not.toContain('no key');
  });

  it('says that the key is the public one', async () => {
    const { code, message } = await failure(openHost({ privateKey: sshd.hostKey() }));
    expect(code).toBe('host_auth');
    expect(message).toMatch(/public half/);
  });

  it('says that the key wants a passphrase', async () => {
    await sshd.insideHost(`ssh-keygen -q -t ed25519 -N secret -f /tmp/locked`);
    const privateKey = await sshd.insideHost('cat /tmp/locked');
    const { code, message } = await failure(openHost({ privateKey }));
    expect(code).toBe('host_auth');
    expect(message).toMatch(/passphrase/);
  });

  it('says that nothing listens on the port', async () => {
    const { code, message } = await failure(openHost({ port: 1 }));
    expect(code).toBe('host_unreachable');
    expect(message).toMatch(/refused/);
  });

  it('says that the name is unknown', async () => {
    const { code, message } = await failure(openHost({ hostname: 'no-such-host.invalid' }));
    expect(code).toBe('host_unreachable');
    expect(message).toMatch(/DNS/);
  });

  it('gives up on a port that never says anything', async () => {
    const silent = createServer(() => {});
    const port = await listen(silent);
    const host = openSshHost(addressOf(sshd, { port }), { readyTimeoutMs: 300 }, log);
    const { code, message } = await failure(host);
    silent.close();
    expect(code).toBe('host_unreachable');
    expect(message).toMatch(/time limit/);
  });

  it('says that the port speaks no SSH', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const port = await listen(web);
    const { code } = await failure(openHost({ port }));
    web.close();
    expect(code).toBe('host_unreachable');
  });

  it('stops waiting for a connection when it is cancelled', async () => {
    const silent = createServer(() => {});
    const host = openHost({ port: await listen(silent) });
    const running = host.run({ script: 'true' }, { signal: AbortSignal.timeout(100) });
    expect((await failureOf(running)).code).toBe('cancelled');
    silent.close();
  });

  it('refuses a host whose key has another type than the pinned one', async () => {
    const rsa = await startSshd({ hostKeyType: 'rsa' });
    const { code } = await failure(openHost({ port: rsa.port, privateKey: rsa.privateKey }));
    await rsa.stop();
    expect(code).toBe('host_key_changed');
  });

  it('refuses an unknown host key that nobody accepts', async () => {
    const { code, message } = await failure(openHost({ hostKey: null }));
    expect(code).toBe('host_key_unknown');
    expect(message).toContain(sshd.fingerprint());
  });

  it('throws the error of an acceptance that fails', async () => {
    const problem = new Error('the database is gone');
    const host = openHost({ hostKey: null, acceptNewHostKey: () => Promise.reject(problem) });
    await expect(echo(host)).rejects.toBe(problem);
  });

  it('ends the connection when it is closed', async () => {
    const host = open(addressOf(sshd));
    await echo(host);
    await host.close();
    await expect(echo(host)).rejects.toMatchObject({ code: 'internal' });
  });
});

for (const shell of SHELLS) {
  beside(`a connection that drops, with the login shell ${shell}`, () => {
    let sshd: Sshd;
    const opened: Host[] = [];
    const openHost = () => {
      const host = open(addressOf(sshd, { username: sshd.usersByShell[shell] }));
      opened.push(host);
      return host;
    };
    beforeAll(async () => {
      sshd = await startSshd();
    });
    afterAll(async () => {
      for (const host of opened) await host.close();
      await sshd.stop();
    });

    it('throws host_dropped when the connection drops, and the command dies', async () => {
      const sign = newSign();
      const host = openHost();
      const running = host.run({ script: `echo started; sleep ${sign} | cat` }, { signal });
      const { code } = await failureOf(running, () => void sshd.dropConnections());
      expect(code).toBe('host_dropped');
      await until('the command to die', 60_000, async () => !(await sshd.processes()).join().includes(sign));
    });

    it('throws host_dropped in the middle of a stream', async () => {
      const host = openHost();
      let bytes = 0;
      let isDropped = false;
      const running = host.run({ script: 'cat /dev/zero' }, { signal });
      const { code } = await failureOf(running, (text) => {
        bytes += text.length;
        if (bytes > 20_000_000 && !isDropped) void sshd.dropConnections();
        isDropped = bytes > 20_000_000;
      });
      expect(code).toBe('host_dropped');
    });

    it('kills a command with input whose connection drops, though it does not read', async () => {
      const sign = newSign();
      const host = openHost();
      async function* input() {
        yield new TextEncoder().encode('x');
      }
      const running = host.run({ script: `cat; sleep ${sign}` }, { signal, input: input() });
      const { code } = await failureOf(running, () => void sshd.dropConnections());
      expect(code).toBe('host_dropped');
      await until('the command to die', 60_000, async () => !(await sshd.processes()).join().includes(sign));
    });
  });
}

beside('a host of its own', () => {
  it('lets go of a command when the host has frozen', async () => {
    const frozen = await startSshd();
    const host = open(addressOf(frozen));
    const controller = new AbortController();
    const running = host.run({ script: 'echo started; sleep 999' }, { signal: controller.signal });
    const { code } = await failureOf(running, () => {
      void frozen.freezeConnections().then(() => controller.abort());
    });
    expect(code).toBe('cancelled');
    await host.close();
    await frozen.stop();
  });

  it('refuses a changed host key before it sends anything, naming both', async () => {
    const changed = await startSshd();
    const address = addressOf(changed);
    const pinned = changed.fingerprint();
    await changed.rotateHostKey();
    const host = open(address);
    const { code, message, details } = await failure(host);
    await changed.stop();
    expect(code).toBe('host_key_changed');
    expect(details).toEqual({ expected: pinned, presented: changed.fingerprint() });
    expect(message).toContain('/api/servers/:id/host-key');
  });

  it.each(['rsa', 'ecdsa'] as const)('connects to a host with a pinned %s key', async (hostKeyType) => {
    const other = await startSshd({ hostKeyType });
    const host = open(addressOf(other));
    expect(await echo(host)).toBe('here\n');
    await host.close();
    await other.stop();
  });

  it('accepts an unknown host key once, and holds the host to it from then on', async () => {
    const other = await startSshd();
    const offered: PresentedHostKey[] = [];
    const host = open(
      addressOf(other, {
        hostKey: null,
        acceptNewHostKey: async (key) => {
          offered.push(key);
          return true;
        },
      }),
    );
    await echo(host);
    expect(offered).toEqual([
      { key: other.hostKey(), type: 'ssh-ed25519', fingerprint: other.fingerprint() },
    ]);
    await other.rotateHostKey();
    await other.dropConnections();
    // Until the end of the old connection is heard, commands fail for it, or even run.
    await until('a new connection', 60_000, async () => {
      const refused = await failure(host).catch(() => null);
      return refused?.code === 'host_key_changed';
    });
    expect(offered).toHaveLength(1);
    await host.close();
    await other.stop();
  });
});

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
