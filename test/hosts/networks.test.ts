import { describe, expect, it } from 'vitest';
import { literalAddress, networksOf, reachableAddress } from '../../src/hosts/networks.ts';

const networks = networksOf(['10.0.0.0/8', 'fd00::/8']);
const lookUp = (answers: Readonly<Record<string, readonly string[]>>) => async (name: string) =>
  answers[name] ?? [];

describe('an address as such', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['167838211', '10.1.2.3'],
    ['0xa010203', '10.1.2.3'],
    ['10.66051', '10.1.2.3'],
    ['10.1.2.3.', '10.1.2.3'],
    ['[fd00::1]', 'fd00::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['db.example.com', null],
    ['bücher+☂.example', null],
    ['', null],
  ])('is read from %j', (text, address) => {
    expect(literalAddress(text)).toBe(address);
  });
});

describe('where a database may lie', () => {
  const none = networksOf([]);
  const here = lookUp({
    inside: ['192.0.2.1', '10.0.0.9'],
    outside: ['192.0.2.1', '::1'],
    localhost: ['127.0.0.1'],
  });

  it('is anywhere without a list, and nothing is looked up', async () => {
    const fails = async () => Promise.reject(new Error('looked up'));
    expect(await reachableAddress(none, '192.0.2.1', fails)).toBeNull();
    expect(await reachableAddress(none, 'outside', fails)).toBeNull();
    expect(await reachableAddress(none, null, fails)).toBeNull();
  });

  it('on this machine is the first address of a name that may be reached', async () => {
    expect(await reachableAddress(networks, 'inside', here)).toBe('10.0.0.9');
    expect(await reachableAddress(networks, '10.1.2.3', here)).toBe('10.1.2.3');
  });

  it.each([
    'outside',
    '192.0.2.1',
    '0x7f.1',
    'localhost',
    '[::1]',
    '::ffff:192.0.2.1',
    '/run/postgresql',
    null,
    'unknown',
  ])('on this machine is not %j', async (host) => {
    await expect(reachableAddress(networks, host, here)).rejects.toMatchObject({ code: 'host_unreachable' });
  });

  it('behind SSH is any name, and any socket of that machine', async () => {
    for (const host of ['outside', 'unknown', '/run/postgresql', null, '10.1.2.3']) {
      expect(await reachableAddress(networks, host, null)).toBeNull();
    }
  });

  it.each(['192.0.2.1', '3221225985', 'localhost', 'LOCALHOST.', 'db.localhost', '127.0.0.1', '::1'])(
    'behind SSH is not %j',
    async (host) => {
      await expect(reachableAddress(networks, host, null)).rejects.toMatchObject({
        code: 'host_unreachable',
      });
    },
  );
});
