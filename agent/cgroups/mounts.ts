import { readFileSync } from 'node:fs';

/** Where cgroup hierarchies are mounted, as /proc/self/mountinfo tells (proc_pid_mountinfo(5)). */
export interface CgroupMounts {
  /** v1: controller → mount point. Controllers mounted together (`cpu,cpuacct`) share one. */
  v1: ReadonlyMap<string, string>;
  /** v1 hierarchies without a controller: name → mount point ("systemd") */
  named: ReadonlyMap<string, string>;
  v2: string | undefined;
}

/** Mount options of the superblock that are not controllers. */
const NOT_CONTROLLERS = new Set([
  'rw',
  'ro',
  'clone_children',
  'xattr',
  'noprefix',
  'cpuset_v2_mode',
  'all',
  'none',
  'favordynmods',
]);

/** mountinfo writes space, tab, newline and backslash as octal. */
const unescape = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  const v1 = new Map<string, string>();
  const named = new Map<string, string>();
  let v2: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const dash = line.indexOf(' - ');
    if (dash < 0) continue;
    const [type, , options = ''] = line.slice(dash + 3).split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const mountPoint = unescape(line.slice(0, dash).split(' ')[4] ?? '');
    if (mountPoint === '') continue;
    // The first mount of a hierarchy is the system's own; later ones are bind mounts and the like.
    if (type === 'cgroup2') {
      v2 ??= mountPoint;
      continue;
    }
    for (const option of options.split(',')) {
      if (option.startsWith('name=')) setFirst(named, option.slice(5), mountPoint);
      else if (!option.includes('=') && !NOT_CONTROLLERS.has(option)) setFirst(v1, option, mountPoint);
    }
  }
  return { v1, named, v2 };
}

function setFirst(map: Map<string, string>, key: string, value: string): void {
  if (!map.has(key)) map.set(key, value);
}

export const readCgroupMounts = (): CgroupMounts => parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
