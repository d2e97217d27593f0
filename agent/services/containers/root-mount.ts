import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemError } from '../../api/errors.ts';
import { MNT } from '../../system/syscalls.ts';
import { mkdir } from '../../system/small-files.ts';
import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { mountLayers } from './mount-layers.ts';
import { isMountPoint } from './mount-point.ts';
import { unmountSides } from './side-mounts.ts';

/** Makes the directories of a container's writable layer. */
export async function makeOverlayDirectories(ctx: ContainersContext, id: string): Promise<void> {
  const { base, upper, work, merged } = ctx.layout.overlay(id);
  await mkdir(base, { mode: 0o710 });
  await Promise.all([mkdir(upper, { mode: 0o755 }), mkdir(work, { mode: 0o700 }), mkdir(merged, { mode: 0o700 })]);
}

/**
 * Mounts the container's root, unless it is; gives its path. With ids of its own, the image's layers are seen with those, and what the
 * container writes has them on disk too.
 */
export async function mountRoot(ctx: ContainersContext, live: Live): Promise<string> {
  const { idMap } = live.record;
  const namespace = idMap && (await ctx.mapped.namespace(idMap));
  // Nothing is waited for from here on: two that want the root at once must not both mount it.

  const { upper, work, merged } = ctx.layout.overlay(live.id);
  if (isMountPoint(merged)) return merged;
  const image = ctx.images.byId(live.record.imageId);
  if (!image) throw systemError(`the image ${live.record.imageId} of container ${live.id} is missing`);
  // An image without layers still needs a lower directory.
  const lowers = image.lowerdirs.length > 0 ? image.lowerdirs : [emptyDirectory(ctx, live.id)];
  mountLayers(ctx, { target: merged, lowers, upper: `upperdir=${upper},workdir=${work}`, flags: 0, namespace });
  return merged;
}

function emptyDirectory(ctx: ContainersContext, id: string): string {
  const path = join(ctx.layout.overlay(id).base, 'empty');
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

/** Unmounts what was mounted for the container; its root unless somebody reads that; then the last to leave unmounts it. */
export function unmountRoot(ctx: ContainersContext, live: Live): void {
  unmountSides(ctx, live.id);
  live.held?.close();
  live.held = undefined;
  if (live.rootUses === 0) unmountMerged(ctx, live.id);
}

/** Whatever is mounted where a container's root is. */
export function unmountMerged(ctx: ContainersContext, id: string): void {
  const { merged } = ctx.layout.overlay(id);
  if (isMountPoint(merged)) ctx.sys.umount(merged, MNT.DETACH);
}

/** Reads or writes a container's root, mounted for the time being when it is not running. */
export async function withRoot<T>(ctx: ContainersContext, live: Live, use: (root: string) => Promise<T>): Promise<T> {
  live.rootUses += 1;
  try {
    return await use(await mountRoot(ctx, live));
  } finally {
    live.rootUses -= 1;
    if (live.record.state.Pid === 0 && !live.starting) unmountRoot(ctx, live);
  }
}
