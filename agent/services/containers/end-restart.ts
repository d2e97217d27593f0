import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { setStatus } from './state.ts';

/** True when the container has no process: one that only waited to be restarted is ended for good. */
export function endRestart(ctx: ContainersContext, live: Live): Promise<boolean> {
  return live.lock.run(async () => {
    if (live.record.state.Status !== 'restarting') return live.record.state.Pid === 0;
    live.cancelRestart?.();
    live.cancelRestart = undefined;
    setStatus(live.record.state, 'exited');
    await ctx.table.save(live);
    live.settle('not-running', 'next-exit');
    return true;
  });
}
