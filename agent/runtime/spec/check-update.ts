import { statSync } from 'node:fs';
import { conflict, invalid } from '../../api/errors.ts';
import type { HostConfig, Resources, RestartPolicy } from '../../api/container.ts';
import type { BlkioThrottle, CgroupLimits } from '../../cgroups/types.ts';
import type { ContainerRecord } from '../../services/container-record.ts';
import type { KernelFacts } from '../types.ts';
import { checkRestartPolicy } from './check-host-config.ts';
import { checkResources } from './check-resources.ts';
import { decode } from '../../api/decode.ts';
import { UPDATE_REQUEST } from '../../api/request-schema.ts';
import { cpuBandwidth, splitDevice } from './spec-resources.ts';

export interface CheckedUpdate {
  /** for the live group */
  limits: CgroupLimits;
  /** to keep */
  hostConfig: HostConfig;
  warnings: string[];
}

type Update = Resources & { RestartPolicy?: RestartPolicy };

/** Fields that an update replaces when it names them (moby, UpdateContainer). 0, '' and null mean "as it is". */
const CHANGED: readonly (keyof Resources)[] = [
  'BlkioWeight',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'CpuShares',
  'NanoCpus',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'Memory',
  'MemorySwap',
  'MemoryReservation',
];

/** Checks `docker update`. Throws invalid-parameter with dockerd's message. Nothing is changed here. */
export function checkUpdate(given: Update, record: ContainerRecord, facts: KernelFacts): CheckedUpdate {
  const update = (decode(given, UPDATE_REQUEST, 'UpdateConfig') ?? {}) as Update;
  checkRestartPolicy(update.RestartPolicy);
  const warnings = checkResources(update, facts, true);
  const old = record.hostConfig;
  const refuse = (why: string): never => {
    throw conflict(`Cannot update container ${record.id}: ${why}`);
  };
  if (record.state.Status === 'removing' || record.state.Dead)
    refuse('container is marked for removal and cannot be "update"');
  checkConflicts(update, old, refuse);
  const hostConfig: HostConfig = { ...old };
  for (const field of CHANGED) if (update[field]) Object.assign(hostConfig, { [field]: update[field] });
  if (typeof update.PidsLimit === 'number') hostConfig.PidsLimit = update.PidsLimit;
  if (update.RestartPolicy?.Name) {
    if (old.AutoRemove && update.RestartPolicy.Name !== 'no')
      refuse('Restart policy cannot be updated because AutoRemove is enabled for the container');
    hostConfig.RestartPolicy = {
      Name: update.RestartPolicy.Name,
      MaximumRetryCount: update.RestartPolicy.MaximumRetryCount ?? 0,
    };
  }
  return { limits: limitsOf(update), hostConfig, warnings };
}

function checkConflicts(update: Update, old: HostConfig, refuse: (why: string) => never): void {
  const set = (value: number | undefined) => (value ?? 0) > 0;
  if (set(update.NanoCpus) && set(old.CpuPeriod))
    refuse('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set');
  if (set(update.NanoCpus) && set(old.CpuQuota))
    refuse('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set');
  if (set(update.CpuPeriod) && set(old.NanoCpus))
    refuse('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set');
  if (set(update.CpuQuota) && set(old.NanoCpus))
    refuse('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set');
  // An unlimited swap (-1) leaves room for any memory limit.
  const oldSwap = old.MemorySwap ?? 0;
  if (update.Memory && !update.MemorySwap && oldSwap !== -1 && update.Memory > oldSwap)
    refuse('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
}

function limitsOf(update: Update): CgroupLimits {
  const { quota, period } = cpuBandwidth(update);
  const limits: CgroupLimits = {
    memory: update.Memory || undefined,
    memorySwap: update.MemorySwap || undefined,
    memoryReservation: update.MemoryReservation || undefined,
    cpuShares: update.CpuShares ? Math.min(Math.max(update.CpuShares, 2), 262_144) : undefined,
    // Below zero: without quota from now on.
    cpuQuota: (update.CpuQuota ?? 0) < 0 ? -1 : quota,
    cpuPeriod: period,
    cpusetCpus: update.CpusetCpus || undefined,
    cpusetMems: update.CpusetMems || undefined,
    pids: typeof update.PidsLimit === 'number' ? (update.PidsLimit > 0 ? update.PidsLimit : -1) : undefined,
    blkioWeight: update.BlkioWeight || undefined,
    blkioThrottle: throttlesOf(update),
  };
  for (const key of Object.keys(limits) as (keyof CgroupLimits)[]) if (limits[key] === undefined) delete limits[key];
  return limits;
}

function throttlesOf(update: Update): BlkioThrottle[] | undefined {
  const lists = [
    ['read_bps', update.BlkioDeviceReadBps],
    ['write_bps', update.BlkioDeviceWriteBps],
    ['read_iops', update.BlkioDeviceReadIOps],
    ['write_iops', update.BlkioDeviceWriteIOps],
  ] as const;
  const found = lists.flatMap(([what, devices]) =>
    (devices ?? []).map(({ Path, Rate }): BlkioThrottle => {
      const device = statSync(Path, { throwIfNoEntry: false });
      if (!device) throw invalid(`stat ${Path}: no such file or directory`);
      return { what, ...splitDevice(device.rdev), rate: Rate };
    }),
  );
  return found.length > 0 ? found : undefined;
}
