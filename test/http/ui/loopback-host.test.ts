import { describe, expect, it } from 'vitest';
import { parseHost } from '../../../src/http/ui/hosts.tsx';
import { refuseLoopback } from '../../../src/http/ui/loopback-host.ts';
import { newServer } from '../../../src/servers/servers.ts';

const issuesOf = (parsed: ReturnType<typeof parseHost>) =>
  parsed.success ? [] : parsed.error.issues.map(({ path, message }) => [path[0], message]);

describe('an address that means the app’s own machine', () => {
  it.each(['root@127.0.0.1:50817', 'root@localhost', 'localhost:2222', '[::1]:2222', 'postgres@127.1'])(
    'is refused with a user or a port, which would silently have no use: %s',
    (address) => {
      expect(issuesOf(parseHost({ address }))).toEqual([
        ['address', expect.stringMatching(/commands run without SSH\. .*another name or address/)],
      ]);
    },
  );

  it.each(['localhost', '127.0.0.1', 'root@127.0.0.2:50817', 'root@db1.example.com:2222', 'localhost:22'])(
    'is taken without, and so is every other: %s',
    (address) => expect(issuesOf(parseHost({ address }))).toEqual([]),
  );

  it('is read with the port beside it, which one in the address wins over unless both were typed', () => {
    const portOf = (address: string, sshPort: string) => {
      const parsed = parseHost({ address, sshPort });
      return parsed.success ? parsed.data.sshPort : issuesOf(parsed);
    };
    expect(portOf('größe.example.com', '2222')).toBe(2222);
    expect(portOf('root@db1:2222', '22')).toBe(2222);
    expect(portOf('root@db1:2222', '2222')).toBe(2222);
    expect(portOf('db1', '')).toBeUndefined();
    expect(portOf('db1:2222', '2200')).toEqual([['sshPort', expect.stringContaining('another port')]]);
    expect(portOf('db1', '70000')).toEqual([['sshPort', expect.any(String)]]);
    expect(portOf('db1:70000', '22')).toEqual([['address', expect.stringMatching(/^The port: /)]]);
    expect(portOf('', '70000')).toEqual([['address', 'Please fill this in.']]);
  });

  it('is refused by the whole form beside the host’s field', () => {
    const typed = { name: 'größe "2"', hostname: 'localhost', sshPort: 50817 };
    expect(issuesOf(refuseLoopback(newServer.safeParse(typed), 'hostname'))[0]?.[0]).toBe('hostname');
    const own = { ...typed, sshPort: 22, sshUser: '' };
    expect(issuesOf(refuseLoopback(newServer.safeParse(own), 'hostname'))).toEqual([]);
  });
});
