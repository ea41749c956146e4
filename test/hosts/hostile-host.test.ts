import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { afterEach, expect, it } from 'vitest';
import { lookAtDatabase } from '../../src/databases/look-at-database.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import type { Host } from '../../src/hosts/host.ts';
import { networksOf } from '../../src/hosts/networks.ts';
import { openSshHost } from '../../src/hosts/node/ssh.ts';
import { createLog } from '../../src/log.ts';
import { createHostFiles } from '../../src/object-stores/host-files/host-files.ts';
import { liveMemory } from '../support/live-memory.ts';
import { newSshKeys } from '../support/ssh-key.ts';
import { until } from '../support/until.ts';

const log = createLog(
  'error',
  () => {},
  () => new Date(),
);
const keys = newSshKeys();
const MIB = 2 ** 20;
const NOISE = Buffer.alloc(64 * 1024, 'x');

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

interface Hostile {
  readonly host: Host;
  /** Bytes that the server got rid of. */
  sent(): number;
}

/** What lives, and no garbage: how much there is of that says nothing. */
function heldBytes(): number {
  const { heapBytes, bufferBytes } = liveMemory();
  return heapBytes + bufferBytes;
}

/** Writes for as long as somebody takes it. */
function flood(out: NodeJS.WritableStream, sent: (bytes: number) => void): void {
  let isOpen = true;
  out.on('close', () => {
    isOpen = false;
  });
  out.on('error', () => {});
  const more = () => {
    while (isOpen) {
      sent(NOISE.length);
      if (!out.write(NOISE)) return void out.once('drain', () => setImmediate(more));
    }
  };
  more();
}

async function listening(server: Server | ssh2.Server, readyTimeoutMs = 10_000): Promise<Host> {
  server.listen(0, '127.0.0.1');
  await once(server as Server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = openSshHost(
    {
      label: 'evil',
      hostname: '127.0.0.1',
      port,
      username: 'root',
      privateKey: keys.private,
      networks: networksOf([]),
      hostKey: null,
      acceptNewHostKey: async () => true,
    },
    { readyTimeoutMs },
    log,
  );
  closings.push(
    () => new Promise((done) => server.close(() => done())),
    () => host.close(),
  );
  return host;
}

/** An SSH server that lets anybody in and answers every command as `behave` likes. */
async function hostile(
  behave: (channel: ServerChannel, token: string, sent: (bytes: number) => void, client: Connection) => void,
): Promise<Hostile> {
  let total = 0;
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _, { command }) => {
        const token = /[0-9a-f]{24}/.exec(command)?.[0] ?? '';
        const count = (bytes: number) => {
          total += bytes;
        };
        behave(acceptExec(), token, count, client);
      });
    });
  });
  return { host: await listening(server), sent: () => total };
}

const endlessOutput = () =>
  hostile((channel, token, sent) => {
    channel.write(`\n${token} 4194000\n`);
    flood(channel, sent);
  });

const signal = () => AbortSignal.timeout(120_000);
const target = {
  ...{ host: null, port: null, databaseName: null, username: null, password: null },
  options: sqlite.options.parse({ filePath: '/var/lib/app.db' }),
};

it('a look that never stops printing is given up', async () => {
  const { host } = await endlessOutput();
  const opened = { host, address: null, checkPath: async () => {}, pinnedFingerprint: () => null };
  const plans = {
    look: sqlite.look(target),
    dump: sqlite.dump(target),
    file: null,
    format: 'plain' as const,
    checkTarget: () => {},
  };
  await expect(lookAtDatabase(opened, plans, { signal: signal(), timeoutMs: 10_000 })).rejects.toMatchObject({
    code: 'dump_failed',
    message: expect.stringContaining('evil'),
  });
});

it('a short answer about a file that never ends is given up', async () => {
  const { host } = await endlessOutput();
  await expect(createHostFiles(host).head('/var/backups/a.sql', { signal: signal() })).rejects.toMatchObject({
    code: 'storage_refused',
    message: expect.stringContaining('evil'),
  });
});

it('a login shell that greets without an end is given up', async () => {
  const { host } = await hostile((channel, _, count) => flood(channel, count));
  await expect(createHostFiles(host).head('/var/backups/a.sql', { signal: signal() })).rejects.toMatchObject({
    message: expect.stringContaining('its login shell printed'),
  });
});

it('of endless stderr a short tail is kept', async () => {
  const { host, sent } = await hostile((channel, token, count) => {
    channel.write(`\n${token} 4194000\n`);
    flood(channel.stderr, count);
  });
  const stop = new AbortController();
  const running = host.run({ script: 'exit 0' }, { signal: stop.signal });
  const ended = (async () => {
    for await (const _ of running);
  })();
  ended.catch(() => {});
  const before = heldBytes();
  await until('256 MiB of stderr', 60_000, () => sent() >= 256 * MIB);
  expect(heldBytes() - before).toBeLessThan(64 * MIB);
  expect(running.stderr().length).toBeLessThanOrEqual(8 * 1024);
  stop.abort();
  await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
});

/**
 * Past what the channel allows; ssh2 has no public way to be so rude. False where the client is behind with reading: what waits here
 * would count as held by it, as both are one process.
 */
function sendUnasked(client: Connection, channel: ServerChannel, bytes: Buffer): boolean {
  const { _protocol: protocol, _sock: socket } = client as unknown as {
    _protocol: { channelData(recipient: number, data: Buffer): void };
    _sock: Socket;
  };
  if (socket.writableLength > 4 * MIB) return false;
  const { outgoing } = channel as unknown as { outgoing: { id: number } };
  protocol.channelData(outgoing.id, bytes);
  return true;
}

it.each([true, false])('output that nobody asked for fills no memory (bulk: %s)', async (bulk) => {
  const { host, sent } = await hostile((channel, token, count, client) => {
    channel.write(`\n${token} 4194000\n`);
    channel.write(NOISE);
    const timer = setInterval(() => {
      for (let packet = 0; packet < 60; packet += 1) {
        if (sendUnasked(client, channel, NOISE.subarray(0, 32_000))) count(32_000);
      }
    }, 5);
    client.on('close', () => clearInterval(timer));
  });
  const running = host.run({ script: 'exit 0' }, { signal: signal(), bulk })[Symbol.asyncIterator]();
  await running.next();
  const before = heldBytes();
  await until('256 MiB that nobody asked for', 60_000, () => sent() >= 256 * MIB);
  expect(heldBytes() - before).toBeLessThan(64 * MIB);
  const rest = (async () => {
    while (!(await running.next()).done);
  })();
  await expect(rest).rejects.toMatchObject({
    code: 'host_dropped',
    message: expect.stringContaining('evil sent more than it was asked for'),
  });
});

it('a command whose output ends, and of whose end nothing is heard, is given up', async () => {
  const { host } = await hostile((channel, token) => {
    channel.write(`\n${token} 4194000\nall of it`);
    channel.eof();
  });
  const running = host.run({ script: 'exit 0' }, { signal: signal(), idleTimeoutMs: 300 });
  const reading = (async () => {
    for await (const _ of running);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'host_timeout' });
});

it('a server that sends banners without an end is given up in time', async () => {
  const sockets = new Set<Socket>();
  let total = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const lines = Buffer.from(`${'x'.repeat(60)}\r\n`.repeat(500));
    socket.on('error', () => {});
    const more = () => {
      while (!socket.destroyed) {
        total += lines.length;
        if (!socket.write(lines)) return void socket.once('drain', () => setImmediate(more));
      }
    };
    more();
  });
  closings.push(async () => {
    for (const socket of sockets) socket.destroy();
  });
  const host = await listening(server, 2_000);
  await expect(createHostFiles(host).head('/a', { signal: signal() })).rejects.toMatchObject({
    code: 'host_unreachable',
  });
  expect(total).toBeGreaterThan(0);
  // What the sockets took: of what was read, a thousand lines are enough to know it by.
  expect(total).toBeLessThan(64 * MIB);
});
