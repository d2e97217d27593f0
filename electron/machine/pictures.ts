import { statSync, statfsSync } from 'node:fs';
import type { DiskPicture, MemoryPicture } from '../contract/machine.ts';
import type { ResidentMemory } from './types.ts';

/** A command line whose output `readMemory` and `readDisk` understand. One process in the guest: the shell's own `cat` and `df`. */
export const LOOK =
  'cat /proc/meminfo; echo "# cgroup"; cat /sys/fs/cgroup/berth/memory.stat 2>/dev/null; echo "# disk"; df -k /var/lib/berth | tail -1';

const KIB = 1024;
const MIB = 2 ** 20;
/** What is left of a disk when the user is told. */
const LOW = 512 * MIB;

/** Each byte once: what containers hold in page cache is cache, what is left of the used memory is the engine's and the guest's own. */
export function readMemory(text: string, { all, guest }: ResidentMemory): MemoryPicture {
  const [meminfo = '', rest = ''] = text.split('# cgroup');
  const info = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * KIB;
  const stat = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(rest)?.[1] ?? 0);
  const total = info('MemTotal');
  const free = info('MemFree');
  // tmpfs and shared memory count as page cache in meminfo, and cannot be given up
  const cache = info('Buffers') + info('Cached') - info('Shmem') + info('SReclaimable');
  const kernel = info('SUnreclaim') + info('KernelStack') + info('PageTables') + info('Percpu');
  const containers = stat('anon') + stat('shmem');
  const engine = Math.max(0, total - free - cache - kernel - containers);
  const given = guest === undefined ? {} : { hostGuest: guest };
  return { total, containers, engine, cache, kernel, free, host: all, ...given };
}

export function readDisk(text: string, image: string): DiskPicture {
  const [, , used = '0'] = (text.split('# disk')[1] ?? '').trim().split(/\s+/);
  const info = statSync(image);
  const host = statfsSync(image);
  return { size: info.size, used: Number(used) * KIB, host: info.blocks * 512, hostFree: host.bavail * host.bsize };
}

/** What the user should do about a disk, before a container fails for want of room. */
export function diskWarnings({ size, used, hostFree }: DiskPicture): string[] {
  const warnings: string[] = [];
  const gibibytes = Math.round(size / 2 ** 30);
  if (size - used < LOW)
    warnings.push(
      `The machine's disk of ${gibibytes} GiB is full: make it larger (berth machine set --disk ${gibibytes * 2}), or remove images and volumes that are not used (docker system prune).`,
    );
  if (hostFree < LOW && size - used > hostFree)
    warnings.push(
      'The disk of this computer is nearly full: the machine stands still when it finds no room there, and goes on when there is some again.',
    );
  return warnings;
}
