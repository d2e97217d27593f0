import { parseSignal } from '../../runtime/signals.ts';
import { signalProcess } from '../../runtime/process-identity.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { trySave } from './save.ts';
import { guard, setStatus } from './state.ts';
import { endRestart } from './end-restart.ts';
import { waitExit } from './wait-exit.ts';

const SIGKILL = 9;

/**
 * Signals the container's first process. A signal that is to end it (SIGKILL, its stop signal, any where it has none) also keeps its
 * restart policy away, and lets a frozen container go: it could not heed it else (moby `killWithSignal`).
 */
export async function sendSignal(ctx: ContainersContext, live: Live, signal: number): Promise<void> {
  const { record } = live;
  const ends = isToEnd(live, signal);
  if (ends) live.exitWanted = true;
  live.lastSignal = signal;
  signalProcess(record.state.Pid, record.pidStartTime, signal);
  const thaw = record.state.Status === 'paused' && ends;
  if (thaw) {
    await ctx.cgroups.thaw(record.cgroupPath);
    setStatus(record.state, 'running');
  }
  emit(ctx, live, 'kill', { signal: String(signal) });
  if (thaw) emit(ctx, live, 'unpause');
}

function isToEnd({ record }: Live, signal: number): boolean {
  const own = record.config.StopSignal;
  return signal === SIGKILL || !own || parseSignal(own) === signal;
}

/** POST /containers/{id}/kill. After SIGKILL it answers when the container has ended. */
export async function kill(ctx: ContainersContext, live: Live, signalName: string): Promise<void> {
  const signal = signalName === '' ? SIGKILL : parseSignal(signalName);
  guard('kill', live.record);
  live.record.stoppedByUser = true;
  // One that only waits to be restarted has nothing to signal: it is not restarted.
  if (isToEnd(live, signal) && (await endRestart(ctx, live))) return;
  await trySave(ctx, live, 'that it is to end');
  const exit = signal === SIGKILL ? waitExit(ctx, live, 10_000) : undefined;
  await sendSignal(ctx, live, signal);
  await exit;
}
