import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forgetExit } from '../../runtime/exit-watch.ts';
import type { OciSpec } from '../../runtime/oci.ts';
import { removeSmall } from '../../store/remove-later.ts';
import { MNT } from '../../system/syscalls.ts';
import type { ContainersContext } from './context.ts';
import { endProcesses } from './leftovers.ts';
import { unmountSides } from './side-mounts.ts';

/**
 * Containers that run, or ran, and of which there is no record any more (it was unreadable): nobody can ask anything of them, and what
 * they hold is given to others. They are ended, and what is mounted for them is taken away; their files are in quarantine.
 */
export async function endStrays(ctx: ContainersContext): Promise<void> {
  const directory = join(ctx.layout.run, 'containers');
  const names = [directory, ctx.layout.runtimeState, ctx.layout.exits].map((path) =>
    readdir(path).catch(() => [] as string[]),
  );
  for (const id of new Set((await Promise.all(names)).flat())) {
    if (!/^[0-9a-f]{64}$/.test(id) || ctx.table.find(id)) continue;
    try {
      const cgroupPath = await groupOf(ctx, id);
      const running = (await ctx.cgroups.processes(cgroupPath)).length > 0;
      await endProcesses(ctx, { id, cgroupPath });
      unmountSides(ctx, id);
      removeSmall(join(directory, id));
      forgetExit(ctx.layout.exits, id);
      if (running) ctx.log.warn(`Container ${id}, which ran without a readable record, was ended.`);
    } catch (error) {
      ctx.log.error(`what is left of container ${id}`, error);
    }
  }
  for (const path of await mountedBelow(ctx.layout.quarantine)) ctx.sys.umount(path, MNT.DETACH);
}

async function groupOf(ctx: ContainersContext, id: string): Promise<string> {
  const usual = join('/', ctx.config.cgroupParent, id);
  try {
    const spec = JSON.parse(await readFile(join(ctx.layout.bundle(id), 'config.json'), 'utf8')) as OciSpec;
    return spec.linux.cgroupsPath || usual;
  } catch {
    return usual;
  }
}

/** Mount points moved with the directory they are in. */
async function mountedBelow(directory: string): Promise<string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}
