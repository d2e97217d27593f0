import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MNT } from '../../system/syscalls.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

/** Volumes that are still empty get what the image has at their place, unless that was declined (`nocopy`). */
export async function copyUpVolumes(ctx: ContainersContext, record: ContainerRecord): Promise<void> {
  const wanted = record.mounts.filter(
    (mount) => mount.Type === 'volume' && mount.Name !== undefined && !declined(record, mount.Destination),
  );
  if (wanted.length === 0) return;
  const image = ctx.images.byId(record.imageId);
  if (!image || image.lowerdirs.length === 0) return;
  const { base, merged } = ctx.layout.overlay(record.id);
  // Only to be read: without an upper directory overlayfs wants two lower ones.
  ctx.sys.mount('overlay', merged, 'overlay', 1, `lowerdir=${[...image.lowerdirs, join(base, 'upper')].join(':')}`);
  try {
    for (const mount of wanted) {
      const from = await resolveInRoot(merged, mount.Destination);
      if (from !== undefined) await ctx.volumes.copyUp(mount.Name as string, from);
    }
  } finally {
    ctx.sys.umount(merged, MNT.DETACH);
  }
}

function declined(record: ContainerRecord, destination: string): boolean {
  if (record.hostConfig.Mounts?.some((mount) => mount.Target === destination && mount.VolumeOptions?.NoCopy))
    return true;
  return (record.hostConfig.Binds ?? []).some((bind) => {
    const [, target, mode] = bind.split(':');
    return target === destination && (mode ?? '').split(',').includes('nocopy');
  });
}

/** The directory at `path` below `root`, its links followed as a process with that root would; undefined when there is none. */
export async function resolveInRoot(root: string, path: string): Promise<string | undefined> {
  const todo = path.split('/');
  let at: string[] = [];
  for (let links = 0; todo.length > 0;) {
    const name = todo.shift() as string;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at.pop();
      continue;
    }
    const here = join(root, ...at, name);
    const info = await lstat(here).catch(() => undefined);
    if (!info) return undefined;
    if (info.isSymbolicLink()) {
      if ((links += 1) > 40) return undefined;
      const target = await readlink(here);
      if (target.startsWith('/')) at = [];
      todo.unshift(...target.split('/'));
    } else at.push(name);
  }
  const found = join(root, ...at);
  return (await lstat(found)).isDirectory() ? found : undefined;
}
