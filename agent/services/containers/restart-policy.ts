import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { startLocked } from './start.ts';

const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
/** a container that ran this long (milliseconds) begins anew with the shortest delay */
const GOOD_RUN = 10_000;

/** Whether the policy wants the container to run again after an exit (moby `restartmanager`). */
export function wantsRestart(record: ContainerRecord): boolean {
  const policy = record.hostConfig.RestartPolicy;
  switch (policy?.Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !record.stoppedByUser;
    case 'on-failure':
      return (
        record.state.ExitCode !== 0 && (!policy.MaximumRetryCount || record.restartCount < policy.MaximumRetryCount)
      );
    default:
      return false;
  }
}

/** The delay doubles with every exit after a short run. */
export function nextDelay(last: number, ranFor: number): number {
  if (last === 0 || ranFor >= GOOD_RUN) return FIRST_DELAY;
  return Math.min(last * 2, LONGEST_DELAY);
}

/**
 * What to call, once the exit is recorded, to start the container again in time; undefined when it stays ended. `ranFor`: milliseconds.
 */
export function planRestart(ctx: ContainersContext, live: Live, ranFor: number): (() => void) | undefined {
  if (!wantsRestart(live.record)) return undefined;
  live.restartDelay = nextDelay(live.restartDelay, ranFor);
  return () => scheduleRestart(ctx, live, live.restartDelay);
}

/**
 * Starts the container, which is in state `restarting`, after `delay` milliseconds, unless somebody cancels. One that cannot be started
 * stays ended, with the reason in its state, as dockerd has it: what is missing does not come by itself.
 */
export function scheduleRestart(ctx: ContainersContext, live: Live, delay: number): void {
  live.cancelRestart = ctx.clock.setTimeout(() => {
    live.cancelRestart = undefined;
    void live.lock
      .run(async () => {
        if (live.record.state.Status === 'restarting') await startLocked(ctx, live);
      })
      .catch((error: unknown) => {
        ctx.log.warn(
          `container ${live.id} could not be restarted: ${error instanceof Error ? error.message : String(error)}`,
        );
      });
  }, delay);
}
