import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { groupDirectory, readNumber, writeValue } from './files.ts';
import { readCgroupMounts } from './mounts.ts';

/** Microseconds of each period; 0 leaves what is there. */
export interface RealtimeShare {
  period: number;
  runtime: number;
}

/**
 * Gives the groups above `path` time for real-time scheduling: a group can have no more than its parent, and a new one has none
 * (Documentation/scheduler/sched-rt-group.rst). The root's share is the machine's, and left alone. Version 1 only.
 */
export function shareRealtime(path: string, { period, runtime }: RealtimeShare): void {
  const cpu = readCgroupMounts().v1.get('cpu');
  if (cpu === undefined || (period === 0 && runtime === 0)) return;
  const above: string[] = [];
  for (let group = dirname(path); group !== '/' && group !== '.'; group = dirname(group)) above.unshift(group);
  for (const group of above) {
    const directory = groupDirectory(cpu, group);
    mkdirSync(directory, { recursive: true });
    if (period !== 0) writeValue(join(directory, 'cpu.rt_period_us'), period);
    if (runtime !== 0) writeValue(join(directory, 'cpu.rt_runtime_us'), runtime);
  }
}

/** What the group above `path` has to give, in microseconds of each of its periods. */
export function realtimeAbove(path: string): number {
  const cpu = readCgroupMounts().v1.get('cpu');
  return cpu === undefined ? 0 : (readNumber(join(groupDirectory(cpu, dirname(path)), 'cpu.rt_runtime_us')) ?? 0);
}
