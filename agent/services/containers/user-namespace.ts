import { statSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HostConfig, MountPoint } from '../../api/container.ts';
import { invalid, systemError } from '../../api/errors.ts';
import { sameMap, toHost, type IdMap } from '../../namespaces/id-map.ts';
import { checkMapped } from '../../runtime/spec/check-user-namespace.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

/** The ids of a container to be made; undefined for the host's. Throws invalid-parameter for what does not go with ids of its own. */
export function chooseIdMap(ctx: ContainersContext, hostConfig: HostConfig): IdMap | undefined {
  const mode = hostConfig.UsernsMode ?? '';
  const map = mode === 'private' || (mode === '' && ctx.mapped.byDefault) ? ctx.mapped.map : undefined;
  if (map) {
    checkMapped(hostConfig, ctx.facts);
    checkPassage(ctx.layout.containers, map);
  }
  for (const [kind, other] of joined(hostConfig)) {
    const { record } = ctx.table.get(other);
    // The host's root may do in there what it likes; the other way round the kernel refuses.
    if (map && !sameMap(map, record.idMap))
      throw invalid(`cannot join ${kind} namespace of container ${record.name}: it belongs to another user namespace`);
  }
  return map;
}

/** The runtime reaches a container's root with the container's ids: other users must be let through the directories above. */
function checkPassage(path: string, { gid }: IdMap): void {
  for (let directory = path; ; directory = dirname(directory)) {
    const stats = statSync(directory);
    if ((stats.mode & 0o001) === 0 && !(stats.gid === gid.host && (stats.mode & 0o010) !== 0))
      throw systemError(
        `user namespaces: containers cannot pass through ${directory} (mode ${(stats.mode & 0o777).toString(8)}): chmod o+x ${directory}`,
      );
    if (directory === '/') return;
  }
}

/** Containers whose namespaces are shared, by kind. */
function joined(hostConfig: HostConfig): [string, string][] {
  const modes = { network: hostConfig.NetworkMode, PID: hostConfig.PidMode, IPC: hostConfig.IpcMode };
  return Object.entries(modes).flatMap(([kind, mode]): [string, string][] =>
    mode?.startsWith('container:') ? [[kind, mode.slice('container:'.length)]] : [],
  );
}

/** A process's user as the host has it; undefined where both are the same. */
export function ownerOf(
  { idMap }: ContainerRecord,
  user: { uid: number; gid: number } | undefined,
): { uid: number; gid: number } | undefined {
  const uid = user && idMap && toHost(idMap.uid, user.uid);
  const gid = user && idMap && toHost(idMap.gid, user.gid);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** A namespace that is joined belongs to a user namespace, which has to be joined with it (moby, `setNamespaces`). */
export function joinedContainer(record: ContainerRecord): string | undefined {
  return joined(record.hostConfig)[0]?.[1];
}

/**
 * Makes the container's root the owner of what the engine makes for it, and lets it, and no other user of the host, pass through the
 * directories above its root: the runtime comes there with the container's ids.
 */
export async function giveToContainer(ctx: ContainersContext, id: string, { uid, gid }: IdMap): Promise<void> {
  const directory = ctx.layout.container(id);
  const { base, upper, merged } = ctx.layout.overlay(id);
  for (const path of [directory, base, merged]) {
    await chown(path, 0, gid.host);
    await chmod(path, 0o710);
  }
  for (const path of [upper, ...['hosts', 'hostname', 'resolv.conf'].map((file) => join(directory, file))])
    await chown(path, uid.host, gid.host);
}

/**
 * The mounts as the runtime is to make them: volumes with the container's ids, binds as they are (a directory of the host's root stays
 * that). `ctx.mapped.unstage` when the container is made.
 */
export async function stageVolumes(ctx: ContainersContext, record: ContainerRecord): Promise<MountPoint[]> {
  const { idMap, mounts } = record;
  if (!idMap || !mounts.some(({ Type }) => Type === 'volume')) return mounts;
  const namespace = await ctx.mapped.namespace(idMap);
  return mounts.map((mount) => {
    if (mount.Type !== 'volume') return mount;
    const staged = ctx.mapped.stage(record.id, mount.Source, namespace);
    if (staged === undefined)
      ctx.log.warn(
        `volume ${mount.Name} of container ${record.id}: its file system has no id-mapped mounts; its files keep the host's ids`,
      );
    return { ...mount, Source: staged ?? mount.Source };
  });
}
