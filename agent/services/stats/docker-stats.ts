import type { BlkioEntry, ContainerStats, CpuStats } from '../../api/system.ts';
import type { CgroupUsage } from '../../cgroups/types.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import type { MachineCpu, NetworkCounters } from './proc.ts';

/** What one sample is made of. */
export interface StatsInput {
  id: string;
  name: string;
  /** RFC 3339 */
  read: string;
  version: 1 | 2;
  usage: CgroupUsage;
  machine: MachineCpu & { memory: number };
  networks: Record<string, NetworkCounters> | undefined;
}

const noCpu = (): CpuStats => ({
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
});

const BLKIO_LISTS = [
  'io_service_bytes_recursive',
  'io_serviced_recursive',
  'io_queue_recursive',
  'io_service_time_recursive',
  'io_wait_time_recursive',
  'io_merged_recursive',
  'io_time_recursive',
  'sectors_recursive',
] as const;

const noBlkio = (): Record<string, BlkioEntry[] | null> => Object.fromEntries(BLKIO_LISTS.map((name) => [name, null]));

/** What Docker answers for a container that does not run. */
export const emptyStats = (id: string, name: string): ContainerStats => ({
  id,
  name: `/${name}`,
  read: ZERO_TIME,
  preread: ZERO_TIME,
  pids_stats: {},
  blkio_stats: noBlkio(),
  num_procs: 0,
  storage_stats: {},
  cpu_stats: noCpu(),
  precpu_stats: noCpu(),
  memory_stats: {},
});

/** A sample without its predecessor, in the shape dockerd gives it on this cgroup version (moby `daemon/stats_unix.go`). */
export function dockerStats(input: StatsInput): ContainerStats {
  const { usage, networks } = input;
  const stats: ContainerStats = {
    ...emptyStats(input.id, input.name),
    read: input.read,
    cpu_stats: cpuStats(usage, input.machine),
    memory_stats: memoryStats(usage.memory, input.machine.memory),
    blkio_stats: blkioStats(input.version, usage),
  };
  if (usage.pids)
    stats.pids_stats = {
      current: usage.pids.current,
      // Go leaves out a limit of nought, which is how "none" looks.
      ...(usage.pids.limit === Infinity ? {} : { limit: usage.pids.limit }),
    };
  if (networks && Object.keys(networks).length > 0) stats.networks = networks;
  return stats;
}

/** Gives a sample its predecessor. */
export const withPrevious = (stats: ContainerStats, previous: ContainerStats | undefined): ContainerStats =>
  previous === undefined ? stats : { ...stats, preread: previous.read, precpu_stats: previous.cpu_stats };

function cpuStats({ cpu }: CgroupUsage, machine: MachineCpu): CpuStats {
  if (!cpu) return { ...noCpu(), system_cpu_usage: machine.total, online_cpus: machine.online };
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu ? { percpu_usage: cpu.perCpu } : {}),
      usage_in_kernelmode: cpu.system,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: machine.total,
    online_cpus: machine.online,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

function memoryStats(memory: CgroupUsage['memory'], machineMemory: number): ContainerStats['memory_stats'] {
  if (!memory) return {};
  return {
    usage: memory.usage,
    // v2 keeps a high-water mark too, but Docker does not report it there: clients tell the versions apart by it
    ...(memory.maxUsage !== undefined && 'total_inactive_file' in memory.stat ? { max_usage: memory.maxUsage } : {}),
    stats: memory.stat,
    ...(memory.failures > 0 ? { failcnt: memory.failures } : {}),
    limit: Math.min(memory.limit, machineMemory),
  };
}

function blkioStats(version: 1 | 2, { io, blkio }: CgroupUsage): Record<string, BlkioEntry[] | null> {
  const lists = noBlkio();
  if (version === 1) {
    lists['io_service_bytes_recursive'] = blkio?.bytes ?? [];
    lists['io_serviced_recursive'] = blkio?.serviced ?? [];
    for (const name of BLKIO_LISTS) lists[name] ??= [];
    return lists;
  }
  if (io && io.length > 0)
    lists['io_service_bytes_recursive'] = io.flatMap(({ major, minor, readBytes, writeBytes }) => [
      { major, minor, op: 'read', value: readBytes },
      { major, minor, op: 'write', value: writeBytes },
    ]);
  return lists;
}
