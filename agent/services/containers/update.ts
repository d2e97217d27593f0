import type { HostConfig, RestartPolicy } from '../../api/container.ts';
import { conflict } from '../../api/errors.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { hasProcesses } from './state.ts';

/** POST /containers/{id}/update: limits of a running container change at once. Gives warnings. */
export function update(
  ctx: ContainersContext,
  live: Live,
  request: HostConfig & { RestartPolicy?: RestartPolicy },
): Promise<string[]> {
  return live.lock.run(async () => {
    const { record } = live;
    if (record.state.Status === 'removing' || record.state.Status === 'dead')
      throw conflict(`Cannot update container ${record.id}: container is marked for removal and cannot be "update"`);
    if (record.hostConfig.AutoRemove && request.RestartPolicy?.Name && request.RestartPolicy.Name !== 'no')
      throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container');
    const { limits, hostConfig, warnings } = ctx.checkUpdate(request, record, ctx.facts);
    if (hasProcesses(record)) await ctx.cgroups.update(record.cgroupPath, limits);
    const before = record.hostConfig;
    record.hostConfig = hostConfig;
    await ctx.table.save(live).catch((error: unknown) => {
      record.hostConfig = before;
      throw error;
    });
    emit(ctx, live, 'update');
    ctx.table.changed(live, 'update');
    return warnings;
  });
}
