import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChannel, TIMEOUT_MS } from '../../src/channels/node/guarded-channel.ts';
import { freePort } from '../support/free-port.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';

let server: PingServer;
beforeEach(async () => {
  server = await startPingServer();
});
afterEach(() => server.close());

const never = new AbortController().signal;
/** Names by the addresses that they have, each look-up the next. */
const channelTo = (
  allowed: readonly string[],
  addresses: readonly (readonly string[])[] = [['127.0.0.1']],
  timeoutMs = 10_000,
) => {
  let lookUps = 0;
  const lookUp = async () => {
    const found = addresses[Math.min(lookUps++, addresses.length - 1)] ?? [];
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const channel = createChannel({ allowed: async () => allowed, lookUp, timeoutMs });
  return {
    lookUps: () => lookUps,
    get: (url: string, signal = never) => channel.send({ url, method: 'GET', body: null }, signal),
    channel,
  };
};
const named = (path = '/') => `http://pings.example.com:${server.port}${path}`;
const failureOf = (sent: Awaited<ReturnType<ReturnType<typeof channelTo>['get']>>) =>
  'failure' in sent ? sent.failure : { reason: `was answered ${sent.answer.status}`, mayPass: null };

describe('a message', () => {
  it('arrives as it was given, and brings its answer', async () => {
    const { channel } = channelTo(['127.0.0.1']);
    const message = { url: `${server.url}/ping/a b?x=ü`, method: 'POST', body: 'shop 😀\n"quotes"' } as const;
    expect(await channel.send(message, never)).toEqual({ answer: { status: 200, text: 'OK' } });
    expect(server.pings).toEqual([{ method: 'POST', path: '/ping/a%20b?x=%C3%BC', body: message.body }]);
  });

  it('reaches a private address by its literal or its name only where an admin has named it', async () => {
    for (const url of [server.url, `http://[::ffff:127.0.0.1]:${server.port}`, named()]) {
      expect(failureOf(await channelTo([]).get(url))).toMatchObject({
        reason: expect.stringContaining('is a private one. An admin may name private hosts'),
        mayPass: false,
      });
    }
    expect(server.pings).toEqual([]);
    expect(await channelTo(['pings.example.com']).get(named())).toHaveProperty('answer');
    expect(server.pings).toHaveLength(1);
  });

  it('is connected to the very address that was judged: its name is looked up once, and what it leads to later counts for nothing', async () => {
    // The second look-up would be let through; there is none.
    const rebound = channelTo(['127.0.0.1'], [['10.11.12.13'], ['127.0.0.1']]);
    expect(failureOf(await rebound.get(named())).reason).toContain(
      'its address 10.11.12.13 is a private one',
    );
    expect([rebound.lookUps(), server.pings.length]).toEqual([1, 0]);
    // Of several addresses only those that are let through.
    const mixed = channelTo(['127.0.0.1'], [['10.11.12.13', '169.254.169.254', '127.0.0.1']]);
    expect(await mixed.get(named())).toHaveProperty('answer');
    expect([mixed.lookUps(), server.pings.length]).toEqual([1, 1]);
  });

  it('follows no redirect, not to another host and not in a loop', async () => {
    server.answer((_, response) => {
      response.writeHead(302, { location: `${server.url}/again` }).end('x');
    });
    expect(await channelTo(['127.0.0.1']).get(server.url)).toEqual({ answer: { status: 302, text: 'x' } });
    expect(server.pings).toHaveLength(1);
  });

  it('takes at most 4 KiB of an answer that never ends', async () => {
    server.answer((_, response) => {
      const more = () => void (response.destroyed || response.write('x'.repeat(3000), more));
      more();
    });
    const sent = await channelTo(['127.0.0.1']).get(server.url);
    expect('answer' in sent && sent.answer.text.length).toBe(4096);
  });

  it.each([
    ['never answers', () => undefined],
    ['answers its head and no more', (response: { write(text: string): void }) => response.write('a')],
  ])('is given up when the server %s', async (_, how) => {
    server.answer((_request, response) => void how(response));
    expect(TIMEOUT_MS).toBe(10_000);
    expect(failureOf(await channelTo(['127.0.0.1'], [[]], 300).get(`${server.url}/secret-token`))).toEqual({
      reason: `127.0.0.1:${server.port} did not answer within 0 s.`,
      mayPass: true,
    });
  });

  it('says of each other failure what it was, and never the address’s path', async () => {
    const { get } = channelTo(['127.0.0.1', 'pings.example.com']);
    const closed = await freePort();
    const garbage = createServer((socket) => socket.on('error', () => undefined).end('no HTTP\r\n\r\n'));
    const cut = createServer((socket) => void socket.on('error', () => undefined).destroy());
    const listening = async (one: typeof cut) =>
      new Promise<number>((done) => {
        one.listen(0, '127.0.0.1', () => {
          const at = one.address();
          done(typeof at === 'object' && at !== null ? at.port : 0);
        });
      });
    const [garbled, broken] = [await listening(garbage), await listening(cut)];
    const reasons = await Promise.all(
      [closed, garbled, broken].map(async (port) =>
        failureOf(await get(`http://127.0.0.1:${port}/secret-token?key=secret-token`)),
      ),
    );
    expect(reasons).toEqual([
      { reason: expect.stringContaining('nothing listens there'), mayPass: true },
      { reason: expect.stringContaining('is not HTTP'), mayPass: true },
      { reason: expect.stringContaining('ended before it had answered'), mayPass: true },
    ]);
    const https = failureOf(await get(`https://127.0.0.1:${server.port}/secret-token`));
    expect(https.mayPass).toBe(true);
    const unknown = createChannel({
      allowed: async () => [],
      lookUp: async () => {
        throw Object.assign(new Error('secret-token'), { code: 'ENOTFOUND' });
      },
    });
    const lost = failureOf(
      await unknown.send({ url: named('/secret-token'), method: 'GET', body: null }, never),
    );
    expect(lost).toEqual({ reason: expect.stringContaining('is not known to DNS'), mayPass: true });
    expect(JSON.stringify([reasons, https, lost])).not.toContain('secret-token');
    garbage.close();
    cut.close();
  });

  it('ends with its signal, which is the one thing that is thrown', async () => {
    server.answer(() => undefined);
    const stop = new AbortController();
    const sent = channelTo(['127.0.0.1']).get(server.url, stop.signal);
    stop.abort(new Error('The app stops.'));
    await expect(sent).rejects.toThrow('The app stops.');
  });
});
