import { unwatched } from '../health/state.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { guard, setStatus } from './state.ts';

/** POST /containers/{id}/pause */
export function pause(ctx: ContainersContext, live: Live): Promise<void> {
  return live.lock.run(async () => {
    guard('pause', live.record);
    await ctx.cgroups.freeze(live.record.cgroupPath);
    setStatus(live.record.state, 'paused');
    unwatched(live.record.state.Health);
    await ctx.table.save(live);
    emit(ctx, live, 'pause');
    ctx.table.changed(live, 'pause');
  });
}

/** POST /containers/{id}/unpause */
export function unpause(ctx: ContainersContext, live: Live): Promise<void> {
  return live.lock.run(async () => {
    guard('unpause', live.record);
    await ctx.cgroups.thaw(live.record.cgroupPath);
    setStatus(live.record.state, 'running');
    await ctx.table.save(live);
    emit(ctx, live, 'unpause');
    ctx.table.changed(live, 'unpause');
  });
}
