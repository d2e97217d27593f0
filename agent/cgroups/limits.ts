import { parseLimit } from './files.ts';

/** What is in force on one group itself, not on those above it. Null: no limit of its own. */
export interface LimitsInForce {
  /** bytes */
  memory: number | null;
  /** CPUs' worth of time: 1.5 is one and a half */
  cpus: number | null;
  pids: number | null;
  /** which CPUs, as the kernel writes them: "0-1,3" */
  cpuset: string | null;
}

const orNull = (text: string | undefined): number | null => {
  const limit = parseLimit(text?.trim() || 'max');
  return Number.isFinite(limit) ? limit : null;
};
const share = (quota: number | null, period: number | null): number | null =>
  quota === null || quota <= 0 || !period ? null : quota / period;

/** `text` gives a file of the group by its controller and name (Documentation/admin-guide/cgroup-v1/). */
export function limitsV1(
  text: (controller: string, file: string) => string | undefined,
  allCpus: string | undefined,
): LimitsInForce {
  // a new group has the CPUs of the one above it written out: all of them are no limit
  const cpuset = text('cpuset', 'cpuset.cpus')?.trim() ?? '';
  return {
    memory: orNull(text('memory', 'memory.limit_in_bytes')),
    cpus: share(orNull(text('cpu', 'cpu.cfs_quota_us')), orNull(text('cpu', 'cpu.cfs_period_us'))),
    pids: orNull(text('pids', 'pids.max')),
    cpuset: cpuset === '' || cpuset === allCpus?.trim() ? null : cpuset,
  };
}

/** The same from Documentation/admin-guide/cgroup-v2.rst; the root group has none of these files. */
export function limitsV2(text: (file: string) => string | undefined): LimitsInForce {
  const [quota, period] = (text('cpu.max') ?? 'max 100000').trim().split(' ');
  return {
    memory: orNull(text('memory.max')),
    cpus: share(orNull(quota), orNull(period)),
    pids: orNull(text('pids.max')),
    cpuset: text('cpuset.cpus')?.trim() || null,
  };
}
