import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict } from '../../api/errors.ts';
import { forgetExit } from '../../runtime/exit-watch.ts';
import { removeLarge, removeSmall } from '../../store/remove-later.ts';
import { readFile, rename as renameFile, writeFile } from '../../system/small-files.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { sendSignal } from './kill.ts';
import { unmountRoot } from './root-mount.ts';
import { guard, setStatus } from './state.ts';
import { volumeNames } from './users.ts';
import { waitExit } from './wait-exit.ts';

const SIGKILL = 9;
/** Directories of containers that are gone but for their files; found again at the next start. */
export const REMOVED_PREFIX = 'removed-';
/** In such a directory: names of the volumes that go with the container, as JSON. */
const VOLUMES_TO_REMOVE = 'volumes-to-remove.json';

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
  const before = record.state.Status;
  setStatus(record.state, 'removing');
  const volumes = options.volumes ? anonymousVolumes(ctx, live) : [];
  const gone = join(ctx.layout.containers, REMOVED_PREFIX + record.id);
  try {
    unmountRoot(ctx, live);
    if (volumes.length > 0) await noteVolumes(ctx, record.id, volumes);
    // One rename takes the container away: killed before it, the engine finds it whole; after it, only files to delete.
    await renameFile(ctx.layout.container(record.id), gone);
  } catch (error) {
    setStatus(record.state, before);
    // it stays, and the next removal may be another
    await rm(join(ctx.layout.container(record.id), VOLUMES_TO_REMOVE), { force: true });
    throw error;
  }
  ctx.table.drop(live);
  await removeRest(ctx, live, gone, volumes);
  live.hub.end();
  emit(ctx, live, 'destroy');
  ctx.table.changed(live, 'destroy');
  live.settle('not-running', 'next-exit', 'removed');
}

/** A full disk must not keep a container from being removed: the volumes then stay should the engine be killed before they are gone. */
const noteVolumes = (ctx: ContainersContext, id: string, volumes: readonly string[]): Promise<void> =>
  writeFile(join(ctx.layout.container(id), VOLUMES_TO_REMOVE), JSON.stringify(volumes)).catch((error: unknown) =>
    ctx.log.error(`container ${id}: could not note which volumes go with it`, error),
  );

/** The container is gone for everybody. What cannot be removed now is found at the next start. */
async function removeRest(ctx: ContainersContext, live: Live, gone: string, volumes: readonly string[]): Promise<void> {
  const failed = (error: unknown) => ctx.log.error(`files of the removed container ${live.id}`, error);
  // before the files: they tell, should the engine be killed now, which volumes were to go
  for (const volume of volumes) await removeVolume(ctx, live.id, volume);
  forgetExit(ctx.layout.exits, live.id);
  try {
    removeSmall(ctx.layout.containerRun(live.id));
  } catch (error) {
    failed(error);
  }
  await removeLarge(gone, failed).catch(failed);
  await ctx.images
    .collect?.()
    .catch((error: unknown) => ctx.log.error('images without a name could not be removed', error));
}

function anonymousVolumes(ctx: ContainersContext, { record }: Live): string[] {
  return volumeNames(record).filter(
    (name) => ctx.volumes.find(name)?.Labels?.['com.docker.volume.anonymous'] !== undefined,
  );
}

async function removeVolume(ctx: ContainersContext, container: string, name: string): Promise<void> {
  if (!ctx.volumes.find(name)) return;
  await ctx.volumes.remove(name).catch((error: unknown) => {
    ctx.log.warn(
      `volume ${name} of container ${container} stays: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}

/** Ends the removal of a container that an engine was killed in. */
export async function finishRemoval(ctx: ContainersContext, name: string): Promise<void> {
  const directory = join(ctx.layout.containers, name);
  const listed = await readFile(join(directory, VOLUMES_TO_REMOVE), 'utf8').catch(() => '[]');
  const volumes = JSON.parse(listed) as string[];
  for (const volume of volumes) await removeVolume(ctx, name.slice(REMOVED_PREFIX.length), volume);
  await rm(directory, { recursive: true, force: true });
}
