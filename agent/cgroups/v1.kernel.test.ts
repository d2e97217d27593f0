import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { cgroupConformance } from './conformance.ts';
import { readCgroupMounts } from './mounts.ts';
import { createCgroupV1 } from './v1.ts';

const mounts = readCgroupMounts();
const missing = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'freezer'].filter(
  (controller) => !mounts.v1.has(controller),
);

if (missing.length > 0 || process.getuid?.() !== 0)
  describe('cgroup v1', () =>
    test.skip(`needs root and v1 hierarchies; not mounted here: ${missing.join(', ') || 'none'}`, () => undefined));
else
  cgroupConformance('cgroup v1', () => ({
    driver: createCgroupV1(mounts),
    make: (path) => {
      for (const [controller, mountPoint] of mounts.v1) {
        mkdirSync(join(mountPoint, path), { recursive: true });
        // a new group of cpuset takes no process before it has CPUs and memory
        if (controller === 'cpuset')
          for (const file of ['cpuset.cpus', 'cpuset.mems'])
            writeFileSync(join(mountPoint, path, file), readFileSync(join(mountPoint, file), 'utf8'));
      }
    },
    enter: (path, pid) => {
      for (const mountPoint of new Set(mounts.v1.values()))
        writeFileSync(join(mountPoint, path, 'cgroup.procs'), String(pid));
    },
  }));
