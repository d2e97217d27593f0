import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { guard } from './state.ts';

/** POST /containers/{id}/resize */
export async function resize(ctx: ContainersContext, live: Live, height: number, width: number): Promise<void> {
  guard('resize', live.record);
  if (live.record.config.Tty) await ctx.supervisor.resize(ctx.layout.bundle(live.id), height, width);
  emit(ctx, live, 'resize', { height: String(height), width: String(width) });
}
