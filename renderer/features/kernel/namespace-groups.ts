import type { NamespaceMap, NamespaceMember } from '../../../electron/contract/model.ts';
import { namespaceWords } from '../container-detail/isolation/describe.ts';

export type NamespaceType = keyof typeof namespaceWords;
export const namespaceTypes = Object.keys(namespaceWords) as NamespaceType[];

/** What is seen from inside one, and from nowhere else. */
export const namespaceMeaning: Record<NamespaceType, string> = {
  pid: 'Process ids: who is in it sees these processes and those below, the first as process 1.',
  mnt: 'Mounts: the file systems, and where they are.',
  net: 'Interfaces, addresses, routes, firewall rules and ports.',
  uts: 'The host name and the domain name.',
  ipc: 'Shared memory, semaphores and message queues, also those below /dev/mqueue.',
  cgroup: 'The control group that is shown as the root.',
  user: 'User and group ids, and the rights that go with them.',
  time: 'The clocks that count since boot.',
};
/** How nsenter(1) calls each. */
export const enterOption: Record<NamespaceType, string> = {
  pid: '--pid',
  mnt: '--mount',
  net: '--net',
  uts: '--uts',
  ipc: '--ipc',
  cgroup: '--cgroup',
  user: '--user',
  time: '--time',
};

/** One namespace and who is in it. */
export interface Namespace {
  type: NamespaceType;
  inode: number;
  /** the engine's own */
  host: boolean;
  members: NamespaceMember[];
  processCount: number;
  /** containers beyond the first that are in it: what makes it worth a colour. -1: the host's or one container's own */
  shade: number;
}
const shades = 6;

/** All that are known, by inode (unique among all types of one kernel); those that containers share get shades in turn. */
export function namespacesOf({ host, members }: NamespaceMap): Map<number, Namespace> {
  const found = new Map<number, Namespace>();
  const put = (type: NamespaceType, inode: number | undefined, member: NamespaceMember | undefined) => {
    if (inode === undefined) return;
    const known = found.get(inode) ?? { type, inode, host: !member, members: [], processCount: 0, shade: -1 };
    if (member) {
      known.members.push(member);
      known.processCount += member.processCount;
    }
    found.set(inode, known);
  };
  for (const type of namespaceTypes) put(type, host[type], undefined);
  for (const member of members) for (const type of namespaceTypes) put(type, member.namespaces[type], member);
  let next = 0;
  for (const one of found.values())
    if (!one.host && new Set(one.members.map(({ containerId }) => containerId)).size > 1) one.shade = next++ % shades;
  return found;
}

/** One word for a cell. */
export function cellWord(namespace: Namespace): 'host' | 'shared' | 'own' {
  if (namespace.host) return 'host';
  return namespace.shade >= 0 ? 'shared' : 'own';
}
