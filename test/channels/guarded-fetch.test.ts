import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFitForSecrets, NotFetched } from '../../src/channels/guarded-fetch.ts';
import { createGuardedFetch } from '../../src/channels/node/guarded-fetch.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';

let server: PingServer;
beforeEach(async () => {
  server = await startPingServer();
});
afterEach(() => server.close());

const GET = { method: 'GET', headers: {}, body: null };
/** Names by the addresses that they have, each look-up the next. */
function fetchTo(allowed: readonly string[], addresses: readonly string[] = ['127.0.0.1'], timeoutMs = 5000) {
  let lookUps = 0;
  const lookUp = async () => {
    const address = addresses[Math.min(lookUps++, addresses.length - 1)] ?? '';
    return [{ address, family: 4 }];
  };
  return createGuardedFetch({ allowed: async () => allowed, lookUp, timeoutMs });
}
const named = () => `http://localhost:${server.port}/token?code=of-the-test`;

async function failureOf(fetched: Promise<Response>): Promise<NotFetched> {
  const error = await fetched.then(
    ({ status }) => new Error(`was answered ${status}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof NotFetched) return error;
  throw error;
}

describe('a request to a service that an admin entered', () => {
  it('arrives as it was given, and brings status, type and text', async () => {
    server.answer((_, response) =>
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"a":"ü"}'),
    );
    const request = { method: 'POST', headers: { 'x-y': '1' }, body: 'code=a%20b' };
    const answer = await fetchTo(['127.0.0.1'])(`${server.url}/token`, request);
    expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([
      ...[400, 'application/json', { a: 'ü' }],
    ]);
    expect(server.pings).toEqual([{ method: 'POST', path: '/token', body: 'code=a%20b' }]);
  });

  it('goes to a private host where an admin has named it, and says exactly how else', async () => {
    for (const url of [server.url, named()]) {
      const { message } = await failureOf(fetchTo([])(url, GET));
      const host = new URL(url).hostname;
      expect(message).toContain(`add ${host} to “Private hosts” under Admin > System`);
      expect(message).not.toContain('of-the-test');
    }
    expect((await fetchTo(['localhost'])(named(), GET)).status).toBe(200);
  });

  it('never goes to metadata, nor to a name that leads there, and gives no advice how', async () => {
    for (const address of ['169.254.169.254', '100.100.100.200', '0.0.0.0']) {
      const failure = await failureOf(fetchTo(['localhost', '0.0.0.0/0'], [address])(named(), GET));
      expect(failure.message).toMatch(/is never sent to\.$/);
      expect(failure.message).not.toContain('Private hosts');
    }
    const literal = await failureOf(fetchTo(['0.0.0.0/0'])('https://169.254.169.254/x', GET));
    expect(literal.message).toMatch(/never sent to/);
  });

  it('is connected to the very address that was judged, whatever the name leads to later', async () => {
    const rebound = fetchTo(['127.0.0.1'], ['10.11.12.13', '127.0.0.1']);
    expect((await failureOf(rebound(named(), GET))).message).toContain('its address 10.11.12.13');
    expect(server.pings).toEqual([]);
  });

  it('is in the clear to this machine itself alone', async () => {
    const urls = ['http://auth.example.com/', 'http://10.0.0.1/', 'ftp://localhost/', 'no url'];
    for (const url of urls) {
      expect((await failureOf(fetchTo(['0.0.0.0/0'])(url, GET))).message).toContain('only https is asked');
    }
    expect(
      ['https://a', 'http://localhost', 'http://127.9.9.9', 'http://[::1]:8'].every((url) =>
        isFitForSecrets(new URL(url)),
      ),
    ).toBe(true);
    expect(
      ['http://a.localhost', 'http://127.0.0.1.example.com', 'http://localhost.'].some((url) =>
        isFitForSecrets(new URL(url)),
      ),
    ).toBe(false);
  });

  it('over http is of this machine itself, whatever its name leads to, and never goes through a proxy', async () => {
    const elsewhere = await failureOf(fetchTo(['localhost'], ['10.11.12.13'])(named(), GET));
    expect(elsewhere.message).toContain('its address 10.11.12.13 is not this machine itself');
    const through = createGuardedFetch({
      allowed: async () => ['127.0.0.1'],
      proxyOf: () => 'http://127.0.0.1:1',
    });
    expect((await through(server.url, GET)).status).toBe(200);
  });

  it('follows no redirect, reads no more than a MiB, and ends when its time is over', async () => {
    server.answer((_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end());
    expect((await fetchTo(['127.0.0.1'])(server.url, GET)).status).toBe(302);
    server.answer((_, response) => response.end('x'.repeat(2 ** 20 + 1)));
    expect((await failureOf(fetchTo(['127.0.0.1'])(server.url, GET))).message).toContain('more than 1 MiB');
    server.answer((_, response) => void response.writeHead(200).write('{'));
    const slow = fetchTo(['127.0.0.1'], undefined, 1_000);
    expect((await failureOf(slow(server.url, GET))).message).toContain('did not answer within 1 s');
    expect(server.pings).toHaveLength(3);
  });

  it('over https goes through the proxy of the installation, with its password', async () => {
    const seen: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      seen.push(`${request.url} ${request.headers['proxy-authorization']}`);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const through = createGuardedFetch({
      allowed: async () => [],
      proxyOf: () => `http://me:p%40ss@127.0.0.1:${port}`,
    });
    expect((await failureOf(through('https://auth.example.com/token', GET))).message).not.toContain('p@ss');
    expect(seen).toEqual([`auth.example.com:443 Basic ${btoa('me:p@ss')}`]);
    // A literal address is judged here all the same.
    expect((await failureOf(through('https://127.0.0.1/', GET))).message).toContain('add 127.0.0.1 to');
    expect(seen).toHaveLength(1);
    proxy.closeAllConnections();
    proxy.close();
  });
});
