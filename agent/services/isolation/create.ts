import type { CgroupNode, Isolation, Pressure, UsageSample } from '../../api/berth.ts';
import { conflict } from '../../api/errors.ts';
import type { MeteredCgroups } from '../../cgroups/meter.ts';
import { describeNamespaces, readConfinement } from '../../namespaces/read.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { groupPressure, machinePressure } from './pressure.ts';
import { cgroupTree } from './tree.ts';

/** What the Berth router calls. */
export interface IsolationBackend {
  /** Throws not-found, conflict for a container that does not run. */
  isolation(reference: string): Promise<Isolation>;
  pressure(reference: string): Pressure;
  machinePressure(): Pressure;
  tree(): CgroupNode;
}

export interface IsolationParts {
  containers: ContainerLookup;
  cgroups: MeteredCgroups;
  stats: { latest(id: string): UsageSample | undefined };
  /** config.cgroupParent */
  cgroupParent: string;
}

export function createIsolation({ containers, cgroups, stats, cgroupParent }: IsolationParts): IsolationBackend {
  const running = (reference: string) => {
    const record = containers.get(reference);
    if (!record.state.Running || record.state.Pid <= 0) throw conflict(`container ${record.id} is not running`);
    return record;
  };
  return {
    async isolation(reference) {
      const { id, state, cgroupPath } = running(reference);
      const others = new Map<string, number>();
      for (const other of containers.all())
        if (other.id !== id && other.state.Running && other.state.Pid > 0) others.set(other.id, other.state.Pid);
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
        containers: [...containers.all()].filter(({ state }) => state.Running),
        latest: (id) => stats.latest(id),
      }),
  };
}
