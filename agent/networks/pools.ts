import { bitsOf, contains, networkOf, overlaps, parseCidr, sizeOf, type Cidr } from './cidr.ts';

export interface AddressPool {
  /** CIDR */
  base: string;
  /** prefix length of the subnets it is cut into */
  size: number;
}

/** Docker's own (`default-address-pools`), in its order. */
export const DEFAULT_POOLS: readonly AddressPool[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: `172.${17 + index}.0.0/16`, size: 16 })),
  { base: '192.168.0.0/16', size: 20 },
];

/** For IPv6 without a subnet asked for: an own ULA /48 (RFC 4193), cut into /64. `seed` has at least 40 random bits. */
export function ulaPool(seed: Buffer): AddressPool {
  const hex = seed.toString('hex').slice(0, 10);
  return { base: `fd${hex.slice(0, 2)}:${hex.slice(2, 6)}:${hex.slice(6, 10)}::/48`, size: 64 };
}

/** The first subnet of the pools that overlaps with nothing taken; undefined when there is none. */
export function chooseSubnet(pools: readonly AddressPool[], family: 4 | 6, taken: readonly Cidr[]): Cidr | undefined {
  for (const pool of pools) {
    const base = parseCidr(pool.base)?.network;
    if (!base || base.family !== family || pool.size < base.prefix || pool.size > bitsOf(family)) continue;
    const step = 1n << BigInt(bitsOf(family) - pool.size);
    const end = base.value + sizeOf(base);
    for (let value = base.value; value < end;) {
      const candidate = networkOf({ family, value }, pool.size);
      const hit = taken.find((other) => overlaps(other, candidate));
      if (!hit) return candidate;
      // Jump past what is in the way: an IPv6 pool has too many subnets to try each.
      const past = contains(candidate, hit) || hit.value < value ? hit.value + sizeOf(hit) : value + step;
      value = past <= value ? value + step : ((past + step - 1n) / step) * step;
    }
  }
  return undefined;
}
