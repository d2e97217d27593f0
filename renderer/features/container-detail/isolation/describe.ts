import type { Isolation, NamespaceInfo, PressureLine } from '../../../../agent/api/berth.ts';

/** What a namespace keeps apart, in the order that people ask. */
export const namespaceWords: Record<NamespaceInfo['type'], string> = {
  pid: 'Processes',
  mnt: 'Mounts',
  net: 'Network',
  uts: 'Host name',
  ipc: 'Shared memory and queues',
  cgroup: 'Control groups',
  user: 'Users',
  time: 'Clocks',
};
const order = Object.keys(namespaceWords);
export const inOrder = (namespaces: readonly NamespaceInfo[]): NamespaceInfo[] =>
  [...namespaces].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));

/** "own", "the host's", or with whom it is shared. */
export function ownership(
  namespace: NamespaceInfo,
  nameOf: (id: string) => string,
): { text: string; tone: 'success' | 'warning' | 'accent' } {
  if (namespace.host) return { text: 'the host’s', tone: 'warning' };
  if (namespace.sharedWith.length > 0)
    return { text: `shared with ${namespace.sharedWith.map(nameOf).join(', ')}`, tone: 'accent' };
  return { text: 'own', tone: 'success' };
}

export function seccompText(mode: Isolation['seccomp']): string {
  if (mode === 'filter') return 'A filter of system calls is in force';
  return mode === 'strict' ? 'Only read, write and exit are allowed' : 'Off: every system call is allowed';
}

/** /proc's uid_map: inside, outside, count. */
export function uidMapText(map: string): string {
  const lines = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const [first] = lines;
  if (!first || first.length < 3) return map.trim();
  if (lines.length === 1 && first[0] === 0 && first[1] === 0 && (first[2] ?? 0) >= 4_294_967_295)
    return 'The same as on the host: root inside is root outside';
  return lines
    .map(
      ([inside = 0, outside = 0, count = 0]) =>
        `${inside}–${inside + count - 1} inside is ${outside}–${outside + count - 1} outside`,
    )
    .join('\n');
}

export function pressureText(line: PressureLine | null): string {
  if (!line) return 'The kernel does not tell';
  const percent = (value: number) => `${value.toFixed(1)}%`;
  return `some ${percent(line.someAvg10)} (10 s), ${percent(line.someAvg60)} (60 s) · all ${percent(line.fullAvg10)} (10 s), ${percent(line.fullAvg60)} (60 s)`;
}
