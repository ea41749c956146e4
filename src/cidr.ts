import { convertIPv4ToBinary, convertIPv6ToBinary, isIPv4MappedIPv6 } from 'hono/utils/ipaddr';

/** An address as a number; one of IPv4 that is written as IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** A block of addresses: all that begin as this one does. */
export interface Cidr {
  readonly address: Address;
  readonly prefixBits: number;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; null when it is none. */
export function parseCidr(text: string): Cidr | null {
  const [before = '', prefix, ...rest] = text.split('/');
  const address = parseAddress(before);
  if (address === null || rest.length > 0) return null;
  if (prefix === undefined) return { address, prefixBits: address.bits };
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > address.bits) return null;
  return { address, prefixBits: Number(prefix) };
}

/** True when the address lies in the block. */
export function cidrContains(cidr: Cidr, text: string): boolean {
  const address = parseAddress(text);
  if (address === null || address.bits !== cidr.address.bits) return false;
  const rest = BigInt(address.bits - cidr.prefixBits);
  return address.value >> rest === cidr.address.value >> rest;
}

/**
 * The address as one client of ours: of IPv6 the first 64 bits, since whoever has one such address usually has all that
 * begin alike. An IPv4 address written as IPv6 counts as IPv4; what is no address stays as it is.
 */
export function clientOf(text: string): string {
  const address = parseAddress(text);
  if (address === null) return text;
  const { value } = address;
  if (address.bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = [112n, 96n, 80n, 64n].map((shift) => ((value >> shift) & 0xffffn).toString(16));
  return `${groups.join(':')}::/64`;
}

/** Null for text that is no address; a zone (`fe80::1%eth0`) is none of an address's. */
export function parseAddress(text: string): Address | null {
  try {
    if (!text.includes(':')) return { bits: 32, value: convertIPv4ToBinary(text) };
    if (text.includes('%')) return null;
    const value = convertIPv6ToBinary(text);
    return isIPv4MappedIPv6(value) ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
  } catch {
    return null;
  }
}
