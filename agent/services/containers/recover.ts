import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { forgetExit } from '../../runtime/exit-watch.ts';
import { emptyTrash } from '../../store/remove-later.ts';
import { endLeftProbes } from '../health/leftovers.ts';
import type { ContainersContext } from './context.ts';
import { recordExit, release } from './exited.ts';
import type { Live } from './live.ts';
import { alive, exitOf } from './lost.ts';
import { finishRemoval, remove, REMOVED_PREFIX } from './remove.ts';
import { scheduleRestart, wantsRestart } from './restart-policy.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import { unmountRoot } from './root-mount.ts';
import { setStatus } from './state.ts';
import { endStrays } from './strays.ts';
import { volumeNames } from './users.ts';

/**
 * Brings the records in line with what is: containers that run stay so, exits that nobody saw are recorded with the code and time
 * conmon wrote, and what an engine that was killed half-way left behind is given back.
 */
export async function recover(ctx: ContainersContext): Promise<void> {
  emptyTrash(ctx.layout.trash, (error) => ctx.log.error('trash of an earlier engine', error));
  await removeRemains(ctx);
  await endStrays(ctx);
  const running = new Set<string>();
  for (const live of ctx.table.values()) if (live.record.state.Pid !== 0 && alive(live)) running.add(live.id);
  await ctx.networking.recover(running);
  const gone: Live[] = [];
  for (const live of ctx.table.values()) {
    if (running.has(live.id)) await adopt(ctx, live);
    else if (live.record.state.Pid !== 0) await recordMissedExit(ctx, live, gone);
    else await tidy(ctx, live);
  }
  for (const live of gone) await remove(ctx, live, { force: true, volumes: true });
}

/** A container is as paused as its group is frozen. */
async function adopt(ctx: ContainersContext, live: Live): Promise<void> {
  const { state, cgroupPath } = live.record;
  await ctx.volumes
    .use?.(volumeNames(live.record), live.id)
    .catch((error: unknown) => ctx.log.error(`volumes of container ${live.id}`, error));
  // What the engine before has told of is not told again.
  if (live.record.state.OOMKilled) live.oomKills = await ctx.cgroups.oomKills(cgroupPath).catch(() => 0);
  await endLeftProbes(ctx, live).catch((error: unknown) => ctx.log.error(`probes of container ${live.id}`, error));
  const frozen = await ctx.cgroups.isFrozen(cgroupPath).catch(() => false);
  if (frozen === (state.Status === 'paused')) return;
  setStatus(state, frozen ? 'paused' : 'running');
  await ctx.table.save(live);
}

async function recordMissedExit(ctx: ContainersContext, live: Live, gone: Live[]): Promise<void> {
  const notice = await exitOf(ctx, live);
  const after = await live.lock.run(() => recordExit(ctx, live, notice));
  if (after === 'remove') gone.push(live);
}

/** Not running, but perhaps the engine was killed while it started or removed it. */
async function tidy(ctx: ContainersContext, live: Live): Promise<void> {
  const started = await readdir(ctx.layout.containerRun(live.id)).then(
    () => true,
    () => false,
  );
  if (started) await live.lock.run(() => release(ctx, live));
  else unmountRoot(ctx, live);
  forgetExit(ctx.layout.exits, live.id);
}

/** Files of containers that were being removed. */
async function removeRemains(ctx: ContainersContext): Promise<void> {
  const names = await readdir(ctx.layout.containers).catch(() => [] as string[]);
  for (const name of names) if (name.startsWith(REMOVED_PREFIX)) await finishRemoval(ctx, name);
  const known = new Set([...ctx.table.values()].map((live) => live.id));
  for (const name of names) {
    // Made, but its record never written: no client was told of it.
    if (!/^[0-9a-f]{64}$/.test(name) || known.has(name) || (await hasRecord(ctx, name))) continue;
    await ctx.volumes.removeMadeFor(name);
    await rm(join(ctx.layout.containers, name), { recursive: true, force: true });
  }
}

const hasRecord = (ctx: ContainersContext, id: string): Promise<boolean> =>
  readFile(ctx.layout.containerRecord(id)).then(
    () => true,
    () => false,
  );

/** Once the engine serves: starts what its restart policy wants running (after a reboot, all of `always` and `unless-stopped`). */
export function startByPolicy(ctx: ContainersContext): void {
  for (const live of ctx.table.values()) {
    const { record } = live;
    // It was about to be: that was decided, and counted, when it ended.
    if (record.state.Status === 'restarting') {
      scheduleRestart(ctx, live, 0);
      continue;
    }
    if (record.state.Running || record.state.StartedAt === ZERO_TIME || live.cancelRestart || !wantsRestart(record))
      continue;
    live.restartDelay = 0;
    void live.lock
      .run(async () => {
        if (record.state.Status !== 'exited') return;
        setStatus(record.state, 'restarting');
        await ctx.table.save(live);
        scheduleRestart(ctx, live, 0);
      })
      .catch((error: unknown) => ctx.log.error(`restart of container ${live.id}`, error));
  }
}
