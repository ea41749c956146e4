import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressGuard, addressInUrl } from '../../src/channels/address-guard.ts';

const none = addressGuard([]);
const isRefused = (address: string, guard = none) => guard.judge('ping.example.com', address) !== null;

describe('without private hosts, a message', () => {
  it.each([
    ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '100.127.255.255', '100.100.100.200', '168.63.129.16', '0.0.0.0'],
    ...['192.0.0.192', '192.0.2.1', '198.18.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255', '240.0.0.1'],
    ...['::', '::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1', 'fe80::1', 'fe80::1%eth0'],
    ...['fc00::1', 'fd12:3456::1', 'fd00:ec2::254', 'fec0::1', 'ff02::1', '100::1'],
    ...['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:7f00::1'],
    ...['2001:db8::1', '3fff::1', '5f00::1', 'not an address', ''],
  ])('is not sent to %s', (address) => {
    expect(isRefused(address)).toBe(true);
  });

  it.each([
    ...['1.1.1.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '192.0.1.0'],
    ...['11.0.0.0', '2606:4700::1111', '2a01:4f8::1', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1'],
  ])('is sent to %s', (address) => {
    expect(isRefused(address)).toBe(false);
  });

  it('is sent to no address of IPv4 in another spelling than in its own', () => {
    const part = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(part, part, part, part, (...parts) => {
        const address = parts.join('.');
        for (const other of [`::ffff:${address}`, `64:ff9b::${address}`]) {
          expect([other, isRefused(other)]).toEqual([other, isRefused(address)]);
        }
        expect(isRefused(`::${address}`)).toBe(true);
      }),
    );
  });
});

describe('private hosts that an admin names', () => {
  it('are reached by their name, by their address and within their network', () => {
    const byName = addressGuard(['Ping.Example.com.']);
    expect(isRefused('10.0.0.7', byName)).toBe(false);
    expect(byName.judge('PING.example.COM', 'fd12::1')).toBeNull();
    expect(byName.judge('other.example.com', '10.0.0.7')).toContain('private');
    expect(isRefused('10.0.0.7', addressGuard(['10.0.0.7']))).toBe(false);
    expect(isRefused('10.0.0.8', addressGuard(['10.0.0.7']))).toBe(true);
    expect(isRefused('::ffff:10.0.0.8', addressGuard(['10.0.0.0/8']))).toBe(false);
    expect(isRefused('127.0.0.1', addressGuard(['127.0.0.1']))).toBe(false);
  });

  it.each(['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', 'fe80::1', '0.0.0.0', '224.0.0.1'])(
    'never lead to %s, whatever is named',
    (address) => {
      const all = addressGuard(['ping.example.com', '0.0.0.0/0', '::/0', address]);
      expect(isRefused(address, all)).toBe(true);
    },
  );
});

describe('the host of a URL', () => {
  it.each([
    ['http://127.1/', '127.0.0.1'],
    ['http://0x7f000001/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://127.0.0.1./', '127.0.0.1'],
    ['http://①②⑦.0.0.1/', '127.0.0.1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['http://localhost/', null],
    ['http://127.0.0.1.nip.io/', null],
  ])('%s is the address %s', (url, address) => {
    expect(addressInUrl(new URL(url).hostname)).toBe(address);
  });
});
