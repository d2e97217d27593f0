import { invalid } from '../../api/errors.ts';
import type { Resources } from '../../api/container.ts';
import type { KernelFacts } from '../types.ts';
import { parseIdList } from './id-list.ts';

/** Docker's own floor: what a container needs to start. */
const MIN_MEMORY = 6 * 1024 * 1024;

/** What dockerd calls the operating system in its messages. */
const OS = 'linux';

/**
 * Checks limits and takes out, with a warning, what this kernel cannot do (moby, verifyPlatformContainerResources). Changes
 * `resources`. `update`: swap may be given alone, since memory is set already.
 */
export function checkResources(resources: Resources, facts: KernelFacts, update: boolean): string[] {
  const warnings: string[] = [];
  checkMemory(resources, facts, update, warnings);
  checkPids(resources, facts, warnings);
  checkCpu(resources, facts, warnings);
  checkCpuset(resources, facts, warnings);
  checkBlkio(resources, facts, warnings);
  return warnings;
}

function checkMemory(r: Resources, facts: KernelFacts, update: boolean, warnings: string[]): void {
  const has = facts.controllers.has('memory');
  // -1 is what older clients send for "not given".
  if (r.MemorySwappiness === -1) delete r.MemorySwappiness;
  const memory = r.Memory ?? 0;
  if (memory !== 0 && memory < MIN_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && !has) {
    warnings.push(
      'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
    );
    r.Memory = 0;
    r.MemorySwap = -1;
  }
  if ((r.Memory ?? 0) > 0 && r.MemorySwap !== -1 && !facts.swapLimit) {
    warnings.push(
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    );
    r.MemorySwap = -1;
  }
  const swap = r.MemorySwap ?? 0;
  if ((r.Memory ?? 0) > 0 && swap > 0 && swap < (r.Memory ?? 0))
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  if ((r.Memory ?? 0) === 0 && swap > 0 && !update)
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  checkMemoryExtras(r, facts, warnings);
}

function checkMemoryExtras(r: Resources, facts: KernelFacts, warnings: string[]): void {
  const v1Memory = facts.controllers.has('memory') && facts.cgroupVersion === 1;
  if (typeof r.MemorySwappiness === 'number') {
    const swappiness = r.MemorySwappiness;
    if (!(facts.memorySwappiness ?? v1Memory)) {
      warnings.push(
        'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
      );
      delete r.MemorySwappiness;
    }
    if (swappiness < 0 || swappiness > 100)
      throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  const reservation = r.MemoryReservation ?? 0;
  if (reservation > 0 && !facts.controllers.has('memory')) {
    warnings.push(
      'Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.',
    );
    r.MemoryReservation = 0;
  }
  if (reservation > 0 && reservation < MIN_MEMORY) throw invalid('Minimum memory reservation allowed is 6MB');
  if ((r.Memory ?? 0) > 0 && reservation > 0 && (r.Memory ?? 0) < reservation)
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  if (typeof r.OomKillDisable === 'boolean' && !(facts.oomKillDisable ?? v1Memory)) {
    if (r.OomKillDisable) warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    delete r.OomKillDisable;
  }
  if (r.OomKillDisable && (r.Memory ?? 0) === 0)
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  checkKernelMemory(r, warnings);
}

/** Kernels since 5.16 take no limit of kernel memory (the files of version 1 are still there), and version 2 never had one. */
function checkKernelMemory(r: Resources, warnings: string[]): void {
  if ((r.KernelMemory ?? 0) > 0 && (r.KernelMemory ?? 0) < MIN_MEMORY)
    throw invalid('Minimum kernel memory limit allowed is 6MB');
  if (r.KernelMemory)
    warnings.push(
      'Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
    );
  if (r.KernelMemoryTCP)
    warnings.push(
      'Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not mounted. Limitation discarded.',
    );
  delete r.KernelMemory;
  delete r.KernelMemoryTCP;
}

function checkPids(r: Resources, facts: KernelFacts, warnings: string[]): void {
  if (typeof r.PidsLimit !== 'number' || facts.controllers.has('pids')) return;
  if (r.PidsLimit > 0)
    warnings.push(
      'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
    );
  delete r.PidsLimit;
}

function checkCpu(r: Resources, facts: KernelFacts, warnings: string[]): void {
  const has = facts.controllers.has('cpu');
  const nano = r.NanoCpus ?? 0;
  if (nano > 0 && (r.CpuPeriod ?? 0) > 0)
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && (r.CpuQuota ?? 0) > 0)
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nano > 0 && !has)
    throw invalid(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  if (nano < 0 || nano > facts.cpus * 1e9)
    throw invalid(`range of CPUs is from 0.01 to ${facts.cpus}.00, as there are only ${facts.cpus} CPUs available`);
  if ((r.CpuShares ?? 0) < 0) throw invalid(`invalid CPU shares (${r.CpuShares}): value must be a positive integer`);
  if ((r.CpuShares ?? 0) > 0 && !has) {
    warnings.push('Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.');
    r.CpuShares = 0;
  }
  if ((r.CpuPeriod || r.CpuQuota) && !has) {
    warnings.push('Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.');
    r.CpuPeriod = 0;
    r.CpuQuota = 0;
  }
  const period = r.CpuPeriod ?? 0;
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  const quota = r.CpuQuota ?? 0;
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if ((r.CpuPercent ?? 0) > 0) {
    warnings.push(`${OS} does not support CPU percent. Percent discarded.`);
    r.CpuPercent = 0;
  }
  if ((r.CpuCount ?? 0) > 0) {
    warnings.push(`${OS} does not support CPU count. Count discarded.`);
    r.CpuCount = 0;
  }
  checkRealtime(r, facts);
}

function checkRealtime(r: Resources, facts: KernelFacts): void {
  const period = r.CpuRealtimePeriod ?? 0;
  const runtime = r.CpuRealtimeRuntime ?? 0;
  if (period !== 0 && runtime !== 0 && runtime > period)
    throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  // Needs group scheduling of real-time tasks (CONFIG_RT_GROUP_SCHED), which most distributions' kernels are built without.
  if ((period !== 0 || runtime !== 0) && !facts.cpuRealtime)
    throw invalid('kernel does not support CPU real-time scheduler');
}

function checkCpuset(r: Resources, facts: KernelFacts, warnings: string[]): void {
  if (!r.CpusetCpus && !r.CpusetMems) return;
  if (!facts.controllers.has('cpuset')) {
    warnings.push('Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.');
    r.CpusetCpus = '';
    r.CpusetMems = '';
    return;
  }
  const sets = [
    ['cpus', 'CPUs', r.CpusetCpus ?? '', facts.cpuList],
    ['mems', 'memory nodes', r.CpusetMems ?? '', facts.memList],
  ] as const;
  for (const [field, what, asked, available] of sets) {
    const wanted = parseIdList(asked);
    if (!wanted) throw invalid(`Invalid value ${asked} for cpuset ${field}: invalid format: ${asked}`);
    const there = parseIdList(available) ?? new Set<number>();
    for (const id of wanted)
      if (!there.has(id))
        throw invalid(`Requested ${what} are not available - requested ${asked}, available: ${available}`);
  }
}

const THROTTLES = [
  ['BlkioDeviceReadBps', 'BPS Block I/O read limit', 'Block I/O BPS read limit'],
  ['BlkioDeviceWriteBps', 'BPS Block I/O write limit', 'Block I/O BPS write limit'],
  ['BlkioDeviceReadIOps', 'IOPS Block read limit', 'Block I/O IOPS read limit'],
  ['BlkioDeviceWriteIOps', 'IOPS Block write limit', 'Block I/O IOPS write limit'],
] as const;

function checkBlkio(r: Resources, facts: KernelFacts, warnings: string[]): void {
  const has = facts.controllers.has(facts.cgroupVersion === 1 ? 'blkio' : 'io');
  const weight = r.BlkioWeight ?? 0;
  if (weight > 0 && !(facts.blkioWeight ?? has)) {
    warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
    r.BlkioWeight = 0;
  }
  if (weight > 0 && (weight < 10 || weight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000');
  if (r.IOMaximumBandwidth)
    throw invalid(`invalid option: QoS maximum bandwidth configuration is not supported on ${OS}`);
  if (r.IOMaximumIOps) throw invalid(`invalid option: QoS maximum IOPs configuration is not supported on ${OS}`);
  if (r.BlkioWeightDevice?.length && !(facts.blkioWeight ?? has)) {
    warnings.push(
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    );
    r.BlkioWeightDevice = [];
  }
  for (const [field, what, discarded] of THROTTLES) {
    if (!r[field]?.length || (facts.blkioThrottle ?? has)) continue;
    warnings.push(`Your kernel does not support ${what} or the cgroup is not mounted. ${discarded} discarded.`);
    r[field] = [];
  }
}
