import { closeSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemError } from '../../api/errors.ts';
import { mapLine, type IdMap } from '../../namespaces/id-map.ts';
import type { Layout } from '../../store/layout.ts';
import type { IdmapCalls } from '../../system/idmap.ts';
import { MNT, SyscallError, type Syscalls } from '../../system/syscalls.ts';

/** Files with the ids of a container's user namespace, without a change on disk. */
export interface MappedMounts {
  /** The mapping of containers made from now on. */
  readonly map: IdMap;
  /** true: every container is mapped that does not ask for the host's user namespace (`userns-remap`) */
  readonly byDefault: boolean;
  /** Descriptor of a user namespace with the mapping; the same one each time, never to be closed. */
  namespace(map: IdMap): Promise<number>;
  /**
   * Puts a mapped copy at a short name while `use` runs, which must be synchronous: `lowerdir=` of overlayfs wants paths, and keeps
   * mounts of its own.
   */
  during<T>(path: string, namespace: number, use: (at: string) => T): T;
  /** Puts mapped copies at names of the container's; `unstage` takes them away. Undefined where the file system cannot. */
  stage(container: string, path: string, namespace: number): string | undefined;
  unstage(container: string): void;
  /** Takes away what an engine that was killed left. */
  sweep(): void;
}

export interface MappedMountsOptions {
  calls: IdmapCalls;
  sys: Syscalls;
  layout: Layout;
  map: IdMap;
  byDefault: boolean;
}

export function createMappedMounts({ calls, sys, layout, map, byDefault }: MappedMountsOptions): MappedMounts {
  const namespaces = new Map<string, Promise<number>>();
  const namespace = (wanted: IdMap) => {
    const lines = [mapLine(wanted.uid), mapLine(wanted.gid)] as const;
    const key = lines.join('');
    let known = namespaces.get(key);
    if (!known) {
      known = calls.openUserNamespace(...lines);
      namespaces.set(key, known);
      known.catch(() => namespaces.delete(key));
    }
    return known;
  };
  const during = <T>(path: string, fd: number, use: (at: string) => T): T => {
    const at = layout.mappedImages;
    mkdirSync(at, { recursive: true, mode: 0o711 });
    attach(calls, calls.cloneMapped(path, fd, false), at);
    try {
      return use(at);
    } finally {
      sys.umount(at, MNT.DETACH);
    }
  };
  return {
    map,
    byDefault,
    namespace,
    during: (path, fd, use) => explained(() => during(path, fd, use)),
    stage: (container, path, fd) => stage(calls, join(layout.mappedVolumes, container), path, fd),
    unstage: (container) => clear(sys, join(layout.mappedVolumes, container)),
    sweep: () => {
      while (existsSync(layout.mappedImages) && unmounted(sys, layout.mappedImages)) continue;
      for (const container of names(layout.mappedVolumes)) clear(sys, join(layout.mappedVolumes, container));
    },
  };
}

function attach(calls: IdmapCalls, mount: number, target: string): void {
  try {
    calls.attach(mount, target);
  } finally {
    closeSync(mount);
  }
}

function stage(calls: IdmapCalls, directory: string, path: string, namespace: number): string | undefined {
  let mount: number;
  try {
    mount = calls.cloneMapped(path, namespace, true);
  } catch (error) {
    // Network file systems and others that know nothing of it show their files as they are, as dockerd has them.
    if (error instanceof SyscallError && ['EINVAL', 'ENOSYS', 'EPERM'].includes(error.code)) return undefined;
    throw error;
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const target = join(directory, String(names(directory).length));
  if (statSync(path).isDirectory()) mkdirSync(target, { mode: 0o700 });
  else writeFileSync(target, '', { mode: 0o600 });
  attach(calls, mount, target);
  return target;
}

/** Never removes recursively: were something still mounted there, its files would go. */
function clear(sys: Syscalls, directory: string): void {
  for (const name of names(directory)) {
    const path = join(directory, name);
    while (unmounted(sys, path)) continue;
    if (statSync(path).isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  }
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** True when there was a mount. */
function unmounted(sys: Syscalls, path: string): boolean {
  try {
    sys.umount(path, MNT.DETACH);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && (error.code === 'EINVAL' || error.code === 'ENOENT')) return false;
    throw error;
  }
}

function explained<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof SyscallError) || !['EINVAL', 'ENOSYS', 'EPERM'].includes(error.code)) throw error;
    throw systemError(
      `user namespaces need the layers of images mounted with other ids (Linux 5.19 or later, and a file system that can: ext4, xfs, btrfs): ${error.message}`,
      error,
    );
  }
}
