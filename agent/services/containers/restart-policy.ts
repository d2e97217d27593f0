import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { setStatus } from './state.ts';
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

/** What to call, once the exit is recorded, to start the container again in time; undefined when it stays ended. */
export function planRestart(ctx: ContainersContext, live: Live): (() => void) | undefined {
  const { record } = live;
  if (!wantsRestart(record)) return undefined;
  live.restartDelay = nextDelay(
    live.restartDelay,
    Date.parse(record.state.FinishedAt) - Date.parse(record.state.StartedAt),
  );
  return () => scheduleRestart(ctx, live, live.restartDelay);
}

/** Starts the container, which is in state `restarting`, after `delay` milliseconds, unless somebody cancels. */
export function scheduleRestart(ctx: ContainersContext, live: Live, delay: number): void {
  live.cancelRestart = ctx.clock.setTimeout(() => {
    live.cancelRestart = undefined;
    live.lock
      .run(async () => {
        if (live.record.state.Status !== 'restarting') return;
        try {
          await startLocked(ctx, live);
        } catch (error) {
          ctx.log.warn(
            `container ${live.id} could not be restarted: ${error instanceof Error ? error.message : String(error)}`,
          );
          await retry(ctx, live);
        }
      })
      .catch((error: unknown) => ctx.log.error(`restart of container ${live.id}`, error));
  }, delay);
}

/** A start that fails counts as an exit. */
async function retry(ctx: ContainersContext, live: Live): Promise<void> {
  if (!wantsRestart(live.record)) return;
  live.restartDelay = nextDelay(live.restartDelay, 0);
  live.record.restartCount += 1;
  setStatus(live.record.state, 'restarting');
  await ctx.table.save(live);
  scheduleRestart(ctx, live, live.restartDelay);
}
