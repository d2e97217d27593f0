import { readFile } from 'node:fs/promises';
import { formatAddress, networkOf, parseAddress, type Cidr } from './cidr.ts';

/** `/proc/net/route`: little-endian hexadecimal IPv4 words in host memory order (proc(5)). Default routes are left out. */
export function parseRoutes4(text: string): Cidr[] {
  const routes: Cidr[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, destination, , , , , , mask] = fields;
    if (!destination || !mask || mask === '00000000') continue;
    const bytes = (word: string) => BigInt(Buffer.from(word, 'hex').readUInt32LE(0));
    const prefix = bytes(mask).toString(2).replace(/0+$/, '').length;
    routes.push(networkOf({ family: 4, value: bytes(destination) }, prefix));
  }
  return routes;
}

/** `/proc/net/ipv6_route`. Default, link-local, multicast and host routes are left out. */
export function parseRoutes6(text: string): Cidr[] {
  const routes: Cidr[] = [];
  for (const line of text.split('\n')) {
    const [destination, length] = line.trim().split(/\s+/);
    if (!destination || !length) continue;
    const prefix = Number.parseInt(length, 16);
    const value = BigInt(`0x${destination}`);
    if (prefix === 0 || prefix === 128 || value >> 118n === 0x3fan || value >> 120n === 0xffn) continue;
    routes.push(networkOf({ family: 6, value }, prefix));
  }
  return routes;
}

/** What the host routes somewhere: a new subnet must not overlap with any of it. */
export async function hostRoutes(): Promise<Cidr[]> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const [v4, v6] = await Promise.all([read('/proc/net/route'), read('/proc/net/ipv6_route')]);
  return [...parseRoutes4(v4), ...parseRoutes6(v6), ...nameservers(await read('/etc/resolv.conf'))];
}

/** Docker leaves the resolvers' addresses out of its pools too: a bridge over them would cut name resolution. */
function nameservers(resolv: string): Cidr[] {
  return [...resolv.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, text]) => {
    const address = parseAddress(text as string);
    return address && !formatAddress(address).startsWith('127.')
      ? [networkOf(address, address.family === 4 ? 32 : 128)]
      : [];
  });
}
