/** Addresses and prefixes of both families as numbers. Text forms are canonical (RFC 5952 for IPv6). */
export interface Address {
  family: 4 | 6;
  value: bigint;
}
export interface Cidr extends Address {
  /** `value` is the network's first address */
  prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;
export const bitsOf = (family: 4 | 6): number => BITS[family];

function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): string[] => {
    if (half === '') return [];
    const parts = half.split(':');
    const last = parts.at(-1) as string;
    if (!last.includes('.')) return parts;
    const v4 = parse4(last);
    if (v4 === undefined) return ['x'];
    return [...parts.slice(0, -1), (v4 >> 16n).toString(16), (v4 & 0xffffn).toString(16)];
  };
  const head = groups(halves[0] as string);
  const tail = halves.length === 2 ? groups(halves[1] as string) : [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...head, ...Array<string>(missing).fill('0'), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

/** Undefined for what is no address; zones ("fe80::1%eth0") are none. IPv4-mapped IPv6 stays IPv6. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parse6(text) : parse4(text);
  return value === undefined ? undefined : { family, value };
}

/** "10.0.0.7/24": the network (host bits cleared) and the address as written. */
export function parseCidr(text: string): { network: Cidr; address: Address } | undefined {
  const at = text.indexOf('/');
  if (at < 0) return undefined;
  const address = parseAddress(text.slice(0, at));
  const bits = text.slice(at + 1);
  if (!address || !/^\d{1,3}$/.test(bits) || Number(bits) > BITS[address.family]) return undefined;
  return { network: networkOf(address, Number(bits)), address };
}

export function networkOf(address: Address, prefix: number): Cidr {
  const host = BigInt(BITS[address.family] - prefix);
  return { family: address.family, value: (address.value >> host) << host, prefix };
}

export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

export const formatCidr = (cidr: Cidr): string => `${formatAddress(cidr)}/${cidr.prefix}`;

/** How many addresses it has. */
export const sizeOf = (cidr: Cidr): bigint => 1n << BigInt(BITS[cidr.family] - cidr.prefix);

export function contains(cidr: Cidr, address: Address): boolean {
  return cidr.family === address.family && address.value >= cidr.value && address.value < cidr.value + sizeOf(cidr);
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.value < b.value + sizeOf(b) && b.value < a.value + sizeOf(a);
}
