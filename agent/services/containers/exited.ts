import { forgetExit, type ExitNotice } from '../../runtime/exit-watch.ts';
import { ageOf } from '../../runtime/process-identity.ts';
import { throwAway } from '../../store/remove-later.ts';
import { unwatched } from '../health/state.ts';
import { emit, type ContainersContext } from './context.ts';
import { endProcesses } from './leftovers.ts';
import { alive } from './lost.ts';
import type { Live } from './live.ts';
import { networkKind } from './network-subject.ts';
import { remove } from './remove.ts';
import { planRestart } from './restart-policy.ts';
import { unmountRoot } from './root-mount.ts';
import { trySave } from './save.ts';
import { hasProcesses, setStatus } from './state.ts';

/** A container's process has ended: gives back what it held, records how it ended, and does what its restart policy says. */
export async function onExit(ctx: ContainersContext, notice: ExitNotice): Promise<void> {
  const live = ctx.table.find(notice.id);
  if (!live) return forgetExit(ctx.layout.exits, notice.id);
  const after = await live.lock.run(async () => {
    // of a start that failed
    if (!hasProcesses(live.record)) forgetExit(ctx.layout.exits, notice.id);
    // the same, told of when the next start has succeeded: what ended is not what runs
    if (!hasProcesses(live.record) || alive(live)) return undefined;
    return recordExit(ctx, live, notice, ageOf(live.record.pidStartTime));
  });
  if (after === 'remove') await remove(ctx, live, { force: true, volumes: true });
}

/** Gives back everything a running container holds. Each is tried; what fails is logged and found again at the next start. */
export async function release(ctx: ContainersContext, live: Live): Promise<void> {
  const { record } = live;
  const attempt = async (what: string, run: () => unknown) => {
    try {
      await run();
    } catch (error) {
      ctx.log.error(`container ${record.id}: could not release ${what}`, error);
    }
  };
  const network = async () => {
    if (networkKind(record.hostConfig.NetworkMode) !== 'own') return;
    await attempt('its networks', () => ctx.networking.detach(record.id));
    await attempt('its network namespace', () => ctx.networking.dropNamespace(record.id));
  };
  await Promise.all([
    network(),
    attempt('its processes', () => endProcesses(ctx, record)).then(() =>
      attempt('its root', () => unmountRoot(ctx, live)),
    ),
  ]);
  // Only now: the root, and with it the mount in it, is gone.
  await attempt('its volumes', () => ctx.volumes.release?.(record.id));
  await attempt('its run directory', () =>
    throwAway(ctx.layout.containerRun(record.id), ctx.layout.trash, (error) =>
      ctx.log.error(`run directory of container ${record.id}`, error),
    ),
  );
}

/** The caller holds the lock. `ranFor`: milliseconds; by the time of day, which may have jumped, where nobody saw the end. */
export async function recordExit(
  ctx: ContainersContext,
  live: Live,
  notice: ExitNotice,
  ranFor = Math.max(0, Date.parse(notice.at) - Date.parse(live.record.state.StartedAt)),
): Promise<'remove' | undefined> {
  const { record } = live;
  const { state } = record;
  const oomKills = await ctx.cgroups.oomKills(record.cgroupPath).catch(() => 0);
  const oomKilled = oomKills > 0 || state.OOMKilled;
  // conmon closes its end when it has handed over all; a client that never got connected is told here.
  await live.hub.drained();
  live.hub.end();
  await release(ctx, live);
  await ctx.trimLog(record).catch((error: unknown) => ctx.log.error(`log of container ${record.id}`, error));
  Object.assign(state, { Pid: 0, ExitCode: notice.code, FinishedAt: notice.at, OOMKilled: oomKilled, Error: '' });
  unwatched(state.Health);
  record.pidStartTime = 0;
  record.monitorPid = 0;
  record.netns = '';
  record.attached = { networks: {}, ports: {} };
  live.execIds.clear();
  const restart = live.exitWanted ? undefined : planRestart(ctx, live, ranFor);
  setStatus(state, restart ? 'restarting' : 'exited');
  if (restart) record.restartCount += 1;
  const goes = !restart && record.hostConfig.AutoRemove && !live.keep;
  // What is removed next leaves no record of its end: an engine that is killed before that finds conmon's, and ends it anew.
  // Where it cannot be saved, conmon's stays too.
  if (!goes && (await trySave(ctx, live, 'how it ended'))) forgetExit(ctx.layout.exits, record.id);
  if (oomKills > live.oomKills) emit(ctx, live, 'oom');
  emit(ctx, live, 'die', {
    exitCode: String(notice.code),
    execDuration: String(Math.floor(ranFor / 1000)),
  });
  ctx.table.changed(live, 'die');
  live.settle('not-running', 'next-exit');
  restart?.();
  return goes ? 'remove' : undefined;
}
