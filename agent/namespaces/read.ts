import { readFileSync, readlinkSync } from 'node:fs';
import type { Isolation, NamespaceInfo } from '../api/berth.ts';
import { decodeCapabilities } from './capabilities.ts';

export type NamespaceType = NamespaceInfo['type'];
export const NAMESPACE_TYPES: readonly NamespaceType[] = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts', 'time'];

/** Inodes of the namespaces a process is in (namespaces(7)); a type the kernel does not have is missing. Empty: no such process. */
export function readNamespaces(pid: number | 'self'): Map<NamespaceType, number> {
  const result = new Map<NamespaceType, number>();
  for (const type of NAMESPACE_TYPES) {
    try {
      const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${type}`))?.[1];
      if (inode !== undefined) result.set(type, Number(inode));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES') throw error;
    }
  }
  return result;
}

/** A process's namespaces, compared with the engine's and with those of `others` (container id → pid). */
export function describeNamespaces(pid: number, others: ReadonlyMap<string, number>): NamespaceInfo[] {
  const own = readNamespaces('self');
  const neighbours = [...others].map(([id, other]) => ({ id, namespaces: readNamespaces(other) }));
  return [...readNamespaces(pid)].map(([type, inode]) => ({
    type,
    inode,
    host: own.get(type) === inode,
    sharedWith: neighbours.filter(({ namespaces }) => namespaces.get(type) === inode).map(({ id }) => id),
  }));
}

/** How a process is confined, from /proc/PID/status and uid_map. Undefined: no such process. */
export function readConfinement(
  pid: number,
): Pick<Isolation, 'capabilities' | 'seccomp' | 'noNewPrivileges' | 'uidMap'> | undefined {
  let status: string;
  let uidMap: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
    uidMap = readFileSync(`/proc/${pid}/uid_map`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  return parseConfinement(status, uidMap);
}

export function parseConfinement(status: string, uidMap: string): NonNullable<ReturnType<typeof readConfinement>> {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
  return {
    capabilities: { effective: decodeCapabilities(field('CapEff')), bounding: decodeCapabilities(field('CapBnd')) },
    seccomp: ({ '1': 'strict', '2': 'filter' } as const)[field('Seccomp')] ?? 'disabled',
    noNewPrivileges: field('NoNewPrivs') === '1',
    uidMap: uidMap
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' '))
      .filter(Boolean)
      .join('\n'),
  };
}
