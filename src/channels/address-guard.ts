import { type Cidr, cidrContains, parseAddress, parseCidr } from '../cidr.ts';

/** Judges where messages may go. */
export interface AddressGuard {
  /** Why nothing is sent there, for the end of a sentence about the host; null where it may. */
  judge(hostname: string, address: string): string | null;
}

/** What helps where an address is a private one; whatever is refused so is refused at each sending, too. */
export const NAME_PRIVATE_HOSTS = 'An admin may name private hosts under System';

/** What no admin means: this network, link-local with the clouds' metadata, and their metadata elsewhere, all and many at once. */
const NEVER = cidrs(
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ...['::', 'fe80::/10', 'ff00::/8', 'fd00:ec2::/32', 'fd20:ce::/32'],
);
/** What is reached from inside alone: for hosts that an admin has named. */
const PRIVATE_V4 = cidrs(
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
);
/** Of IPv6 what is global, without what leads to IPv4 by other ways (6to4, Teredo) and examples; the rest is as private. */
const GLOBAL_V6 = cidrs('2000::/3');
const NOT_GLOBAL_V6 = cidrs('2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20');
/** Leads to the IPv4 address in its last 32 bits. */
const NAT64 = cidrs('64:ff9b::/96');

/** `allowed`: names, addresses and CIDRs of private hosts that messages may go to. */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const names = new Set(allowed.map(withoutDot));
  const blocks = allowed.map(parseCidr).filter((cidr) => cidr !== null);
  return {
    judge(hostname, given) {
      const address = behindNat64(given.replace(/%.*$/, ''));
      if (parseAddress(address) === null) return 'its address can’t be read';
      if (isIn(NEVER, address)) return `its address ${given} is never sent to`;
      const isNamed = names.has(withoutDot(hostname)) || isIn(blocks, address);
      return isNamed || isPublic(address) ? null : `its address ${given} is a private one`;
    },
  };
}

/** The address that the host of a URL is, as URLs spell it; null for a name. */
export function addressInUrl(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return parseAddress(bare) === null ? null : bare;
}

function isPublic(address: string): boolean {
  if (parseAddress(address)?.bits === 32) return !isIn(PRIVATE_V4, address);
  return isIn(GLOBAL_V6, address) && !isIn(NOT_GLOBAL_V6, address);
}

function behindNat64(address: string): string {
  if (!isIn(NAT64, address)) return address;
  const value = parseAddress(address)?.value ?? 0n;
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

const withoutDot = (name: string) => name.toLowerCase().replace(/\.$/, '');

function isIn(blocks: readonly Cidr[], address: string): boolean {
  return blocks.some((block) => cidrContains(block, address));
}

function cidrs(...texts: readonly string[]): readonly Cidr[] {
  return texts.map(parseCidr).filter((cidr) => cidr !== null);
}
