import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';

/**
 * Saves what has happened, or must be possible, whether or not it can be written down: with a full disk, too, containers end and can be
 * ended. Gives whether it is on disk.
 */
export async function trySave(ctx: ContainersContext, live: Live, what: string): Promise<boolean> {
  try {
    await ctx.table.save(live);
    return true;
  } catch (error) {
    ctx.log.error(`container ${live.id}: could not save ${what}`, error);
    return false;
  }
}
