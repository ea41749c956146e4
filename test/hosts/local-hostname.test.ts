import { expect, it } from 'vitest';
import { isLocalHostname } from '../../src/servers/open-server.ts';

it.each([
  ...['localhost', 'LOCALHOST', 'localhost.', '127.0.0.1', '127.1', '2130706433', '0x7f.1', '0.0.0.0', '0'],
  ...['::1', '[::1]', '0:0:0:0:0:0:0:1', '::', '::ffff:127.0.0.1', '[::ffff:7f00:1]'],
])('%s is the machine of the app', (hostname) => {
  expect(isLocalHostname(hostname)).toBe(true);
});

it.each([
  ...['127.0.0.2', 'localhost.example.com', 'mylocalhost', '10.0.0.1', '::2', 'fe80::1%eth0', ''],
  ...['db_1', '-oProxyCommand=x', '$(id)', '[', 'a b'],
])('%j is another machine', (hostname) => {
  expect(isLocalHostname(hostname)).toBe(false);
});
