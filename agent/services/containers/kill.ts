import { parseSignal } from '../../runtime/signals.ts';
import { signalProcess } from '../../runtime/process-identity.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { guard, setStatus } from './state.ts';
import { waitExit } from './wait.ts';

const SIGKILL = 9;
const SIGTERM = 15;

/** Signals the container's first process. A frozen one is let go when the signal is to end it. */
export async function sendSignal(ctx: ContainersContext, live: Live, signal: number): Promise<void> {
  const { record } = live;
  signalProcess(record.state.Pid, record.pidStartTime, signal);
  if (record.state.Status === 'paused' && (signal === SIGKILL || signal === SIGTERM)) {
    await ctx.cgroups.thaw(record.cgroupPath);
    setStatus(record.state, 'running');
  }
  emit(ctx, live, 'kill', { signal: String(signal) });
}

/** POST /containers/{id}/kill. After SIGKILL it answers when the container has ended. */
export async function kill(ctx: ContainersContext, live: Live, signalName: string): Promise<void> {
  const signal = signalName === '' ? SIGKILL : parseSignal(signalName);
  guard('kill', live.record);
  const stopSignal = live.record.config.StopSignal;
  if (signal === SIGKILL || !stopSignal || parseSignal(stopSignal) === signal) live.exitWanted = true;
  live.record.stoppedByUser = true;
  await ctx.table.save(live);
  const exit = signal === SIGKILL ? waitExit(live, 10_000) : undefined;
  await sendSignal(ctx, live, signal);
  await exit;
}
