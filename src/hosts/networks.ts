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
