import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { killTree } from '../../runtime/process-tree.ts';
import type { ContainersContext } from '../containers/context.ts';
import type { Live } from '../containers/live.ts';
import { PROBE_PREFIX } from '../exec/session.ts';

/** Ends the probes that an engine which was killed left running in a container: nobody counts their time any more. */
export async function endLeftProbes(ctx: ContainersContext, { id, record }: Live): Promise<void> {
  const directory = join(ctx.layout.containerRun(id), 'exec');
  const names = (await readdir(directory).catch(() => [] as string[])).filter((name) => name.startsWith(PROBE_PREFIX));
  if (names.length === 0) return;
  const inside = new Set(await ctx.cgroups.processes(record.cgroupPath));
  for (const name of names) {
    const pid = Number(await readFile(join(directory, name, 'pidfile'), 'utf8').catch(() => '0'));
    // The number may be another process's by now, but not one of another container's.
    if (inside.has(pid) && pid !== record.state.Pid) await killTree(pid);
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
