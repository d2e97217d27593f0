import { mkdirSync, readdirSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, invalid, systemError } from '../../api/errors.ts';
import type { MountPoint } from '../../api/container.ts';
import { otherContainer } from '../../runtime/spec/modes.ts';
import { cleanPath } from '../../runtime/spec/check-config.ts';
import { resolveInRoot } from '../../runtime/spec/root-path.ts';
import { MNT, MS } from '../../system/syscalls.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import { isMountPoint } from './mount-point.ts';
import { mountLayers } from './mount-layers.ts';
import { hasProcesses } from './state.ts';

type Context = Pick<ContainersContext, 'layout' | 'sys'>;

/** What the engine mounts for a running container beside its root, to bind it into that one and others. */
const directoryOf = ({ layout }: Pick<Context, 'layout'>, id: string) => join(layout.containerRun(id), 'mounts');
const shmPath = (ctx: Pick<Context, 'layout'>, id: string) => join(directoryOf(ctx, id), 'shm');

/**
 * Before the process is made: a /dev/shm that other containers can have too (`--ipc shareable`), and the images that are mounted. What a
 * mount belongs to is bound from another mount namespace by nobody, so it has to be the engine's. Gives the mounts with these in place.
 */
export async function mountSides(ctx: ContainersContext, record: ContainerRecord): Promise<MountPoint[]> {
  if (record.hostConfig.IpcMode === 'shareable') mountShm(ctx, record);
  const mounts: MountPoint[] = [];
  for (const point of record.mounts)
    mounts.push(point.Type === 'image' ? { ...point, Source: await mountImage(ctx, record, point) } : point);
  return Promise.all(mounts.map((point) => atSubpath(ctx, record, point)));
}

const requestOf = ({ hostConfig }: ContainerRecord, { Destination }: MountPoint) =>
  hostConfig.Mounts?.find(({ Target }) => cleanPath(Target) === Destination);

/** A part of a volume, as it is now: what runs before may have made it. */
async function atSubpath(ctx: ContainersContext, record: ContainerRecord, point: MountPoint): Promise<MountPoint> {
  const subpath = point.Type === 'volume' ? requestOf(record, point)?.VolumeOptions?.Subpath : undefined;
  const volume = subpath ? ctx.volumes.find(point.Name ?? '') : undefined;
  if (!subpath || !volume) return point;
  return { ...point, Source: await below(volume.Mountpoint, subpath, `volume ${volume.Name}`) };
}

/** `subpath` below `base`, where no link leads out of it (moby `safepath.Join`). */
async function below(base: string, subpath: string, where: string): Promise<string> {
  const { path, exists } = await resolveInRoot(base, subpath);
  const real = await realpath(join(base, subpath)).catch(() => undefined);
  const root = await realpath(base);
  if (real !== undefined && real !== root && !real.startsWith(`${root}/`))
    throw invalid(`path concatenation escapes the base directory, base: ${base}, subpath: ${subpath}`);
  if (!exists) throw invalid(`cannot access path ${subpath}: no such file or directory in the ${where}`);
  return path;
}

/** Fine when there is nothing. */
export function unmountSides(ctx: Context, id: string): void {
  const directory = directoryOf(ctx, id);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  for (const name of names) if (isMountPoint(join(directory, name))) ctx.sys.umount(join(directory, name), MNT.DETACH);
}

function mountShm(ctx: ContainersContext, { id, hostConfig, idMap }: ContainerRecord): void {
  const path = shmPath(ctx, id);
  mkdirSync(path, { recursive: true, mode: 0o711 });
  const owner = idMap ? `,uid=${idMap.uid.host},gid=${idMap.gid.host}` : '';
  ctx.sys.mount(
    'shm',
    path,
    'tmpfs',
    MS.NOSUID | MS.NOEXEC | MS.NODEV,
    `mode=1777,size=${hostConfig.ShmSize ?? 0}${owner}`,
  );
}

/** Read-only; gives the directory of the image that was asked for. Throws invalid-parameter when that is not there. */
async function mountImage(ctx: ContainersContext, record: ContainerRecord, point: MountPoint): Promise<string> {
  const imageId = record.imageMounts?.[point.Destination];
  const image = imageId === undefined ? undefined : ctx.images.byId(imageId);
  if (!image) throw systemError(`the image ${point.Name} mounted at ${point.Destination} is missing`);
  const directory = directoryOf(ctx, record.id);
  const number = Object.keys(record.imageMounts ?? {}).indexOf(point.Destination);
  const [target, empty] = [join(directory, `image-${number}`), join(directory, 'empty')];
  mkdirSync(target, { recursive: true, mode: 0o755 });
  mkdirSync(empty, { recursive: true, mode: 0o755 });
  // Without an upper directory overlayfs wants two lower ones.
  const namespace = record.idMap && (await ctx.mapped.namespace(record.idMap));
  mountLayers(ctx, { target, lowers: [...image.lowerdirs, empty], flags: MS.RDONLY, namespace });
  const subpath = requestOf(record, point)?.ImageOptions?.Subpath ?? '';
  return subpath === '' ? target : below(target, subpath, `image ${point.Name}`);
}

/** What is bound as /dev/shm; undefined: a new one of its own. Throws where another container's cannot be had (moby `getIPCContainer`). */
export function shmOf(ctx: Pick<ContainersContext, 'layout' | 'table'>, record: ContainerRecord): string | undefined {
  const mode = record.hostConfig.IpcMode;
  if (mode === 'host') return '/dev/shm';
  if (mode === 'shareable') return shmPath(ctx, record.id);
  const reference = otherContainer(mode);
  if (reference === undefined) return undefined;
  const other = ctx.table.get(reference).record;
  if (!hasProcesses(other)) throw conflict(`failed to join IPC namespace: container ${reference} is not running`);
  const shared = shmOf(ctx, other);
  if (shared === undefined || !isMountPoint(shared))
    throw invalid(
      `failed to join IPC namespace: container ${reference}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  return shared;
}
