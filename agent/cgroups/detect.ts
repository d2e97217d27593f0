import { systemError } from '../api/errors.ts';
import { createAnticipation } from './anticipate.ts';
import type { MeteredCgroups } from './meter.ts';
import { readCgroupMounts, type CgroupMounts } from './mounts.ts';
import { createCgroupV1 } from './v1.ts';
import { createCgroupV2 } from './v2.ts';

export { createCgroupV1 } from './v1.ts';
export { createCgroupV2 } from './v2.ts';

/** Controllers a container's limits rest on. */
const ESSENTIAL = ['cpu', 'memory', 'pids', 'cpuset', 'devices', 'freezer', 'blkio'];

/**
 * The driver for this machine. A controller is bound to one hierarchy only, so in a hybrid set-up (v1 controllers with a v2 mount
 * beside them, as systemd's) the v1 hierarchies are the ones to use: OCI runtimes decide in the same way.
 */
export function driverFor(mounts: CgroupMounts): MeteredCgroups {
  if (ESSENTIAL.some((controller) => mounts.v1.has(controller))) return createCgroupV1(mounts);
  if (mounts.v2 !== undefined) return createCgroupV2(mounts.v2);
  throw systemError('no control groups are mounted: mount cgroup2 on /sys/fs/cgroup');
}

export async function detectCgroups(): Promise<MeteredCgroups> {
  const mounts = readCgroupMounts();
  return { ...driverFor(mounts), anticipate: createAnticipation(mounts) };
}
