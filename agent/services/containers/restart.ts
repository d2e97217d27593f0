import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { start } from './start.ts';
import { stopRunning, type StopOptions } from './stop.ts';

/** POST /containers/{id}/restart: stop, if it runs, and start. */
export async function restart(ctx: ContainersContext, live: Live, options: StopOptions): Promise<void> {
  live.keep = true;
  try {
    if (live.record.state.Running) {
      await stopRunning(ctx, live, options);
      emit(ctx, live, 'stop');
    }
    await start(ctx, live);
  } finally {
    live.keep = false;
  }
  emit(ctx, live, 'restart');
  ctx.table.changed(live, 'restart');
}
