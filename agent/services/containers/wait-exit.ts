import type { ContainersContext } from './context.ts';
import type { Live, Waiter } from './live.ts';
import { watchOrphan } from './lost.ts';

/** True when the container has no process any more, false when `milliseconds` have passed before that. */
export function waitExit(ctx: ContainersContext, live: Live, milliseconds: number | undefined): Promise<boolean> {
  if (live.record.state.Pid === 0) return Promise.resolve(true);
  const stopWatching = watchOrphan(ctx, live);
  return new Promise((done) => {
    const waiter: Waiter = {
      condition: 'next-exit',
      done: () => {
        cancel?.();
        stopWatching();
        done(true);
      },
    };
    live.waiters.add(waiter);
    const cancel =
      milliseconds === undefined
        ? undefined
        : ctx.clock.setTimeout(() => {
            live.waiters.delete(waiter);
            stopWatching();
            done(false);
          }, milliseconds);
  });
}
