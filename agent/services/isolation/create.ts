import type { CgroupDetail, CgroupNode, Isolation, NamespaceMap, Pressure, UsageSample } from '../../api/berth.ts';
import { conflict, notFound } from '../../api/errors.ts';
import type { MeteredCgroups } from '../../cgroups/meter.ts';
import { describeNamespaces, readConfinement } from '../../namespaces/read.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { namespaceMap } from './namespace-map.ts';
import { groupPressure, machinePressure } from './pressure.ts';
import { nameProcesses } from './process-name.ts';
import { cgroupTree, isInTree } from './tree.ts';

/** What the Berth router calls. */
export interface IsolationBackend {
  /** Throws not-found, conflict for a container that does not run. */
  isolation(reference: string): Promise<Isolation>;
  pressure(reference: string): Pressure;
  machinePressure(): Pressure;
  tree(): CgroupNode;
  /** Throws not-found for a group that is not there, or is none of the engine's. */
  group(path: string): Promise<CgroupDetail>;
  namespaces(): Promise<NamespaceMap>;
}

export interface IsolationParts {
  containers: ContainerLookup;
  cgroups: MeteredCgroups;
  stats: { latest(id: string): UsageSample | undefined };
  /** config.cgroupParent */
  cgroupParent: string;
}

/** Processes of a group that are named. */
const NAMED = 256;

export function createIsolation({ containers, cgroups, stats, cgroupParent }: IsolationParts): IsolationBackend {
  const running = (reference: string) => {
    const record = containers.get(reference);
    if (!record.state.Running || record.state.Pid <= 0) throw conflict(`container ${record.id} is not running`);
    return record;
  };
  const allRunning = () => [...containers.all()].filter(({ state }) => state.Running && state.Pid > 0);
  return {
    async isolation(reference) {
      const { id, state, cgroupPath } = running(reference);
      const others = new Map<string, number>();
      for (const other of allRunning()) if (other.id !== id) others.set(other.id, other.state.Pid);
      const confinement = readConfinement(state.Pid);
      if (!confinement) throw conflict(`container ${id} is not running`);
      return {
        id,
        pid: state.Pid,
        namespaces: describeNamespaces(state.Pid, others),
        cgroup: { version: cgroups.version, path: cgroupPath, files: await cgroups.files(cgroupPath) },
        ...confinement,
      };
    },
    pressure: (reference) => groupPressure(cgroups.unified(running(reference).cgroupPath)),
    machinePressure,
    tree: () =>
      cgroupTree({
        cgroups,
        parent: cgroupParent,
        containers: allRunning(),
        latest: (id) => stats.latest(id),
      }),
    async group(path) {
      const missing = () => notFound(`No such control group: ${path}`);
      if (!isInTree(path, { parent: cgroupParent, containers: allRunning() })) throw missing();
      const files = await cgroups.files(path);
      if (Object.keys(files).length === 0) throw missing();
      const pids = (await cgroups.processes(path)).sort((a, b) => a - b);
      return { path, processes: nameProcesses(pids, NAMED), processCount: pids.length, files };
    },
    namespaces: async () =>
      namespaceMap(
        await Promise.all(
          allRunning().map(async ({ id, state, cgroupPath }) => ({
            containerId: id,
            pid: state.Pid,
            processes: await cgroups.processes(cgroupPath),
          })),
        ),
      ),
  };
}
