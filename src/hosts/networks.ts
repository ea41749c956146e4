import { cidrContains, parseAddress, parseCidr } from '../cidr.ts';
import { AppError } from '../errors.ts';

/** The networks that the app may connect to for servers and databases; an empty list is every network. */
export interface Networks {
  /** False where no list is set: then nothing needs to be looked at. */
  readonly areLimited: boolean;
  /** True for an address, in either family's spelling, that lies in one of the networks. */
  contains(address: string): boolean;
}

/** Of addresses and CIDRs, as `REACHABLE_NETWORKS` gives them. */
export function networksOf(cidrs: readonly string[]): Networks {
  const blocks = cidrs.map(parseCidr).filter((cidr) => cidr !== null);
  return {
    areLimited: cidrs.length > 0,
    contains: (address) =>
      cidrs.length === 0 || blocks.some((block) => cidrContains(block, withoutZone(address))),
  };
}

/**
 * The address that a text is, however it is spelled (`127.1`, `0x7f000001`, `[::1]`, with a zone); null for a name, of
 * which only a resolver knows the address.
 */
export function literalAddress(host: string): string | null {
  const bare = withoutZone(host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''));
  if (parseAddress(bare) !== null) return bare;
  const hostname = URL.parse(`http://${bare}`)?.hostname ?? '';
  return parseAddress(hostname) === null ? null : hostname;
}

/**
 * Judges the host of a database, null or a path being a socket. `lookUp` gives a name's addresses, or is null where the
 * name means something only on another machine. Gives the address to connect to, null where the tools may look for
 * themselves. Throws `host_unreachable`.
 */
export async function reachableAddress(
  networks: Networks,
  host: string | null,
  lookUp: ((name: string) => Promise<readonly string[]>) | null,
): Promise<string | null> {
  if (!networks.areLimited) return null;
  if (host === null || host.startsWith('/')) {
    // Behind SSH a socket is on the machine whose address was judged; here it is this very machine.
    if (lookUp !== null && !networks.contains(LOOPBACK)) throw outOfReach('The local socket', LOOPBACK);
    return null;
  }
  const literal = literalAddress(host) ?? (lookUp === null && isLocalName(host) ? LOOPBACK : null);
  if (literal === null && lookUp === null) return null;
  const addresses = literal === null ? ((await lookUp?.(host)) ?? []) : [literal];
  const reachable = addresses.find((address) => networks.contains(address));
  if (reachable === undefined) throw outOfReach(host, addresses.join(', '));
  return lookUp === null ? null : reachable;
}

const LOOPBACK = '127.0.0.1';

function isLocalName(host: string): boolean {
  return /^(.*\.)?localhost\.?$/i.test(host);
}

/** Says which address was not connected to, and who may change that. */
export function outOfReach(what: string, address: string): AppError {
  return new AppError(
    'host_unreachable',
    `${what} was not connected to: its address ${address} lies in none of the networks that this installation may reach. Correct the host, or have whoever runs the installation add the address to REACHABLE_NETWORKS.`,
    { details: { address, reason: 'REACHABLE_NETWORKS' } },
  );
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}
