import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Exec } from '../system/exec.ts';

export interface BridgeSpec {
  interface: string;
  /** "172.17.0.1/16", "fd00::1/64" */
  addresses: string[];
  /** bytes; 0 is the kernel's default */
  mtu: number;
  /** whose it is, for a later engine that finds it */
  owner: BridgeOwner;
}

/** Written on the interface (`ifalias`). */
export interface BridgeOwner {
  networkId: string;
  /** the engine's root directory */
  root: string;
}

/** One end is a port of the bridge for as long as the network exists: netavark takes down a bridge that has no port. */
function keeper(bridge: string): readonly [string, string] {
  const name = `bth${createHash('sha256').update(bridge).digest('hex').slice(0, 10)}`;
  return [`${name}.k`, `${name}.p`];
}

/** <linux/netdevice.h> NET_ADDR_SET */
const SET_BY_USER = '3';

/**
 * A bridge without an address of its own takes the lowest of its ports' and changes it as containers come and go: the others would send
 * to the old one until they ask for it anew, seconds later.
 */
function macOf(bridge: string): string {
  const bytes = createHash('sha256').update(`mac of ${bridge}`).digest('hex').slice(0, 8).match(/../g) ?? [];
  return ['06', '62', ...bytes].join(':');
}

const ip = (exec: Exec, lines: string[]) => exec(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });

export async function addressesOf(exec: Exec, name: string): Promise<string[]> {
  const { stdout } = await exec(['ip', '-j', 'address', 'show', 'dev', name]);
  const [link] = JSON.parse(stdout) as { addr_info: { scope: string; local: string; prefixlen: number }[] }[];
  return (link?.addr_info ?? [])
    .filter((info) => info.scope !== 'link')
    .map((info) => `${info.local}/${info.prefixlen}`);
}

/** Makes the bridge, or finds it as it should be; one with other addresses (of an earlier engine on this directory) is replaced. */
export async function ensureBridge(exec: Exec, spec: BridgeSpec): Promise<'made' | 'found'> {
  const { interface: name } = spec;
  if (existsSync(`/sys/class/net/${name}`)) {
    const alias = await readFile(`/sys/class/net/${name}/ifalias`, 'utf8');
    // One that an engine was killed over while it made it has a name of an engine's, and nothing written on it yet.
    if (!alias.startsWith('berth ') && !/^bth[0-9a-f]{6}-[0-9a-f]{5}$/.test(name))
      throw new Error('the host has an interface of this name that is not of this engine');
    const have = await addressesOf(exec, name);
    const same = have.length === spec.addresses.length && spec.addresses.every((address) => have.includes(address));
    if (same && existsSync(`/sys/class/net/${name}/brif/${keeper(name)[0]}`)) {
      if ((await readFile(`/sys/class/net/${name}/addr_assign_type`, 'utf8')).trim() !== SET_BY_USER)
        await ip(exec, [`link set dev ${name} address ${macOf(name)}`]);
      return 'found';
    }
    await removeBridge(exec, name);
  }
  const [port, peer] = keeper(name);
  const mtu = spec.mtu > 0 ? ` mtu ${spec.mtu}` : '';
  await ip(exec, [`link add name ${name} address ${macOf(name)}${mtu} type bridge`]);
  try {
    const six = spec.addresses.some((address) => address.includes(':'));
    if (six && existsSync(`/proc/sys/net/ipv6/conf/${name}`))
      await Promise.all(
        ['accept_dad', 'accept_ra'].map((key) => writeFile(`/proc/sys/net/ipv6/conf/${name}/${key}`, '0')),
      );
    await writeFile(`/sys/class/net/${name}/ifalias`, `berth ${spec.owner.networkId} ${spec.owner.root}`.slice(0, 255));
    await ip(exec, [
      `link add name ${port} master ${name} type veth peer name ${peer}`,
      ...spec.addresses.map(
        (address) => `address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ' broadcast +'}`,
      ),
      `link set dev ${name} up`,
    ]);
  } catch (error) {
    await removeBridge(exec, name).catch(() => undefined);
    throw error;
  }
  return 'made';
}

/** Takes the port away that keeps the bridge, so that netavark's next teardown ends the bridge and its rules. */
export async function releaseBridge(exec: Exec, name: string): Promise<void> {
  const [port] = keeper(name);
  if (existsSync(`/sys/class/net/${port}`)) await ip(exec, [`link delete dev ${port}`]);
}

export async function removeBridge(exec: Exec, name: string): Promise<void> {
  await releaseBridge(exec, name);
  if (existsSync(`/sys/class/net/${name}`)) await ip(exec, [`link delete dev ${name}`]);
}

/** Takes away what is left of bridges that were deleted by hand: keepers are made as ports, and one that is none keeps nothing. */
export async function removeStrayKeepers(exec: Exec): Promise<void> {
  const names = (await readdir('/sys/class/net')).filter((name) => /^bth[0-9a-f]{10}\.k$/.test(name));
  const stray = names.filter((name) => !existsSync(`/sys/class/net/${name}/master`));
  if (stray.length > 0)
    await ip(
      exec,
      stray.map((name) => `link delete dev ${name}`),
    );
}

/** Bridges of this engine, and of engines whose root directory is no more, that no container is on. */
export async function idleBridges(root: string): Promise<{ interface: string; owner: BridgeOwner }[]> {
  const found: { interface: string; owner: BridgeOwner }[] = [];
  for (const name of await readdir('/sys/class/net')) {
    if (!/^bth[0-9a-f]{6}-[0-9a-f]{5}$/.test(name)) continue;
    const alias = await readFile(`/sys/class/net/${name}/ifalias`, 'utf8').catch(() => '');
    const match = /^berth ([0-9a-f]{64}) (\/.*)$/.exec(alias.trim());
    if (!match || (match[2] !== root && existsSync(match[2] as string))) continue;
    const ports = await readdir(`/sys/class/net/${name}/brif`).catch(() => []);
    if (ports.every((port) => port === keeper(name)[0]))
      found.push({ interface: name, owner: { networkId: match[1] as string, root: match[2] as string } });
  }
  return found;
}
