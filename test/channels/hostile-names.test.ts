import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';

const never = new AbortController().signal;
const message = (url: string) => ({ url, method: 'GET', body: null }) as const;

let server: PingServer;
beforeAll(async () => {
  server = await startPingServer();
});
afterAll(() => server.close());

/** Everything that URLs, resolvers and old C libraries take for this address. */
function spellings(address: string): readonly string[] {
  const parts = address.split('.').map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = parts.map((part) => part.toString(16).padStart(2, '0'));
  const [ab, cd] = [`${hex[0]}${hex[1]}`, `${hex[2]}${hex[3]}`];
  const octal = (part: number) => `0${part.toString(8)}`;
  const wide = (text: string) =>
    text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  return [
    ...[address, `${address}.`, wide(address), address.replaceAll('.', '。')],
    ...[String(number), `0x${number.toString(16)}`, `0X${number.toString(16).toUpperCase()}`, octal(number)],
    ...[parts.map(octal).join('.'), parts.map((part) => `0x${part.toString(16)}`).join('.')],
    ...[`${octal(a)}.${b}.0x${hex[2]}.${d}`, `${a}.${b}.${c * 256 + d}`, `${a}.${(b * 256 + c) * 256 + d}`],
    ...[encodeURIComponent(address).replaceAll('.', '%2e'), address.replace(/^./, (one) => `%3${one}`)],
    ...[`user:pass@${address}`, `1.1.1.1@${address}`, `[::ffff:${address}]`, `[::FFFF:${ab}:${cd}]`],
    ...[`[0:0:0:0:0:ffff:${ab}:${cd}]`, `[::${address}]`, `[64:ff9b::${address}]`, `[64:ff9b::${ab}:${cd}]`],
    ...[`[2002:${ab}:${cd}::]`, `[2002:${ab}:${cd}::1]`, `[2001:0:${ab}:${cd}::]`, `[64:ff9b:1::${address}]`],
  ];
}

describe('an address that no message is sent to', () => {
  it('is known in each of more than 200 spellings, and nothing arrives', async () => {
    const channel = createChannel({
      allowed: async () => [],
      lookUp: async () => [{ address: '127.0.0.1', family: 4 }],
    });
    const addresses = [
      ...['127.0.0.1', '127.1.2.3', '10.0.0.1', '172.16.5.4', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
      ...['0.0.0.0', '100.100.100.200', '168.63.129.16', '224.0.0.1', '255.255.255.255'],
    ];
    const other = [
      '[::1]',
      '[::]',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '[fc00::1]',
      '[ff02::1]',
      'localhost',
      'LOCALHOST.',
    ];
    const urls = [...addresses.flatMap(spellings), ...other].map((host) => `http://${host}:${server.port}/`);
    expect(urls.length).toBeGreaterThan(200);
    const sent: string[] = [];
    for (const url of urls) {
      const result = await channel.send(message(url), never);
      if (!('failure' in result) || result.failure.mayPass !== false) sent.push(url);
    }
    expect(sent).toEqual([]);
    expect(server.pings).toEqual([]);
  });
});

describe('a name server that changes its answer', () => {
  /** The only address that is let through is the one that the server listens on. */
  const tell = async (answers: readonly string[]) => {
    const names = await startDnsServer(answers);
    // By itself it asks again after two seconds, for which a busy machine may stand still.
    const resolver = new Resolver({ timeout: 60_000, tries: 1 });
    resolver.setServers([names.address]);
    const channel = createChannel({
      allowed: async () => ['127.0.0.1'],
      lookUp: async (name) => (await resolver.resolve4(name)).map((address) => ({ address, family: 4 })),
    });
    const send = () => channel.send(message(`http://rebind.example.com:${server.port}/x`), never);
    return { names, send };
  };

  it('leads to no other address than the one that was judged: it is asked once for each message', async () => {
    const { names, send } = await tell(['127.0.0.1', '127.0.0.2', '127.0.0.1']);
    expect(await send()).toHaveProperty('answer');
    expect(await send()).toMatchObject({
      failure: { reason: expect.stringContaining('127.0.0.2'), mayPass: false },
    });
    expect(await send()).toHaveProperty('answer');
    expect(names.asked).toEqual(Array.from({ length: 3 }, () => 'rebind.example.com A'));
    expect(server.pings).toHaveLength(2);
    names.close();
  });

  it('gains nothing by an address that would be let through a moment later', async () => {
    const { names, send } = await tell(['169.254.169.254', '127.0.0.1']);
    server.pings.splice(0);
    expect(await send()).toMatchObject({ failure: { reason: expect.stringContaining('169.254.169.254') } });
    expect([names.asked.length, server.pings]).toEqual([1, []]);
    names.close();
  });
});
