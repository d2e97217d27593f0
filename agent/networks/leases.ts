import { contains, formatAddress, parseAddress, parseCidr, sizeOf, type Address, type Cidr } from './cidr.ts';
import type { IpamConfig } from '../api/network.ts';

/** One subnet of a network, parsed. */
interface Pool {
  subnet: Cidr;
  range: Cidr;
  /** network and broadcast address, gateway, auxiliary addresses */
  reserved: ReadonlySet<bigint>;
  used: Set<bigint>;
  /** the address given last: the next search starts after it, so a freed address rests */
  last: bigint | undefined;
}

/** Which addresses of a network are taken. In memory; what is written down is each container's attachment. */
export class Leases {
  readonly #pools: Pool[];

  constructor(config: readonly IpamConfig[]) {
    this.#pools = config.flatMap((item) => {
      const subnet = parseCidr(item.Subnet ?? '')?.network;
      if (!subnet) return [];
      const range = parseCidr(item.IPRange ?? '')?.network ?? subnet;
      const fixed = [item.Gateway, ...Object.values(item.AuxiliaryAddresses ?? {})].flatMap(
        (text) => parseAddress(text ?? '') ?? [],
      );
      const reserved = new Set(fixed.map((address) => address.value));
      if (sizeOf(subnet) > 2n) {
        reserved.add(subnet.value);
        if (subnet.family === 4) reserved.add(subnet.value + sizeOf(subnet) - 1n);
      }
      return [{ subnet, range, reserved, used: new Set<bigint>(), last: undefined }];
    });
  }

  has(family: 4 | 6): boolean {
    return this.#pools.some((pool) => pool.subnet.family === family);
  }

  /** Undefined when all addresses of the family are taken. */
  allocate(family: 4 | 6): string | undefined {
    for (const pool of this.#pools) {
      if (pool.subnet.family !== family) continue;
      const value = nextFree(pool);
      if (value === undefined) continue;
      pool.used.add(value);
      pool.last = value;
      return formatAddress({ family, value });
    }
    return undefined;
  }

  /** A static address. 'outside' every subnet, or 'taken' (in use, the gateway, or reserved). */
  reserve(text: string): 'ok' | 'outside' | 'taken' {
    const address = parseAddress(text);
    const pool = address && this.#poolOf(address);
    if (!address || !pool) return 'outside';
    if (pool.reserved.has(address.value) || pool.used.has(address.value)) return 'taken';
    pool.used.add(address.value);
    return 'ok';
  }

  release(text: string): void {
    const address = parseAddress(text);
    if (address) this.#poolOf(address)?.used.delete(address.value);
  }

  covers(text: string): boolean {
    const address = parseAddress(text);
    return address !== undefined && this.#poolOf(address) !== undefined;
  }

  prefixOf(text: string): number {
    const address = parseAddress(text);
    return (address && this.#poolOf(address)?.subnet.prefix) ?? 0;
  }

  #poolOf(address: Address): Pool | undefined {
    return this.#pools.find((pool) => contains(pool.subnet, address));
  }
}

function nextFree(pool: Pool): bigint | undefined {
  const { range, reserved, used } = pool;
  const end = range.value + sizeOf(range);
  const taken = (value: bigint) => reserved.has(value) || used.has(value);
  const start =
    pool.last !== undefined && contains(range, { family: range.family, value: pool.last })
      ? pool.last + 1n
      : range.value;
  for (let value = start; value < end; value++) if (!taken(value)) return value;
  for (let value = range.value; value < start; value++) if (!taken(value)) return value;
  return undefined;
}

/** Docker's: 02:42 and the IPv4 address, so the neighbours' tables stay true when the address goes to another container. */
export function macAddressFor(ipv4: string | undefined, random: () => Buffer): string {
  const address = ipv4 === undefined ? undefined : parseAddress(ipv4);
  const bytes = address
    ? [24n, 16n, 8n, 0n].map((shift) => Number((address.value >> shift) & 0xffn))
    : [...random().subarray(0, 4)];
  return ['02', '42', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
