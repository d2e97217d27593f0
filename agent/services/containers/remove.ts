import { rename as renameFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict } from '../../api/errors.ts';
import { forgetExit } from '../../runtime/exit-watch.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { sendSignal } from './kill.ts';
import { unmountRoot } from './root-mount.ts';
import { guard, setStatus } from './state.ts';
import { waitExit } from './wait-exit.ts';

const SIGKILL = 9;
/** Directories of containers that are gone but for their files; found again at the next start. */
export const REMOVED_PREFIX = 'removed-';

export interface RemoveOptions {
  force: boolean;
  /** anonymous volumes go too */
  volumes: boolean;
}

/** DELETE /containers/{id} */
export async function remove(ctx: ContainersContext, live: Live, options: RemoveOptions): Promise<void> {
  const { record } = live;
  if (live.removing) throw conflict(`removal of container ${record.id} is already in progress`);
  if (!options.force) guard('remove', record);
  live.removing = true;
  try {
    if (record.state.Running) await end(ctx, live);
    await live.lock.run(() => removeLocked(ctx, live, options));
  } finally {
    live.removing = false;
  }
}

async function end(ctx: ContainersContext, live: Live): Promise<void> {
  live.exitWanted = true;
  live.keep = true;
  live.cancelRestart?.();
  live.cancelRestart = undefined;
  // A start under way has to be over before its process can be ended.
  await live.lock.run(() => Promise.resolve());
  if (live.record.state.Pid === 0) return;
  const exit = waitExit(ctx, live, 10_000);
  await sendSignal(ctx, live, SIGKILL);
  if (!(await exit))
    throw conflict(
      `cannot remove container "/${live.record.name}": could not kill container: tried to kill container, but did not receive an exit event`,
    );
}

async function removeLocked(ctx: ContainersContext, live: Live, options: RemoveOptions): Promise<void> {
  const { record } = live;
  setStatus(record.state, 'removing');
  unmountRoot(ctx, live);
  // One rename takes the container away: killed before it, the engine finds it whole; after it, only files to delete.
  const gone = join(ctx.layout.containers, REMOVED_PREFIX + record.id);
  await renameFile(ctx.layout.container(record.id), gone);
  ctx.table.drop(live);
  await Promise.all([
    rm(gone, { recursive: true, force: true }),
    rm(ctx.layout.containerRun(record.id), { recursive: true, force: true }),
    forgetExit(ctx.layout.exits, record.id),
  ]);
  if (options.volumes) await removeAnonymousVolumes(ctx, live);
  await ctx.images
    .collect?.()
    .catch((error: unknown) => ctx.log.error('images without a name could not be removed', error));
  live.hub.end();
  emit(ctx, live, 'destroy');
  ctx.table.changed(live, 'destroy');
  live.settle('not-running', 'next-exit', 'removed');
}

async function removeAnonymousVolumes(ctx: ContainersContext, live: Live): Promise<void> {
  for (const mount of live.record.mounts) {
    if (mount.Type !== 'volume' || mount.Name === undefined) continue;
    const volume = ctx.volumes.find(mount.Name);
    if (volume?.Labels?.['com.docker.volume.anonymous'] === undefined) continue;
    await ctx.volumes.remove(mount.Name).catch((error: unknown) => {
      ctx.log.warn(
        `volume ${mount.Name} of container ${live.id} stays: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  }
}
