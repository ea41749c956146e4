import { describe, expect, it } from 'vitest';
import { cidrContains, parseCidr } from '../src/cidr.ts';

describe('a block of addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.168.4.0/22', '192.168.7.255', true],
    ['192.168.4.0/22', '192.168.8.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['203.0.113.9', '203.0.113.9', true],
    ['203.0.113.9', '203.0.113.8', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['fd00::/8', 'fd12:3456::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['::1', '::1', true],
    ['10.0.0.0/8', 'not an address', false],
    ['10.0.0.0/8', '::1', false],
  ])('%s contains %s: %s', (block, address, isInside) => {
    const cidr = parseCidr(block);
    expect(cidr).not.toBeNull();
    expect(cidr !== null && cidrContains(cidr, address)).toBe(isInside);
  });

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '::/129',
    ':::',
    '1::2::3',
    '10.0.0.0/8/8',
    'x/8',
    '1.2.3.4::',
    'fe80::1%eth0',
  ])('is not read from %j', (text) => expect(parseCidr(text)).toBeNull());
});
