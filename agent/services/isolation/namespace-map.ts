import type { NamespaceInodes, NamespaceMap, NamespaceMember } from '../../api/berth.ts';
import { readNamespaces } from '../../namespaces/read.ts';
import { nameProcesses } from './process-name.ts';

/** Processes of one container that are looked at, and of one member that are named. */
const LOOKED_AT = 1024;
const NAMED = 64;

export interface Inhabitant {
  containerId: string;
  /** its first process */
  pid: number;
  processes: readonly number[];
}

/**
 * Who is in which namespaces. A process that made namespaces of its own (unshare, a nested sandbox) is a member beside the main one,
 * so is one that entered a container from elsewhere without all of its namespaces.
 */
export function namespaceMap(inhabitants: readonly Inhabitant[]): NamespaceMap {
  const members: NamespaceMember[] = [];
  for (const { containerId, pid, processes } of inhabitants) {
    const groups = new Map<string, { namespaces: NamespaceInodes; pids: number[] }>();
    for (const one of [...new Set([pid, ...processes])].sort((a, b) => a - b).slice(0, LOOKED_AT)) {
      const found = readNamespaces(one);
      if (found.size === 0) continue;
      const key = [...found.values()].join();
      const group = groups.get(key);
      if (group) group.pids.push(one);
      else groups.set(key, { namespaces: Object.fromEntries(found), pids: [one] });
    }
    const ofContainer = [...groups.values()].map(({ namespaces, pids }) => ({
      containerId,
      main: pids.includes(pid),
      namespaces,
      processes: nameProcesses(pids, NAMED),
      processCount: pids.length,
    }));
    members.push(...ofContainer.sort((a, b) => Number(b.main) - Number(a.main)));
  }
  return { host: Object.fromEntries(readNamespaces('self')), members };
}
