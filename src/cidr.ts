/** A block of addresses: the network as bits of text-free numbers, so that both families compare alike. */
export interface Cidr {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; null when it is none. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === null || rest.length > 0) return null;
  if (prefix === undefined) return { bytes, prefixBits: bytes.length * 8 };
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bytes.length * 8) return null;
  return { bytes, prefixBits: Number(prefix) };
}

/** True when the address lies in the block. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export function cidrContains(cidr: Cidr, address: string): boolean {
  const bytes = parseAddress(address);
  if (bytes === null || bytes.length !== cidr.bytes.length) return false;
  for (let bit = 0; bit < cidr.prefixBits; bit += 8) {
    const mask = 0xff & (0xff << Math.max(0, 8 - (cidr.prefixBits - bit)));
    if (((bytes[bit / 8] ?? 0) & mask) !== ((cidr.bytes[bit / 8] ?? 0) & mask)) return false;
  }
  return true;
}

/**
 * The address as one client of ours: of IPv6 the first 64 bits, since whoever has one such address usually has all that
 * begin alike. An IPv4 address written as IPv6 counts as IPv4; what is no address stays as it is.
 */
export function clientOf(address: string): string {
  const bytes = parseAddress(address);
  if (bytes === null) return address;
  if (bytes.length === 4) return bytes.join('.');
  const groups = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return `${groups.join(':')}::/64`;
}

/** True for the loopback addresses of both families. */
export function isLoopback(address: string): boolean {
  const bytes = parseAddress(address);
  if (bytes === null) return false;
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

/** 4 or 16 numbers, or null for text that is no address. */
export function parseAddress(text: string): readonly number[] | null {
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  const isMapped = bytes?.every((byte, at) => at > 11 || byte === (at > 9 ? 255 : 0));
  return bytes !== null && isMapped ? bytes.slice(12) : bytes;
}

function parseIpv4(text: string): readonly number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

function parseIpv6(text: string): readonly number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : parseGroups(half.split(':'))));
  if (head === null || head === undefined || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? head : null;
  if (head.length + tail.length > 14) return null;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function parseGroups(groups: readonly string[]): readonly number[] | null {
  const bytes: number[] = [];
  for (const [at, group] of groups.entries()) {
    const ipv4 = at === groups.length - 1 && group.includes('.') ? parseIpv4(group) : null;
    if (ipv4 !== null) bytes.push(...ipv4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes;
}
