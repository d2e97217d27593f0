import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

const SIGKILL = 9;

type Whose = Pick<ContainerRecord, 'id' | 'cgroupPath'>;

/**
 * Ends whatever still runs in the container's control group, and removes the group and the runtime's state. A container with a pid
 * namespace of its own has nothing left when its first process is gone; one in the host's may.
 */
export async function endProcesses(ctx: ContainersContext, record: Whose): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const pids = await ctx.cgroups.processes(record.cgroupPath);
    if (pids.length === 0) break;
    if (attempt >= 100) throw new Error(`processes of container ${record.id} do not end: ${pids.join(', ')}`);
    for (const pid of pids) {
      try {
        process.kill(pid, SIGKILL);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    // A frozen process takes no signal, not even this one.
    await ctx.cgroups.thaw(record.cgroupPath).catch(() => undefined);
    await sleep(Math.min(100, 2 << Math.min(attempt, 6)));
  }
  await removeGroup(ctx, record);
  await ctx.supervisor.discard(record.id);
}

/** The kernel may need a moment after the last process before it lets go of a group. */
async function removeGroup(ctx: ContainersContext, record: Whose): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await ctx.cgroups.remove(record.cgroupPath);
      return;
    } catch (error) {
      if (attempt >= 20) throw error;
      await sleep(5 * (attempt + 1));
    }
  }
}
