import type { UsageSample } from '../../agent/api/berth.ts';
import type { BlkioEntry, ContainerStats } from '../../agent/api/system.ts';

/** Sums of counters at one time, of which rates are the differences. */
interface Totals {
  time: number;
  rx: number;
  tx: number;
  read: number;
  write: number;
}

/** Percent of one CPU, as `docker stats` computes it (docker/cli `cli/command/container/stats_helpers.go`, calculateCPUPercentUnix). */
export function cpuPercent(stats: ContainerStats): number {
  const cpu = stats.cpu_stats.cpu_usage.total_usage - (stats.precpu_stats.cpu_usage?.total_usage ?? 0);
  const system = (stats.cpu_stats.system_cpu_usage ?? 0) - (stats.precpu_stats.system_cpu_usage ?? 0);
  const cpus = stats.cpu_stats.online_cpus || stats.cpu_stats.cpu_usage.percpu_usage?.length || 1;
  return system > 0 && cpu > 0 ? (cpu / system) * cpus * 100 : 0;
}

/** Memory in use without the page cache that can be dropped (same file, calculateMemUsageUnixNoCache). */
export function memoryUsed(stats: ContainerStats): number {
  const { usage = 0, stats: parts = {} } = stats.memory_stats;
  const v1 = parts['total_inactive_file'];
  if (v1 !== undefined && v1 < usage) return usage - v1;
  const v2 = parts['inactive_file'];
  return v2 !== undefined && v2 < usage ? usage - v2 : usage;
}

function throttledPercent(stats: ContainerStats): number {
  const now = stats.cpu_stats.throttling_data;
  const before = stats.precpu_stats.throttling_data;
  const periods = (now?.periods ?? 0) - (before?.periods ?? 0);
  const throttled = (now?.throttled_periods ?? 0) - (before?.throttled_periods ?? 0);
  return periods > 0 ? (throttled / periods) * 100 : 0;
}

function totalsOf(stats: ContainerStats, time: number): Totals {
  const totals: Totals = { time, rx: 0, tx: 0, read: 0, write: 0 };
  for (const network of Object.values(stats.networks ?? {})) {
    totals.rx += network.rx_bytes;
    totals.tx += network.tx_bytes;
  }
  const entries: BlkioEntry[] = stats.blkio_stats['io_service_bytes_recursive'] ?? [];
  for (const entry of entries) {
    const op = entry.op.toLowerCase();
    if (op === 'read') totals.read += entry.value;
    else if (op === 'write') totals.write += entry.value;
  }
  return totals;
}

/** Turns one container's stream of statistics into samples; the first has no rates. */
export class SampleMaker {
  #before: Totals | undefined;

  add(stats: ContainerStats): UsageSample {
    const time = Date.parse(stats.read) || Date.now();
    const totals = totalsOf(stats, time);
    const before = this.#before;
    this.#before = totals;
    const seconds = before ? (time - before.time) / 1000 : 0;
    const rate = (key: 'rx' | 'tx' | 'read' | 'write') =>
      before && seconds > 0 ? Math.max(0, Math.round((totals[key] - before[key]) / seconds)) : 0;
    return {
      time,
      cpuPercent: cpuPercent(stats),
      memory: memoryUsed(stats),
      memoryLimit: stats.memory_stats.limit ?? 0,
      rxRate: rate('rx'),
      txRate: rate('tx'),
      readRate: rate('read'),
      writeRate: rate('write'),
      pids: stats.pids_stats.current ?? 0,
      throttledPercent: throttledPercent(stats),
    };
  }
}
