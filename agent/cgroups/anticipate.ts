import { openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { groupDirectory } from './files.ts';
import { readCgroupMounts, type CgroupMounts } from './mounts.ts';

/** The group this process is in: of the hierarchy with `controller` (v1), or of v2. proc_pid_cgroup(5), cgroups(7) */
function ownGroup(controller: string | undefined): string | undefined {
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, , controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== undefined && (controllers ?? '').split(',').includes(controller ?? '')) return path;
  }
  return undefined;
}

/** Throws where the mount shows another part of the hierarchy than the path is in (a container without a cgroup namespace). */
function open(file: string): number {
  if (!readFileSync(file, 'utf8').split('\n').includes(String(process.pid))) throw new Error(`not in ${file}`);
  return openSync(file, 'w');
}

/**
 * The kernel makes the first process that enters a control group wait for an RCU grace period (some 10 ms); whoever enters one within
 * the next few milliseconds goes ahead at once (kernel/cgroup/cgroup.c, cgroup_threadgroup_rwsem; kernel/rcu/sync.c). To be called when a
 * process is about to enter one soon: this process then enters the group it is in already, which changes nothing, beside other work.
 */
export function createAnticipation(mounts: CgroupMounts = readCgroupMounts()): () => void {
  const controller = ['pids', 'freezer', 'memory'].find((name) => mounts.v1.has(name));
  const mountPoint = controller === undefined ? mounts.v2 : mounts.v1.get(controller);
  const group = ownGroup(controller);
  if (mountPoint === undefined || group === undefined) return () => undefined;
  const file = join(groupDirectory(mountPoint, group), 'cgroup.procs');
  let fd: number | undefined;
  let busy = false;
  return () => {
    if (busy) return;
    try {
      // Moved by somebody since: it is not for this to move it back.
      if (ownGroup(controller) !== group) return;
      fd ??= open(file);
    } catch {
      return;
    }
    busy = true;
    write(fd, '0', null, 'latin1', () => (busy = false));
  };
}
