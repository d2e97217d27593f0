import { parseSignal } from '../../runtime/signals.ts';
import { emit, type ContainersContext } from './context.ts';
import { sendSignal } from './kill.ts';
import type { Live } from './live.ts';
import { endRestart } from './end-restart.ts';
import { trySave } from './save.ts';
import { guard } from './state.ts';
import { waitExit } from './wait-exit.ts';

const DEFAULT_TIMEOUT = 10;
const SIGKILL = 9;

export interface StopOptions {
  signal?: string;
  /** seconds; negative waits without end; default: the container's, or 10 */
  timeout?: number;
}

/** POST /containers/{id}/stop: the stop signal, a grace period, SIGKILL. */
export async function stop(ctx: ContainersContext, live: Live, options: StopOptions): Promise<void> {
  guard('stop', live.record);
  await stopRunning(ctx, live, options);
  emit(ctx, live, 'stop');
  ctx.table.changed(live, 'stop');
}

/** Ends the container if it runs, and takes back a restart to come. */
export async function stopRunning(ctx: ContainersContext, live: Live, options: StopOptions): Promise<void> {
  const { record } = live;
  const signal = parseSignal(options.signal || record.config.StopSignal || 'SIGTERM');
  live.exitWanted = true;
  record.stoppedByUser = true;
  if (await endRestart(ctx, live)) return;
  await trySave(ctx, live, 'that it is to end');
  const seconds = options.timeout ?? record.config.StopTimeout ?? DEFAULT_TIMEOUT;
  const exit = waitExit(ctx, live, seconds < 0 ? undefined : seconds * 1000);
  await sendSignal(ctx, live, signal);
  if (await exit) return;
  const killed = waitExit(ctx, live, 10_000);
  await sendSignal(ctx, live, SIGKILL);
  if (!(await killed)) throw new Error(`tried to kill container, but did not receive an exit event`);
}
