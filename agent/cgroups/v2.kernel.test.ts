import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'vitest';
import { cgroupConformance } from './conformance.ts';
import { readCgroupMounts } from './mounts.ts';
import { createCgroupV2 } from './v2.ts';

const root = readCgroupMounts().v2;
const NEEDED = ['cpu', 'memory', 'pids'];
const offered = root === undefined ? [] : readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
const missing = NEEDED.filter((controller) => !offered.includes(controller));

if (root === undefined || missing.length > 0 || process.getuid?.() !== 0)
  describe('cgroup v2', () =>
    test.skip(`needs root and a unified hierarchy; it lacks here: ${missing.join(', ')}`, () => undefined));
else
  cgroupConformance('cgroup v2', () => ({
    driver: createCgroupV2(root),
    make: (path) => {
      // Controllers are handed down level by level; a group that hands them down has no processes itself, so only the top does.
      if (dirname(path) === '/')
        writeFileSync(join(root, 'cgroup.subtree_control'), NEEDED.map((name) => `+${name}`).join(' '));
      if (!existsSync(join(root, path))) mkdirSync(join(root, path));
    },
    enter: (path, pid) => writeFileSync(join(root, path, 'cgroup.procs'), String(pid)),
  }));
