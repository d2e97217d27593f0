import { closeSync, openSync, writeFileSync } from 'node:fs';
import { SyscallError, type Syscalls } from '../system/syscalls.ts';
import { contains, parseAddress, parseCidr, sizeOf } from './cidr.ts';
import type { NetavarkInterface, NetavarkNetwork } from './netavark.ts';
import { attribute, interfaceIndex, NLM_F_CREATE_NEW, RouteSocket } from './netlink.ts';
import { inNamespace } from './netns.ts';

// <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/veth.h>
const RTM = { newLink: 16, deleteLink: 17, newAddress: 20, newRoute: 24 };
const IFLA = { address: 1, name: 3, mtu: 4, master: 10, info: 18, netnsFd: 28 };
const INFO = { kind: 1, data: 2, vethPeer: 1 };
const IFA = { address: 1, local: 2, broadcast: 4 };
const RTA = { oif: 4, gateway: 5, priority: 6 };
const AF_INET = 2;
const IFF_UP = 1;
const MAIN_TABLE = 254;
const PROTOCOL_STATIC = 4;
const UNICAST = 1;

/** struct ifinfomsg */
function link({ index = 0, up = false }): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(up ? IFF_UP : 0, 8);
  bytes.writeUInt32LE(up ? IFF_UP : 0, 12);
  return bytes;
}

function ipv4(value: bigint): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(Number(value));
  return bytes;
}

/** What one container gets on one network, as netavark is asked for it. */
export interface VethRequest {
  network: NetavarkNetwork;
  interface: NetavarkInterface;
}

/** One IPv4 address and nothing else is what can be done here. */
export const isPlainVeth = ({ network, interface: own }: VethRequest): boolean =>
  !network.internal && !network.ipv6_enabled && own.static_ips.length === 1 && !own.static_ips[0]?.includes(':');

/**
 * Makes the pair between a bridge that is there and the namespace at `netns`: what netavark does for a container (`src/network/bridge.rs`)
 * where the rules that containers share are made already and this one has none of its own. Without a program to start, and without the
 * dozen of iptables runs by which netavark looks whether the shared rules are there. What it left when it throws goes with
 * `disconnectVeth`.
 */
export async function connectVeth(sys: Syscalls, netns: string, request: VethRequest): Promise<void> {
  const { network, interface: own } = request;
  const { address, subnet, gateway } = addressesOf(request);
  const bridge = interfaceIndex(network.network_interface);
  if (bridge === 0) throw new Error(`there is no bridge ${network.network_interface}`);
  const mtu = network.options['mtu'] ? [attribute(IFLA.mtu, Number(network.options['mtu']))] : [];
  const mac = Buffer.from(own.static_mac.replaceAll(':', ''), 'hex');
  const there = openSync(netns, 'r');
  const inside = inNamespace(sys, netns, () => new RouteSocket());
  const here = new RouteSocket();
  try {
    const peer = Buffer.concat([
      link({}),
      attribute(IFLA.name, own.interface_name),
      attribute(IFLA.address, mac),
      attribute(IFLA.netnsFd, there),
      ...mtu,
    ]);
    const info = [attribute(INFO.kind, 'veth'), attribute(INFO.data, attribute(INFO.vethPeer, peer))];
    await here.request({
      type: RTM.newLink,
      flags: NLM_F_CREATE_NEW,
      body: [link({ up: true }), attribute(IFLA.master, bridge), ...mtu, attribute(IFLA.info, Buffer.concat(info))],
      what: `veth on ${network.network_interface}`,
    });
    const index = inNamespace(sys, netns, () => {
      noAutoconfiguration(own.interface_name);
      return interfaceIndex(own.interface_name);
    });
    await addAddress(inside, index, address, subnet);
    // The kernel does not bring the other end up while it makes the pair.
    await inside.request({ type: RTM.newLink, body: [link({ index, up: true })], what: `${own.interface_name} up` });
    if (gateway !== undefined) await addDefaultRoute(inside, index, gateway, Number(network.options['metric'] ?? 0));
  } finally {
    here.close();
    inside.close();
    closeSync(there);
  }
}

/** Takes the pair away; fine when there is none, or no namespace any more. That is entered before this first waits. */
export async function disconnectVeth(sys: Syscalls, netns: string, name: string): Promise<void> {
  const inside = enter(sys, netns, name);
  if (!inside) return;
  const { socket, index } = inside;
  try {
    if (index !== 0)
      await socket.request({ type: RTM.deleteLink, body: [link({ index })], what: `removal of ${name}` });
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === 'ENODEV')) throw error;
  } finally {
    socket.close();
  }
}

function enter(sys: Syscalls, netns: string, name: string): { socket: RouteSocket; index: number } | undefined {
  try {
    return inNamespace(sys, netns, () => ({ socket: new RouteSocket(), index: interfaceIndex(name) }));
  } catch (error) {
    // EINVAL: the file a namespace was bound to is there, and the mount is not.
    if (['ENOENT', 'EINVAL'].includes((error as { code?: string }).code ?? '')) return undefined;
    throw error;
  }
}

/** No addresses from router advertisements, as netavark has it. */
function noAutoconfiguration(name: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/autoconf`, '0');
  } catch (error) {
    // A kernel without IPv6.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function addressesOf({ network, interface: own }: VethRequest) {
  const address = parseAddress(own.static_ips[0] ?? '');
  const found = network.subnets.find((item) => {
    const subnet = parseCidr(item.subnet)?.network;
    return address && subnet && contains(subnet, address);
  });
  const subnet = parseCidr(found?.subnet ?? '')?.network;
  if (!address || !subnet) throw new Error(`${own.static_ips.join(', ')} is in no subnet of ${network.name}`);
  return { address: address.value, subnet, gateway: parseAddress(found?.gateway ?? '')?.value };
}

type Subnet = NonNullable<ReturnType<typeof parseCidr>>['network'];

/** struct ifaddrmsg: family, prefix, flags, scope, index */
function addAddress(socket: RouteSocket, index: number, address: bigint, subnet: Subnet): Promise<void> {
  const head = Buffer.alloc(8);
  head.writeUInt8(AF_INET, 0);
  head.writeUInt8(subnet.prefix, 1);
  head.writeUInt32LE(index, 4);
  return socket.request({
    type: RTM.newAddress,
    flags: NLM_F_CREATE_NEW,
    body: [
      head,
      attribute(IFA.local, ipv4(address)),
      attribute(IFA.address, ipv4(address)),
      attribute(IFA.broadcast, ipv4(subnet.value + sizeOf(subnet) - 1n)),
    ],
    what: 'address of the container',
  });
}

/** struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, type, flags */
function addDefaultRoute(socket: RouteSocket, index: number, gateway: bigint, metric: number): Promise<void> {
  const head = Buffer.alloc(12);
  head.writeUInt8(AF_INET, 0);
  head.writeUInt8(MAIN_TABLE, 4);
  head.writeUInt8(PROTOCOL_STATIC, 5);
  head.writeUInt8(UNICAST, 7);
  return socket.request({
    type: RTM.newRoute,
    flags: NLM_F_CREATE_NEW,
    body: [
      head,
      attribute(RTA.gateway, ipv4(gateway)),
      attribute(RTA.oif, index),
      ...(metric > 0 ? [attribute(RTA.priority, metric)] : []),
    ],
    what: 'default route of the container',
  });
}
