import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { invalid, systemError } from '../api/errors.ts';
import { readNumber, writeValue } from './files.ts';
import type { CgroupLimits } from './types.ts';

/** Changes limits of a v1 group. A limit whose controller is missing is refused, one that is not given is left. */
export function updateV1(directory: (controller: string) => string | undefined, limits: CgroupLimits): void {
  const need = (controller: string) => {
    const found = directory(controller);
    if (found === undefined) throw systemError(`the kernel gives no ${controller} controller`);
    return found;
  };
  if (limits.memory !== undefined || limits.memorySwap !== undefined)
    setMemory(need('memory'), limits.memory, limits.memorySwap);
  if (limits.memoryReservation !== undefined)
    writeValue(join(need('memory'), 'memory.soft_limit_in_bytes'), limits.memoryReservation);
  if (limits.cpuShares !== undefined) writeValue(join(need('cpu'), 'cpu.shares'), limits.cpuShares);
  if (limits.cpuPeriod !== undefined || limits.cpuQuota !== undefined)
    setQuota(need('cpu'), limits.cpuQuota, limits.cpuPeriod);
  if (limits.cpusetCpus !== undefined) writeValue(join(need('cpuset'), 'cpuset.cpus'), limits.cpusetCpus);
  if (limits.cpusetMems !== undefined) writeValue(join(need('cpuset'), 'cpuset.mems'), limits.cpusetMems);
  if (limits.pids !== undefined) writeValue(join(need('pids'), 'pids.max'), limits.pids < 0 ? 'max' : limits.pids);
  if (limits.blkioWeight !== undefined) setWeight(need('blkio'), limits.blkioWeight);
  for (const { what, major, minor, rate } of limits.blkioThrottle ?? [])
    writeValue(join(need('blkio'), `blkio.throttle.${what}_device`), `${major}:${minor} ${rate}`);
}

/** The kernel wants memory ≤ memory+swap at every moment, so the order depends on the direction. */
function setMemory(directory: string, memory: number | undefined, memorySwap: number | undefined): void {
  const memoryFile = join(directory, 'memory.limit_in_bytes');
  const swapFile = join(directory, 'memory.memsw.limit_in_bytes');
  const swapKnown = existsSync(swapFile);
  // Without a limit of memory one of memory+swap cannot stand below it.
  let swap = memorySwap === undefined && memory === -1 ? -1 : memorySwap;
  if (!swapKnown) {
    if (memorySwap !== undefined && memorySwap > 0)
      throw systemError('your kernel does not support swap limit capabilities');
    swap = undefined;
  }
  const setMemoryLimit = () => {
    if (memory === undefined) return;
    try {
      writeValue(memoryFile, memory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      const usage = readNumber(join(directory, 'memory.usage_in_bytes')) ?? 0;
      const peak = readNumber(join(directory, 'memory.max_usage_in_bytes')) ?? 0;
      throw systemError(
        `unable to set memory limit to ${memory} (current usage: ${usage}, peak usage: ${peak})`,
        error,
      );
    }
  };
  const setSwapLimit = () => {
    if (swap !== undefined) writeValue(swapFile, swap);
  };
  const current = readNumber(memoryFile) ?? Infinity;
  if (swap === -1 || (swap !== undefined && swap >= current)) {
    setSwapLimit();
    setMemoryLimit();
  } else {
    setMemoryLimit();
    setSwapLimit();
  }
}

/** Quota and period are checked against the parent's together: what fails in one order may be fine in the other. */
function setQuota(directory: string, quota: number | undefined, period: number | undefined): void {
  const set = (name: string, value: number | undefined) => {
    if (value !== undefined) writeValue(join(directory, name), value);
  };
  try {
    set('cpu.cfs_period_us', period);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL' || quota === undefined) throw error;
    set('cpu.cfs_quota_us', quota);
    set('cpu.cfs_period_us', period);
    return;
  }
  set('cpu.cfs_quota_us', quota);
}

/** Only the BFQ scheduler weighs: without it there is no file. */
function setWeight(directory: string, weight: number): void {
  for (const name of ['blkio.weight', 'blkio.bfq.weight']) {
    const file = join(directory, name);
    if (existsSync(file)) {
      writeValue(file, weight);
      return;
    }
  }
  throw invalid('Your kernel does not support Block I/O weight or the cgroup is not mounted.');
}
