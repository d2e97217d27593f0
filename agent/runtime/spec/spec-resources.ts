import { stat } from 'node:fs/promises';
import { invalid } from '../../api/errors.ts';
import type { HostConfig, Resources, ThrottleDevice } from '../../api/container.ts';
import type { KernelFacts } from '../types.ts';
import type { DeviceRule } from './device-rules.ts';

/** microseconds */
const DEFAULT_PERIOD = 100_000;

/** `linux.resources`: without what this machine has no controller for, which the runtimes would refuse. */
export async function resourcesOf(host: HostConfig, devices: DeviceRule[], facts: KernelFacts): Promise<object> {
  const has = (name: string) => facts.controllers.has(name);
  return {
    devices,
    ...(has('memory') && present('memory', memoryOf(host))),
    ...(has('cpu') || has('cpuset') ? present('cpu', cpuOf(host, facts)) : {}),
    // A new group has no limit; crun 1.8 writes -1, which the kernel does not take.
    ...(has('pids') && positive(host.PidsLimit) && { pids: { limit: host.PidsLimit } }),
    ...((has('blkio') || has('io')) && present('blockIO', await blockIoOf(host))),
  };
}

/** Nothing at all for an object without values. */
function present(name: string, values: Record<string, unknown>): Record<string, object> {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined);
  return kept.length > 0 ? { [name]: Object.fromEntries(kept) } : {};
}

const positive = (value: number | null | undefined) => (typeof value === 'number' && value > 0 ? value : undefined);
const nonZero = (value: number | null | undefined) => (typeof value === 'number' && value !== 0 ? value : undefined);

function memoryOf(r: Resources): Record<string, unknown> {
  return {
    limit: positive(r.Memory),
    reservation: positive(r.MemoryReservation),
    // Without a memory limit a swap limit has no meaning; -1 is "as much as there is".
    swap: positive(r.Memory) ? nonZero(r.MemorySwap) : undefined,
    swappiness: typeof r.MemorySwappiness === 'number' && r.MemorySwappiness >= 0 ? r.MemorySwappiness : undefined,
    disableOOMKiller: r.OomKillDisable === true ? true : undefined,
  };
}

function cpuOf(r: Resources, facts: KernelFacts): Record<string, unknown> {
  const { quota, period } = cpuBandwidth(r);
  const cpu = facts.controllers.has('cpu');
  const cpuset = facts.controllers.has('cpuset');
  return {
    shares: cpu && positive(r.CpuShares) ? Math.min(Math.max(r.CpuShares as number, 2), 262_144) : undefined,
    quota: cpu ? quota : undefined,
    period: cpu ? period : undefined,
    realtimeRuntime: cpu ? positive(r.CpuRealtimeRuntime) : undefined,
    realtimePeriod: cpu ? positive(r.CpuRealtimePeriod) : undefined,
    cpus: cpuset ? r.CpusetCpus || undefined : undefined,
    mems: cpuset ? r.CpusetMems || undefined : undefined,
  };
}

/** NanoCpus as quota and period, or those as they were given; microseconds. */
export function cpuBandwidth(r: Resources): { quota: number | undefined; period: number | undefined } {
  if (positive(r.NanoCpus))
    return {
      period: DEFAULT_PERIOD,
      quota: Math.max(1000, Math.floor(((r.NanoCpus as number) * DEFAULT_PERIOD) / 1e9)),
    };
  // A negative quota is none, as a new group has it.
  return { quota: positive(r.CpuQuota), period: nonZero(r.CpuPeriod) };
}

async function deviceNumbers(path: string): Promise<{ major: number; minor: number }> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw invalid(`stat ${path}: ${error.code === 'ENOENT' ? 'no such file or directory' : error.message}`, error);
  });
  return splitDevice(stats.rdev);
}

/** Linux's dev_t as stat(2) gives it (major(3)). */
export function splitDevice(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn)),
  };
}

async function blockIoOf(r: Resources): Promise<Record<string, unknown>> {
  const throttle = async (devices: readonly ThrottleDevice[] | null | undefined) =>
    devices?.length
      ? Promise.all(devices.map(async ({ Path, Rate }) => ({ ...(await deviceNumbers(Path)), rate: Rate })))
      : undefined;
  return {
    weight: positive(r.BlkioWeight),
    weightDevice: r.BlkioWeightDevice?.length
      ? await Promise.all(
          r.BlkioWeightDevice.map(async ({ Path, Weight }) => ({ ...(await deviceNumbers(Path)), weight: Weight })),
        )
      : undefined,
    throttleReadBpsDevice: await throttle(r.BlkioDeviceReadBps),
    throttleWriteBpsDevice: await throttle(r.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: await throttle(r.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: await throttle(r.BlkioDeviceWriteIOps),
  };
}
