import { existsSync, watch, type FSWatcher } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerRecord } from '../container-record.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { hasProcesses } from './state.ts';

/** What conmon makes in the bundle each time the kernel ends a process of the container for want of memory. */
const FILE = 'oom';
/** milliseconds: the longest pause between two looks for what the kernel did after it was told of */
const PATIENCE = 2_000;

/**
 * Tells of processes that the kernel ended for want of memory while their container goes on; conmon hears of it from the kernel. Only
 * containers that have a limit are watched, one entry each in the process's inotify instance. Gives the way to stop.
 */
export function startOomWatch(ctx: ContainersContext): () => void {
  const watchers = new Map<string, FSWatcher>();
  const changed = (record: ContainerRecord) => {
    const wanted = hasProcesses(record) && isLimited(record);
    if (wanted === watchers.has(record.id)) return;
    if (!wanted) {
      watchers.get(record.id)?.close();
      watchers.delete(record.id);
      return;
    }
    try {
      const watcher = watch(ctx.layout.bundle(record.id), { persistent: false }, (_event, name) => {
        if (name === null || name === FILE) look(record.id);
      });
      watcher.on('error', () => undefined);
      watchers.set(record.id, watcher);
      look(record.id);
    } catch (error) {
      // Its end is told all the same when it exits.
      ctx.log.warn(`memory of container ${record.id} is not watched: ${String(error)}`);
    }
  };
  // conmon hears of it when the kernel begins to look for a victim: what counts is there only when it has found one.
  const look = (id: string, delay = 10) => {
    const live = ctx.table.find(id);
    if (!live) return;
    live.lock
      .run(() => noteOom(ctx, live))
      .then((settled) => {
        if (!settled && delay < PATIENCE && watchers.has(id)) ctx.clock.setTimeout(() => look(id, delay * 2), delay);
      })
      .catch((error: unknown) => ctx.log.error(`memory of container ${id}`, error));
  };
  const unsubscribe = ctx.table.onChange(changed);
  for (const { record } of ctx.table.values()) changed(record);
  return () => {
    unsubscribe();
    for (const watcher of watchers.values()) watcher.close();
  };
}

const isLimited = ({ hostConfig }: ContainerRecord): boolean =>
  (hostConfig.Memory ?? 0) > 0 || Boolean(hostConfig.CgroupParent);

/** The caller holds the lock. False when conmon has told of something that the kernel has not counted yet. */
async function noteOom(ctx: ContainersContext, live: Live): Promise<boolean> {
  const { record } = live;
  if (!hasProcesses(record)) return true;
  const file = join(ctx.layout.bundle(record.id), FILE);
  const kills = await ctx.cgroups.oomKills(record.cgroupPath);
  if (kills <= live.oomKills) return !existsSync(file);
  await rm(file, { force: true });
  live.oomKills = kills;
  const known = record.state.OOMKilled;
  record.state.OOMKilled = true;
  if (!known) await ctx.table.save(live);
  emit(ctx, live, 'oom');
  ctx.table.changed(live, 'oom');
  return true;
}
