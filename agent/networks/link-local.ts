import type { Syscalls } from '../system/syscalls.ts';
import { parseAddress } from './cidr.ts';
import { attribute, interfaceIndex, NLM_F_CREATE_NEW, RouteSocket } from './netlink.ts';
import { inNamespace } from './netns.ts';

// <linux/rtnetlink.h>, <linux/if_addr.h>
const RTM_NEWADDR = 20;
const IFA = { address: 1, local: 2 };
const FAMILIES = { 4: { number: 2, bytes: 4, prefix: 16 }, 6: { number: 10, bytes: 16, prefix: 64 } } as const;

/** Gives an interface of the namespace at `netns` more addresses, which are nobody else's business. Throws SyscallError. */
export async function addLinkLocal(
  sys: Syscalls,
  netns: string,
  name: string,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length === 0) return;
  const { socket, index } = inNamespace(sys, netns, () => ({ socket: new RouteSocket(), index: interfaceIndex(name) }));
  try {
    for (const address of addresses)
      await socket.request({
        type: RTM_NEWADDR,
        flags: NLM_F_CREATE_NEW,
        body: message(index, address),
        what: `address ${address} of ${name}`,
      });
  } finally {
    socket.close();
  }
}

/** struct ifaddrmsg (family, prefix, flags, scope, index) and its attributes */
function message(index: number, address: string): Buffer[] {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`not an address: ${address}`);
  const { number, bytes, prefix } = FAMILIES[parsed.family];
  const head = Buffer.alloc(8);
  head.writeUInt8(number, 0);
  head.writeUInt8(prefix, 1);
  head.writeUInt32LE(index, 4);
  const value = Buffer.from(parsed.value.toString(16).padStart(bytes * 2, '0'), 'hex');
  return [head, attribute(IFA.local, value), attribute(IFA.address, value)];
}
