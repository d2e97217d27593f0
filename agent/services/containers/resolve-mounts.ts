import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { invalid, systemError } from '../../api/errors.ts';
import type { HostConfig, MountPoint } from '../../api/container.ts';
import type { VolumeCreateRequest, VolumeInspect } from '../../api/network.ts';
import { cleanPath } from '../../runtime/spec/check-config.ts';
import { mountOf } from '../../runtime/spec/mount-propagation.ts';
import { resolveInRoot } from '../../runtime/spec/root-path.ts';
import type { CheckedRequest, ResolveMounts } from '../../runtime/types.ts';
import type { VolumeSource } from '../../volumes/types.ts';
import type { ContainerRecord } from '../container-record.ts';
import { parseBind, parseMountRequest, parseVolumesFrom, type ParsedMount } from './mount-parse.ts';
import { checkShared } from './shared-folders.ts';

/**
 * Where everything that is mounted comes from: volumes of other containers, `-v`, `--mount`, the image's volumes, each overriding the one
 * before at the same target. All is checked before anything is made; what was made is taken back on failure.
 */
export const createResolveMounts =
  (volumes: VolumeSource, root = '', socket = '', hostFolders = ''): ResolveMounts =>
  async (request, others, container) => {
    checkShared(hostFolders, request.hostConfig);
    const inherited = inheritedMounts(request.hostConfig, others);
    const asked = askedMounts(request.hostConfig, socket);
    const fresh: string[] = [];
    const make = async (volume: VolumeCreateRequest): Promise<VolumeInspect> => {
      const known = volume.Name !== undefined && volumes.find(volume.Name) !== undefined;
      const made = await volumes.ensure(volume, container);
      if (!known) fresh.push(made.Name);
      return made;
    };
    try {
      const points = new Map(inherited.map((point) => [point.Destination, point]));
      const anonymous: string[] = [];
      for (const mount of asked) {
        const point =
          mount.type === 'bind'
            ? await bindPoint(mount, root)
            : await pointOf(mount, request.hostConfig.VolumeDriver, make);
        if (mount.type === 'volume' && mount.source === '' && point.Name) anonymous.push(point.Name);
        points.set(point.Destination, point);
      }
      for (const target of imageTargets(request, points)) {
        const volume = await make({ Driver: request.hostConfig.VolumeDriver });
        anonymous.push(volume.Name);
        points.set(target, volumePoint(volume, target, '', true));
      }
      await makeSources(asked);
      // Those with a device of their own: what the image has there is copied into what is mounted.
      await volumes.use?.([...points.values()].flatMap((point) => (point.Name ? [point.Name] : [])));
      const mounts = [...points.values()].sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
      return { mounts, anonymous };
    } catch (error) {
      for (const name of fresh) await volumes.remove(name);
      throw error;
    }
  };

function inheritedMounts(host: HostConfig, others: (reference: string) => ContainerRecord): MountPoint[] {
  return (host.VolumesFrom ?? []).flatMap((spec) => {
    const { container, readOnly } = parseVolumesFrom(spec);
    return others(container).mounts.map((point) => ({ ...point, RW: point.RW && !readOnly }));
  });
}

const DOCKER_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock'];

/** Tools in containers look for their engine where Docker's is. Where there is none, it is this one: no directory is made there. */
const withSocket = (source: string, socket: string) =>
  socket !== '' && DOCKER_SOCKETS.includes(source) && !existsSync(source) ? socket : source;

/** Binds and mounts in the order given. Throws invalid-parameter when a target is named twice. */
function askedMounts(host: HostConfig, socket: string): ParsedMount[] {
  const binds = (host.Binds ?? []).map(parseBind).map((bind) => ({ ...bind, source: withSocket(bind.source, socket) }));
  const mounts = (host.Mounts ?? []).map((mount) =>
    mount.Type === 'bind' ? { ...mount, Source: withSocket(mount.Source ?? '', socket) } : mount,
  );
  const parsed = [...binds, ...mounts.map(parseMountRequest)];
  const targets = new Set(Object.keys(host.Tmpfs ?? {}).map(cleanPath));
  for (const mount of parsed) {
    if (targets.has(mount.target)) throw invalid(`Duplicate mount point: ${mount.target}`);
    targets.add(mount.target);
  }
  return parsed;
}

/** Volumes that the image or `-v TARGET` declares, where nothing else is mounted. */
function imageTargets({ config, hostConfig }: CheckedRequest, taken: ReadonlyMap<string, unknown>): string[] {
  const tmpfs = new Set(Object.keys(hostConfig.Tmpfs ?? {}).map(cleanPath));
  const targets = Object.keys(config.Volumes ?? {}).map((target) => {
    if (!target.startsWith('/'))
      throw invalid(
        `invalid volume specification: '${target}': invalid mount path: '${target}' mount path must be absolute`,
      );
    if (cleanPath(target) === '/')
      throw invalid(`invalid volume specification: '${target}': invalid specification: destination can't be '/'`);
    return cleanPath(target);
  });
  return [...new Set(targets)].filter((target) => !taken.has(target) && !tmpfs.has(target));
}

async function pointOf(
  mount: ParsedMount,
  driver: string | undefined,
  make: (volume: VolumeCreateRequest) => Promise<VolumeInspect>,
): Promise<MountPoint> {
  const base = { Destination: mount.target, Mode: mount.mode, RW: !mount.readOnly };
  if (mount.type === 'tmpfs') return { Type: 'tmpfs', Source: '', ...base, Propagation: '' };
  // What is mounted is known when the image is (see side-mounts.ts).
  if (mount.type === 'image') return { Type: 'image', Name: mount.source, Source: '', ...base, Propagation: '' };
  const options = mount.request?.VolumeOptions;
  const volume = await make({
    ...(mount.source !== '' && { Name: mount.source }),
    Driver: options?.DriverConfig?.Name || (mount.request ? undefined : driver),
    DriverOpts: options?.DriverConfig?.Options,
    Labels: options?.Labels,
  });
  const point = volumePoint(volume, mount.target, mount.mode || 'z', !mount.readOnly);
  const subpath = options?.Subpath ?? '';
  if (subpath === '') return point;
  // It need not be there yet: looked at again at each start (see side-mounts.ts).
  return { ...point, Source: (await resolveInRoot(volume.Mountpoint, subpath)).path };
}

/**
 * A private copy of what the engine mounts would keep it mounted. So what holds the engine's directory, or lies in it, is a slave to the
 * engine's mounts (moby `validateBindDaemonRoot`), where mounts are shared at all.
 */
async function bindPoint(
  { target, mode, readOnly, source, propagation }: ParsedMount,
  root: string,
): Promise<MountPoint> {
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
  let chosen = propagation || 'rprivate';
  if (root !== '' && (within(source, root) || within(root, source))) {
    if (!['', 'rslave', 'rshared'].includes(propagation))
      throw invalid(
        `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${JSON.stringify(root)}, bind mount source: ${JSON.stringify(source)}, propagation: ${JSON.stringify(propagation)}`,
      );
    const from = propagation === '' ? await mountOf(source).catch(() => undefined) : undefined;
    if (from?.shared || from?.slave) chosen = 'rslave';
  }
  return { Type: 'bind', Source: source, Destination: target, Mode: mode, RW: !readOnly, Propagation: chosen };
}

const volumePoint = (volume: VolumeInspect, target: string, mode: string, rw: boolean): MountPoint => ({
  Type: 'volume',
  Name: volume.Name,
  Source: volume.Mountpoint,
  Destination: target,
  Driver: volume.Driver,
  Mode: mode,
  RW: rw,
  Propagation: '',
});

/** `-v` makes what is missing on the host; `--mount` only when told to. */
async function makeSources(mounts: readonly ParsedMount[]): Promise<void> {
  for (const { type, source, request } of mounts) {
    if (type !== 'bind' || (request && !request.BindOptions?.CreateMountpoint)) continue;
    if (await stat(source).catch(() => undefined)) continue;
    await mkdir(source, { recursive: true, mode: 0o755 }).catch((error: Error) => {
      throw systemError(`error while creating mount source path '${source}': ${error.message}`, error);
    });
  }
}
